"""Maintenance of a collection: garbage collection, verification, and regeneration of outdated items."""
