"""Many nights: one table, a reference, one night against others."""
