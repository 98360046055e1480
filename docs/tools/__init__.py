"""How the site is made from the code, and held against it."""
