"""Association studies: a written plan, one regression an exposure, and what is published of them."""
