"""Search: one query per role, fused into one ranking."""

MAX_RESULTS = 100
"""The largest number of results of one search, for the command line, the service, the web page and notebooks."""
