"""The longest URL."""

URL_CHARACTERS = 8_192
"""The most characters of a URL: pre-signed URLs are long."""
