"""Hide secrets in text that is shown to people: passwords in URLs, and their parameters with names such as key,
token or secret.
"""

import re

REDACTED = "••••••"
_PASSWORD = re.compile(r"(://[^/?#]*?:)[^/?#]*(@)")
_SECRET_PARAMETER = re.compile(r"(?i)([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&#]*")


def redact(text: str) -> str:
    """Return the text with passwords and secret query parameters of URLs replaced by dots."""
    return _SECRET_PARAMETER.sub(rf"\1{REDACTED}", _PASSWORD.sub(rf"\1{REDACTED}\2", text))
