"""Weaviate as the vector index of Swatchbook, which several machines can share."""
