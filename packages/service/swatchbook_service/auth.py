"""Check who may use the service: an API key gives access to its owners; without keys, only this machine has access.

Also chooses the owner of a request with a key that names none (for webhooks: `webhooks.py`).

With API keys, a request carries one as `Authorization: Bearer …` or `X-API-Key: …`, or the cookie of a browser's
session (`sessions.py`). Without keys, the service listens on loopback only and every local caller has full access.

Requests that a page of another site makes a browser send are rejected. Without keys these are those for another Host
name (DNS rebinding) or from another Origin; with a session, changes must come from the service's own pages (CSRF).
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from swatchbook.domain.errors import Configuration
from swatchbook.domain.loopback import is_loopback
from swatchbook.domain.records import Record
from swatchbook.domain.setting_values import ApiKey
from swatchbook.domain.settings import Settings
from swatchbook.resources import Resources
from swatchbook.store.ledger.owners import known_owners, require_owner
from swatchbook_service.addresses import split_address, split_host
from swatchbook_service.parameters import Tools
from swatchbook_service.sessions import SESSION_COOKIE, find_session

EVERYBODY = "*"

BEARER = HTTPBearer(auto_error=False, description="One of SWATCHBOOK_API_KEYS.")
HEADER = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="The same key, for clients that cannot send Bearer."
)


class OwnKeys(APIRouter):
    """A router of a package whose endpoints ask for a key themselves, because it may be somewhere else."""

    def prepare(self, app: FastAPI) -> None:
        """Add to a service what is no route, such as what its pages remember."""


class Caller(Record):
    """An authenticated caller and the owners of its key; `*` means all owners."""

    name: str
    owners: frozenset[str]

    @property
    def sees_all(self) -> bool:
        """Return whether the key is for all owners."""
        return EVERYBODY in self.owners

    def may(self, owner: str) -> bool:
        """Return whether the caller may read and change an owner's collection."""
        return self.sees_all or owner in self.owners

    def require(self, owner: str) -> None:
        """Raise 403 for an owner that the key is not for. (By id, foreign objects are 404, to hide which exist.)"""
        if not self.may(owner):
            raise HTTPException(403, f"This API key has no access to the owner {owner!r}.")

    def choose(self, owner: str | None) -> str | None:
        """Return the requested owner, else the key's only owner, else None for all. Raises 403, 422 when ambiguous."""
        if owner is not None:
            self.require(owner)
            return owner
        if self.sees_all:
            return None
        if len(self.owners) > 1:
            raise HTTPException(
                422, f"This API key has several owners; set `owner` to one of {', '.join(sorted(self.owners))}."
            )
        return next(iter(self.owners))


def choose_known(resources: Resources, caller: Caller, owner: str | None) -> str | None:
    """Return `Caller.choose`, and raise UnknownOwner for an owner that neither the ledger nor any key or bucket has.

    Reads the ledger, which blocks.
    """
    chosen = caller.choose(owner)
    if owner is not None and owner not in recent_owners(resources):
        settings = resources.settings
        named = {name for key in settings.api_keys for name in key.owners} - {EVERYBODY}
        named |= {source.owner for source in settings.event_sources}
        require_owner(resources.ledger, owner, others=named)
    return chosen


def recent_owners(resources: Resources) -> list[str]:
    """Return the owners of documents, sorted; those that another process has added may be missing for some seconds."""
    known = resources.read_cache()
    return known.once(lambda: known_owners(known.ledger), known_owners)


def choose_owners(resources: Resources, caller: Caller, owners: Sequence[str]) -> Sequence[str]:
    """Return the requested owners, each of whom the caller may read; without any, as `choose_known`; none for all."""
    if len(owners) > 1:
        return tuple(dict.fromkeys(filter(None, (choose_known(resources, caller, each) for each in owners))))
    chosen = choose_known(resources, caller, next(iter(owners), None))
    return () if chosen is None else (chosen,)


def check_exposure(settings: Settings) -> None:
    """Raise Configuration when other machines could reach the service without a key."""
    if not settings.api_keys and not is_loopback(settings.host):
        raise Configuration(
            f"SWATCHBOOK_HOST is {settings.host}, but no API key is set, so anyone on the network would have access.",
            advice='Set SWATCHBOOK_API_KEYS to a list such as [{"name": "shop", "key": "…", "owners": ["shop"]}], '
            "or SWATCHBOOK_HOST to 127.0.0.1.",
        )


async def authenticate(
    request: Request,
    resources: Tools,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
    header: Annotated[str | None, Depends(HEADER)],
) -> Caller:
    """Return the caller. Raises 401 for a missing or unknown key, 403 for a request from another site's page."""
    keys = resources.settings.api_keys
    if not keys:
        reject_other_sites(request)
        return Caller(name="loopback", owners=frozenset({EVERYBODY}))
    credentials = bearer.credentials if bearer else header
    if credentials:
        key = find_key(keys, credentials)
    elif key := find_session(keys, request.cookies.get(SESSION_COOKIE, ""), resources.settings.ended_sessions_folder):
        reject_foreign_change(request)
    if key:
        return Caller(name=key.name, owners=frozenset(key.owners))
    detail = "Unknown API key." if credentials else "An API key is required."
    raise HTTPException(401, detail, headers={"WWW-Authenticate": 'Bearer realm="swatchbook"'})


TheCaller = Annotated[Caller, Depends(authenticate)]


async def oversee(caller: TheCaller) -> Caller:
    """Return a caller whose key is for all owners. Raises 403."""
    if not caller.sees_all:
        raise HTTPException(403, "This needs an API key for all owners.")
    return caller


def find_key(keys: Iterable[ApiKey], credentials: str) -> ApiKey | None:
    """Compare with every key in constant time, so that the response time reveals nothing about any of them."""
    digest = _sha256(credentials.encode("latin-1", "replace"))  # as headers are decoded
    match = None
    for key in keys:
        if hmac.compare_digest(_sha256(key.key.get_secret_value().encode()), digest):
            match = key
    return match


def _sha256(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


# --- requests from other sites ----------------------------------------------------------------------------------------

_READING = frozenset({"GET", "HEAD"})


def reject_other_sites(request: Request) -> None:
    """Raise 403 for a Host name other than loopback, and for an Origin other than our own."""
    host = split_host(request.headers.get("host", ""))
    if not is_loopback((host and host.hostname) or ""):
        raise HTTPException(403, "Without API keys the service accepts only the hosts 127.0.0.1, [::1] and localhost.")
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.url.netloc}":
        raise HTTPException(403, "Without API keys the service rejects requests from other sites' pages.")


def reject_foreign_change(request: Request) -> None:
    """Raise 403 for a request that may change something, unless one of our own pages sent it.

    Browsers name the page's origin with each such request. Behind a proxy for TLS its scheme is another one than ours.
    """
    origin = split_address(request.headers.get("origin", ""))
    if request.method not in _READING and (origin is None or origin.netloc != request.url.netloc):
        raise HTTPException(403, "Changes from a browser are accepted only from the service's own pages.")
