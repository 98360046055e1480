"""Agreement with reference annotations, by the rules of the field."""
