"""The interactive page of a study: its data, and the template, style and script that show them."""
