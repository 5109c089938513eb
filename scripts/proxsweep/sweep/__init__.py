"""What a sweep is: a study, its fits, their records and tables, and the value that is selected."""
