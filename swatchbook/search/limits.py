"""The largest number of results of one search, for the command line, the service, the web page and notebooks."""

MAX_RESULTS = 100
