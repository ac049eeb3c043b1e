"""A public benchmark of finding like pictures: four public sets of product pictures and textures, by their hashes."""
