"""`python -m holter2sleep`."""

from holter2sleep.cli import main

main(prog_name="holter2sleep")
