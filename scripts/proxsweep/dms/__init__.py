"""Joint models of deep mutational scans under several conditions."""
