"""Maintenance of a collection: collect leftovers, verify, make stale vectors again."""
