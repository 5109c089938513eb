"""Fits of the family: objective, solvers, starts, certificate, and the files of a fit."""
