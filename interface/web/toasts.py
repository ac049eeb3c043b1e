"""Show toasts: messages on the next page about what a form has just done, with a button that undoes it.

The address of that page names both (`done`), so nothing is stored; only the texts below are ever shown.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Request

from interface.service.parameters import RequestModel, SearchText

DONE = "done"
"""Parameter of a page's address: what was done, and of which document or image, and which edit of it."""

_DONE = re.compile(
    r"(?P<what>[a-z]+)(?::(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?(?::(?P<number>\d{1,9}))?"
)
_EDIT, _REVIEW = "/ui/documents/{id}/edits/{number}/undo", "/ui/review/{id}/{number}/undo"
_DELETED = "/ui/trash/{id}/restore"
_KINDS: Mapping[str, tuple[str, str | None]] = {
    "renamed": ("Renamed", _EDIT),
    "merged": ("Merged", _EDIT),
    "split": ("Split", _EDIT),
    "linked": ("Picture linked", _EDIT),
    "rejected": ("Product removed", _EDIT),
    "added": ("Product added", _EDIT),
    "changed": ("Changed", _EDIT),
    "reviewed": ("Review saved", _REVIEW),
    "deleted": ("Deleted. It stays in the trash for a day", _DELETED),
    "ended": ("Deleted for good", None),
    "restored": ("Restored", None),
    "undone": ("Undone", None),
    "started": ("Stored. It will be processed", None),
    "cancelled": ("Removed what was sent", None),
}
"""What was done -> its text, and the address of the form that undoes it."""

_ACTIONS: Mapping[str, str] = {
    "rename": "renamed", "merge": "merged", "split": "split", "assign": "linked", "reject": "rejected", "add": "added",
}  # fmt: skip


class Back(RequestModel):
    """The page of ours that a form returns to."""

    back: SearchText | None = None


class Toast(NamedTuple):
    """A message about what was done; `undo`: the address of a form that undoes it; `back`: the page it returns to."""

    text: str
    undo: str | None
    back: str


def done(what: str, id: str | None = None, number: int | None = None) -> str:
    """Return the value of the parameter `done` of an address."""
    return ":".join(str(part) for part in (what, id, number) if part is not None)


def edit_done(action: str, document: str, number: int) -> str:
    """Return the same of an edit of a document's products."""
    return done(_ACTIONS.get(action, "changed"), document, number)


def toast_of(request: Request) -> Toast | None:
    """Return what the address of a page says has been done, None for nothing or anything else."""
    match = _DONE.fullmatch(request.query_params.get(DONE, ""))
    if match is None or match["what"] not in _KINDS:
        return None
    text, undo = _KINDS[match["what"]]
    wanted = [name for name in ("id", "number") if undo and f"{{{name}}}" in undo]
    if any(match[name] is None for name in wanted):
        return None
    return Toast(text, undo and undo.format(id=match["id"], number=match["number"]), _without_done(request))


def local_page(address: str | None, otherwise: str) -> str:
    """Return the page that a form names to return to, if it is one of this service, else the other one."""
    if not address or not re.match(r"/(?![/\\])", address) or not address.isprintable():
        return otherwise
    return address


def with_done(address: str, value: str) -> str:
    """Return the address of a page of ours that says what was done."""
    parts = urlsplit(address)
    query = [(name, each) for name, each in parse_qsl(parts.query) if name != DONE]
    return parts._replace(query=urlencode([*query, (DONE, value)])).geturl()


def _without_done(request: Request) -> str:
    query = [(name, each) for name, each in request.query_params.multi_items() if name != DONE]
    return f"{request.url.path}?{urlencode(query)}" if query else request.url.path
