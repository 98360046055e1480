"""The night on paper: drawn from its tables, never from memory of the analysis."""
