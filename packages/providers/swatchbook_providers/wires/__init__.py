"""The wire formats of providers, one per file."""
