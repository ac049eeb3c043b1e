"""Who calls, and whose collections that concerns.

With API keys, a request shows one as `Authorization: Bearer …` or `X-API-Key: …`. Without any, the service listens on
loopback alone and everybody there may do everything; then a browser must be kept from being somebody's tool: requests
that came by another name (DNS rebinding) or from another site's page are refused.
"""

import hashlib
import hmac
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from interface.service.dependencies import Tools
from swatchbook.errors import Configuration
from swatchbook.ledger.queries.owners import require_owner
from swatchbook.records import Record
from swatchbook.resources import Resources
from swatchbook.settings import ApiKey, Settings

EVERYBODY = "*"

_BEARER = HTTPBearer(auto_error=False, description="An API key of SWATCHBOOK_API_KEYS.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same, where Bearer cannot be sent.")


class Caller(Record):
    """Somebody who showed a key, and the owners it is bound to; `*` among them stands for all."""

    name: str
    owners: frozenset[str]

    @property
    def sees_all(self) -> bool:
        return EVERYBODY in self.owners

    def may(self, owner: str) -> bool:
        """Whether an owner's collection is this caller's to see and change."""
        return self.sees_all or owner in self.owners

    def require(self, owner: str) -> None:
        """Raises 403 where a request names somebody else. What it names by id is 404 then, so that ids tell nothing."""
        if not self.may(owner):
            raise HTTPException(403, f"This key is not for the owner {owner!r}.")

    def choose(self, owner: str | None) -> str | None:
        """The owner asked for, else the key's only one, else None for all. Raises 403, or 422 where it must be said."""
        if owner is not None:
            self.require(owner)
            return owner
        if self.sees_all:
            return None
        if len(self.owners) > 1:
            raise HTTPException(422, f"Say which owner: {', '.join(sorted(self.owners))}.")
        return next(iter(self.owners))


def choose_known(resources: Resources, caller: Caller, owner: str | None) -> str | None:
    """The owner that `Caller.choose` says, where something is to be found: in the ledger, or named by a key.

    Raises UnknownOwner too. Asks the ledger, which blocks.
    """
    chosen = caller.choose(owner)
    if owner is not None:
        require_owner(
            resources.ledger, owner, others={name for key in resources.settings.api_keys for name in key.owners}
        )
    return chosen


def check_exposure(settings: Settings) -> None:
    """Raises Configuration where others than this machine could reach the service without a key."""
    if not settings.api_keys and not is_loopback(settings.host):
        raise Configuration(
            f"The service would listen on {settings.host} without any API key.",
            advice='Set SWATCHBOOK_API_KEYS to a list such as [{"name": "shop", "key": "…", "owners": ["shop"]}], '
            "or SWATCHBOOK_HOST to 127.0.0.1.",
        )


def is_loopback(host: str) -> bool:
    """Whether a host, as written in a setting or a header without its port, means this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


async def authenticate(
    request: Request,
    resources: Tools,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    header: Annotated[str | None, Depends(_HEADER)],
) -> Caller:
    """The caller. Raises 401 for a missing or unknown key, 403 for a browser that was led here."""
    keys = resources.settings.api_keys
    if not keys:
        _refuse_led(request)
        return Caller(name="loopback", owners=frozenset({EVERYBODY}))
    given = bearer.credentials if bearer else header
    if known := given and _find(keys, given):
        return Caller(name=known.name, owners=frozenset(known.owners))
    what = "This API key is not known." if given else "An API key is needed."
    raise HTTPException(401, what, headers={"WWW-Authenticate": 'Bearer realm="swatchbook"'})


TheCaller = Annotated[Caller, Depends(authenticate)]


async def oversee(caller: TheCaller) -> Caller:
    """A caller who may see figures of all collections. Raises 403."""
    if not caller.sees_all:
        raise HTTPException(403, "This needs a key for all owners.")
    return caller


def _find(keys: Iterable[ApiKey], given: str) -> ApiKey | None:
    """Every key is compared, in constant time, so that the time taken says nothing about any of them."""
    shown = _digest(given.encode("latin-1", "replace"))  # as headers are decoded
    found = None
    for key in keys:
        if hmac.compare_digest(_digest(key.key.get_secret_value().encode()), shown):
            found = key
    return found


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _refuse_led(request: Request) -> None:
    host = urlsplit("//" + request.headers.get("host", "")).hostname or ""
    if not is_loopback(host):
        raise HTTPException(403, "Without API keys the service answers only to 127.0.0.1, [::1] and localhost.")
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.url.netloc}":
        raise HTTPException(403, "Without API keys the service answers no other site's pages.")
