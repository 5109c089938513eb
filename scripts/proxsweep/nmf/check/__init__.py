"""A second computation of what a fit of the family claims."""
