"""A person looks at a night and corrects it: edits, what follows from them, and the page to make them on."""
