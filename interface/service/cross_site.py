"""Reject requests that a page of another site makes a browser send.

Without API keys every local caller has full access, which such pages must not abuse: another Host name (DNS rebinding)
or another site's Origin is rejected. A session's requests that change something must also come from the service's own
pages (CSRF).
"""

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from swatchbook.loopback import is_loopback

_READING = frozenset({"GET", "HEAD"})


def reject_other_sites(request: Request) -> None:
    """Raise 403 for a Host name other than loopback, and for an Origin other than our own."""
    host = urlsplit("//" + request.headers.get("host", "")).hostname or ""
    if not is_loopback(host):
        raise HTTPException(403, "Without API keys the service accepts only the hosts 127.0.0.1, [::1] and localhost.")
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.url.netloc}":
        raise HTTPException(403, "Without API keys the service rejects requests from other sites' pages.")


def reject_foreign_change(request: Request) -> None:
    """Raise 403 for a request that may change something, unless one of our own pages sent it.

    Browsers name the page's origin with each such request. Behind a proxy for TLS its scheme is another one than ours.
    """
    if request.method not in _READING and urlsplit(request.headers.get("origin", "")).netloc != request.url.netloc:
        raise HTTPException(403, "Changes from a browser are accepted only from the service's own pages.")
