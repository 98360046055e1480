"""The PDF of a cohort, drawn from the tables of its folder."""
