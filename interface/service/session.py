"""Sessions of browsers: a login with an API key sets a cookie that replaces the key for 12 hours.

Nothing of a session is stored. The cookie holds its end, a random number and their HMAC under the key. So it ends when
the key is removed from the settings, and it survives a restart of the service.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable

from swatchbook.settings import ApiKey

COOKIE = "swatchbook_session"
SECONDS = 12 * 3600
"""How long a session lasts: a working day."""

_MOST_CHARACTERS = 200


def begin_session(key: ApiKey) -> str:
    """Return the cookie of a new session for a key."""
    claim = f"{int(time.time()) + SECONDS}.{secrets.token_hex(16)}"
    return f"{claim}.{_sign(key, claim)}"


def find_session(keys: Iterable[ApiKey], cookie: str) -> ApiKey | None:
    """Return the key of a session, or None if it has ended or belongs to no key."""
    claim, _, signature = cookie[:_MOST_CHARACTERS].rpartition(".")
    end = claim.partition(".")[0]
    if not (end.isascii() and end.isdecimal()) or int(end) < time.time() or not signature.isascii():
        return None
    match = None
    for key in keys:  # each, so that the time of the answer tells nothing of any key
        if hmac.compare_digest(_sign(key, claim), signature):
            match = key
    return match


def _sign(key: ApiKey, claim: str) -> str:
    secret = key.key.get_secret_value().encode()
    return hmac.new(secret, f"session {claim}".encode(), hashlib.sha256).hexdigest()
