"""Models behind an HTTP address: requests and replies, pacing, waiting, and each answer paid once."""
