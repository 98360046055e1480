"""A cohort of nights: a manifest in, a folder for each night out, resumable at any moment."""
