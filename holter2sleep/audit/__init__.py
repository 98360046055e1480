"""What a file is like, and whether it can be analysed, before any analysis."""
