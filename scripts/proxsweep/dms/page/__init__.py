"""The interactive page of a study."""
