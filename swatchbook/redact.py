"""Secrets out of what people are shown."""

import re

REDACTED = "••••••"
_PASSWORD = re.compile(r"(://[^/?#]*?:)[^/?#]*(@)")
_SECRET_PARAMETER = re.compile(r"(?i)([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&#]*")


def redact(text: str) -> str:
    """The text without the passwords of URLs in it, nor what their parameters name a secret."""
    return _SECRET_PARAMETER.sub(rf"\1{REDACTED}", _PASSWORD.sub(rf"\1{REDACTED}\2", text))
