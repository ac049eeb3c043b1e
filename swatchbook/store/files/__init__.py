"""Store files, receive uploads, and fetch files from URLs."""
