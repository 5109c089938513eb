"""Tables over the fits of a study, computed from the files of its fits."""
