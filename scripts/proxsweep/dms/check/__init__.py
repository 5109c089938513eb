"""What a fit claims, computed a second time by other code."""
