"""`python -m holter2sleep`."""

from holter2sleep.start import main

main()
