"""Every number that leaves the program: the dictionary, the table, the files of a night."""
