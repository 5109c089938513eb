"""Figures and pages over all fits of a study, whatever the family."""
