"""Sessions of browsers: a cookie that a login signs with the key replaces the key for 12 hours, or until the logout.

Nothing of a session is stored while it lasts. A logout leaves an empty file in the home, named by a hash of it,
so that a kept copy of a cookie is refused, also after a restart; it goes when the session would have ended.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from swatchbook.domain.errors import as_failure
from swatchbook.domain.setting_values import ApiKey

SESSION_COOKIE = "swatchbook_session"
SESSION_SECONDS = 12 * 3600
"""How long a session lasts: a working day."""

_MOST_CHARACTERS = 200


def begin_session(key: ApiKey) -> str:
    """Return the cookie of a new session for a key."""
    claim = f"{int(time.time()) + SESSION_SECONDS}.{secrets.token_hex(16)}"
    return f"{claim}.{_sign(key, claim)}"


def find_session(keys: Iterable[ApiKey], cookie: str, ended: Path) -> ApiKey | None:
    """Return the key of a session, or None if it has ended or belongs to no key. `ended`: the folder of `end_session`.

    The time of the answer tells nothing of any key.
    """
    claim, _, signature = cookie[:_MOST_CHARACTERS].rpartition(".")
    end = claim.partition(".")[0]
    if not (end.isascii() and end.isdecimal()) or int(end) < time.time() or not signature.isascii():
        return None
    match = None
    for key in keys:
        if hmac.compare_digest(_sign(key, claim), signature):
            match = key
    return None if match is None or _mark(ended, claim).exists() else match


def end_session(keys: Iterable[ApiKey], cookie: str, ended: Path) -> None:
    """End a session, so that its cookie is refused from now on. Raises DiskFull and other failures of the disk."""
    if find_session(keys, cookie, ended) is None:
        return
    try:
        ended.mkdir(mode=0o700, parents=True, exist_ok=True)
        _mark(ended, cookie.rpartition(".")[0]).touch()
    except OSError as error:
        raise as_failure(error) from error
    for mark in ended.iterdir():
        with suppress(OSError):  # another process removes it, too
            if mark.stat().st_mtime < time.time() - SESSION_SECONDS:
                mark.unlink()


def _mark(ended: Path, claim: str) -> Path:
    return ended / hashlib.sha256(claim.encode()).hexdigest()


def _sign(key: ApiKey, claim: str) -> str:
    secret = key.key.get_secret_value().encode()
    return hmac.new(secret, f"session {claim}".encode(), hashlib.sha256).hexdigest()
