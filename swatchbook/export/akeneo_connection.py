"""The REST API of an Akeneo PIM: a token of its OAuth, requests that are repeated, products by 100, and pictures.

An outage (5xx, no answer) is tried again after the pauses of the setting `retry_delays`; "too many requests" after the
time that the PIM asks for, ten minutes in all; an expired token is renewed once. Nothing of an answer is followed.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import httpx

from swatchbook.backoff import pause_after
from swatchbook.errors import (
    Authentication,
    Configuration,
    Failure,
    InvalidReference,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    RateLimited,
    reason_of,
)
from swatchbook.one_line import one_line, shorten
from swatchbook.providers.endpoint import is_unencrypted_public, is_valid_url
from swatchbook.providers.http_errors import retry_after
from swatchbook.setting_values import AkeneoAccess

TOGETHER: Final = 100
"""Products that Akeneo takes in one request."""

ADVICE: Final = "Check SWATCHBOOK_AKENEO; docs/shops.md says what the user and the connection need."
_API = "/api/rest/v1"
_COLLECTION = "application/vnd.akeneo.collection+json"
_SECONDS = 120.0  # timeout of an answer: a PIM checks a hundred products
_PATIENCE = 600.0  # seconds for which "too many requests" is obeyed, in all
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds, where it names no time
_MOST_REASON = 300  # characters


class Attribute(NamedTuple):
    """An attribute of the PIM. `kind`: its type, such as pim_catalog_text."""

    kind: str
    has_locale: bool
    has_channel: bool


class Place(NamedTuple):
    """Where a value is: the attribute, and its locale and channel if the attribute has them."""

    attribute: str
    locale: str | None
    channel: str | None


class Pim:
    """A connection to a PIM. `pauses`: seconds between the tries of a request."""

    def __init__(
        self, access: AkeneoAccess, pauses: Sequence[float], *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Raises Configuration for no address, and for one that would get the password without encryption."""
        url = access.url.rstrip("/")
        if not is_valid_url(url):
            raise Configuration(
                "The url of SWATCHBOOK_AKENEO is not a web address.", advice="Use https://pim.example.com."
            )
        if is_unencrypted_public(url):
            raise Configuration("SWATCHBOOK_AKENEO would send the password unencrypted.", advice="Use https.")
        self._access, self._pauses, self._sleep, self._url = access, tuple(pauses), sleep, url
        self._host = urlsplit(url).netloc
        self._http = httpx.Client(timeout=_SECONDS)
        self._token: str | None = None

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def attribute(self, code: str) -> Attribute:
        """Return an attribute. Raises InvalidReference if the PIM has none of this code."""
        answer = self._ask("GET", f"/attributes/{code}")
        if answer.status_code == 404:
            raise InvalidReference(
                f"The PIM has no attribute {code!r}.", advice="Create it, or change the mapping: docs/shops.md."
            )
        found = self._object(self._succeeded(answer))
        return Attribute(str(found.get("type")), bool(found.get("localizable")), bool(found.get("scopable")))

    def values(self, products: Sequence[str], attributes: Sequence[str]) -> Mapping[str, Mapping[Place, Any]]:
        """Return product, in lower case -> place -> value of these attributes, of at most 100 products.

        Products that the PIM does not have are left out; it ignores the case of an identifier.
        """
        search = json.dumps({"identifier": [{"operator": "IN", "value": list(products)}]})
        asked = {"search": search, "attributes": ",".join(attributes), "limit": TOGETHER}
        found = self._object(self._succeeded(self._ask("GET", "/products", params=asked)))
        listed = found.get("_embedded", {}).get("items", [])
        return {each["identifier"].casefold(): dict(_places(each.get("values") or {})) for each in listed}

    def patch_products(self, products: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Create or change at most 100 products; return for each why it was refused, None if it was not."""
        body = "\n".join(json.dumps(each, ensure_ascii=False) for each in products)
        sent = {"content": body.encode(), "headers": {"Content-Type": _COLLECTION}}
        answer = self._succeeded(self._ask("PATCH", "/products", **sent))
        told = [self._object(answer, line) for line in answer.text.splitlines() if line.strip()]
        reasons = {each.get("line"): self._reason(each) for each in told}
        return [reasons.get(number, "Akeneo did not answer for it") for number in range(1, len(products) + 1)]

    def upload(self, product: str, place: Place, name: str, data: bytes) -> tuple[str | None, str | None]:
        """Store a picture as the value of a product; return its code, or why it was refused."""
        target = {"identifier": product, "attribute": place.attribute, "scope": place.channel, "locale": place.locale}
        sent = {"data": {"product": json.dumps(target)}, "files": {"file": (name, data)}}
        answer = self._ask("POST", "/media-files", **sent)
        if answer.status_code in (400, 404, 413, 415, 422):
            return None, self._reason({"status_code": answer.status_code, **self._said(answer)}) or "it was refused"
        location = urlsplit(self._succeeded(answer).headers.get("location", "")).path
        code = unquote(location.partition("/media-files/")[2])
        if not code:
            raise ProviderError(f"{self._host} did not say where it stored a picture.")
        return code, None

    # --- requests -----------------------------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the answer to a request with a valid token. Raises what `_repeat` and `_new_token` raise."""
        headers = request.pop("headers", {})
        for renewed in (False, True):
            self._token = self._token or self._new_token()
            known = {**headers, "Authorization": f"Bearer {self._token}"}
            answer = self._repeat(method, _API + path, headers=known, **request)
            if answer.status_code != 401 or renewed:
                break
            self._token = None  # it has expired
        return answer

    def _new_token(self) -> str:
        """Return a new token. Raises Authentication."""
        asked = {
            "grant_type": "password",
            "username": self._access.username,
            "password": self._access.password.get_secret_value(),
        }
        known = httpx.BasicAuth(self._access.client_id, self._access.secret.get_secret_value())
        answer = self._repeat("POST", "/api/oauth/v1/token", json=asked, auth=known)
        if answer.status_code in (400, 401, 403, 422):
            raise Authentication(f"{self._host} refused the login{self._end(answer)}", advice=ADVICE)
        token = self._object(self._succeeded(answer)).get("access_token")
        if not isinstance(token, str):
            raise ProviderError(f"{self._host} gave no token.")
        return token

    def _repeat(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return an answer other than 429 and 5xx. Raises ProviderTimeout, ProviderError, RateLimited."""
        pauses, told, waited = list(self._pauses), 0, 0.0
        while True:
            failure: Failure
            try:
                answer = self._http.request(method, self._url + path, **request)
            except httpx.TimeoutException:
                failure = ProviderTimeout(f"{self._host} did not answer in {_SECONDS:.0f} s.")
            except httpx.TransportError as error:
                failure = ProviderError(f"{self._host} cannot be reached: {reason_of(error)}.")
            else:
                if answer.status_code == 429:
                    told += 1
                    own = pause_after(told, first=_FIRST_WAIT, longest=_LONGEST_WAIT)
                    waited += (wait := own if (asked := retry_after(answer.headers)) is None else asked)
                    if waited > _PATIENCE:
                        raise RateLimited(f"{self._host} limits our rate: it asks to wait {wait:.0f} s more.")
                    self._sleep(wait)
                    continue
                if answer.status_code < 500:
                    return answer
                failure = ProviderError(f"{self._host} answered with status {answer.status_code}{self._end(answer)}")
            if not pauses:
                raise failure
            self._sleep(pauses.pop(0))

    # --- answers ------------------------------------------------------------------------------------------------------

    def _succeeded(self, answer: httpx.Response) -> httpx.Response:
        """Return an answer that is a success. Raises Authentication, Configuration, ProviderRejected."""
        status = answer.status_code
        if status in (401, 403):
            raise Authentication(f"{self._host} does not let the user do this{self._end(answer)}", advice=ADVICE)
        if 300 <= status < 400 or status == 404:
            raise Configuration(f"{self._host} has no API at this address ({status}).", advice=ADVICE)
        if not 200 <= status < 300:
            raise ProviderRejected(f"{self._host} refused the request ({status}){self._end(answer)}")
        return answer

    def _object(self, answer: httpx.Response, text: str | None = None) -> dict[str, Any]:
        """Return the JSON object of an answer, or of a line of it. Raises ProviderError."""
        try:
            found = json.loads(answer.text if text is None else text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ProviderError(f"{self._host} sent an answer that is not that of Akeneo.")
        return found

    def _said(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            return self._object(answer)
        except ProviderError:
            return {}

    def _end(self, answer: httpx.Response) -> str:
        """Return the end of a sentence: what the PIM said, if it said something."""
        said = self._cleaned(str(self._said(answer).get("message") or ""))
        return f": {said}." if said else "."

    def _reason(self, line: Mapping[str, Any]) -> str | None:
        """Return why a line was refused, with what is wrong with which property; None if it was not."""
        if line.get("status_code") in (200, 201, 204):
            return None
        errors = [each for each in line.get("errors") or () if isinstance(each, dict)]
        wrong = [f"{each.get('attribute') or each.get('property') or 'it'}: {each.get('message')}" for each in errors]
        said = "; ".join(wrong) or str(line.get("message") or f"status {line.get('status_code')}")
        return f"Akeneo refused it: {self._cleaned(said)}"

    def _cleaned(self, text: str) -> str:
        """Return a message of the PIM as one line, without the secrets that it may repeat."""
        for secret in (self._access.secret, self._access.password):
            text = text.replace(secret.get_secret_value(), "***")
        if self._token:
            text = text.replace(self._token, "***")
        return shorten(one_line(text[:4_000]), _MOST_REASON).rstrip(".")


@contextmanager
def connected(access: AkeneoAccess | None, pauses: Sequence[float]) -> Iterator[Pim]:
    """Yield a connection to the PIM of the settings. Raises Configuration if they name none."""
    if access is None:
        raise Configuration("SWATCHBOOK_AKENEO is not set.", advice="docs/shops.md has an example.")
    pim = Pim(access, pauses)
    try:
        yield pim
    finally:
        pim.close()


def _places(values: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    for attribute, listed in values.items():
        for each in listed:
            yield Place(attribute, each.get("locale"), each.get("scope")), each.get("data")
