"""Fitted effects and shifts: read, compared over replicates, read under another reference."""
