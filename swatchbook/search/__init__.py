"""Search: one query per role, fused into one ranking."""

MAX_RESULTS = 100  # of one search, for the command line, the service, the web page and notebooks


def title_of_others(*, any_close: bool) -> str:
    """Return the line above the results that are not close."""
    return "Less close:" if any_close else "Nothing matches closely. Nearest:"
