"""A made-up product catalogue, complete with its truth: textures, scenes, pages, and the command that builds them."""
