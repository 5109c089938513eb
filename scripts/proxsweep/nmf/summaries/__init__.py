"""Tables and figures over all fits of a study."""
