"""Search: one query per role, fused into one ranking."""

MAX_RESULTS = 100  # of one search, for the command line, the service, the web page and notebooks
