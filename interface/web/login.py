"""Log in with an API key, and out. Not needed without API keys: the service then answers to this machine only."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Form, Request, Response

from interface.service.auth import find_key
from interface.service.cross_site import reject_foreign_change
from interface.service.parameters import Tools
from interface.service.session import COOKIE, SECONDS, begin_session
from interface.web.pages import LOGIN, page_router, render, see_other

router = page_router()

_NEXT = "/"


@router.get(LOGIN)
def show_login(resources: Tools, next: str = _NEXT) -> Response:
    """Return the form, or the search page if no key is needed."""
    if not resources.settings.api_keys:
        return see_other(_NEXT)
    return render("login.html", next=_own_page(next), wrong=False)


@router.post(LOGIN)
def log_in(
    request: Request,
    resources: Tools,
    key: Annotated[str, Form(max_length=1_000)],
    next: Annotated[str, Form(max_length=4_000)] = _NEXT,
) -> Response:
    """Begin a session, and go to the page that was asked for."""
    reject_foreign_change(request)
    found = find_key(resources.settings.api_keys, key.strip())
    if found is None:
        return render("login.html", status=403, next=_own_page(next), wrong=True)
    response = see_other(_own_page(next))
    over_tls = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
    response.set_cookie(COOKIE, begin_session(found), max_age=SECONDS, httponly=True, samesite="lax", secure=over_tls)
    return response


@router.post("/ui/logout")
def log_out(request: Request) -> Response:
    """End the session of this browser."""
    reject_foreign_change(request)
    response = see_other(LOGIN)
    response.delete_cookie(COOKIE)
    return response


def _own_page(address: str) -> str:
    """Return an address if it is a page of ours, else the search page: no link may lead through here elsewhere."""
    parts = urlsplit(address)
    is_ours = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith("//")
    return address if is_ours and "\\" not in address and address.isprintable() else _NEXT
