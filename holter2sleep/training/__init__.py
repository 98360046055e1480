"""Scripts that make the shipped weights and tables from named data."""
