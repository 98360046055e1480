"""Speed and accuracy of the program beside its peers."""
