"""A stand-in for an Akeneo PIM over HTTP: its OAuth, attributes, products by lines, and pictures; it may misbehave.

It refuses what Akeneo refuses: unknown attributes, values of another shape, locales where there are none, a picture for
a product that is not there, over a hundred lines, a code of a file that it did not give.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.serving import serving

COLLECTION = "application/vnd.akeneo.collection+json"
USER = {"client_id": "1_shop", "secret": "s3cret-of-connection", "username": "swatch", "password": "p4ssword-of-user"}
SHAPES: dict[str, Any] = {
    "pim_catalog_text": str, "pim_catalog_textarea": str, "pim_catalog_simpleselect": str, "pim_catalog_image": str,
    "pim_catalog_multiselect": list, "pim_catalog_boolean": bool, "pim_catalog_metric": dict,
    "pim_catalog_price_collection": list,
}  # fmt: skip


class AkeneoServer(ThreadingHTTPServer):
    """The PIM. `attributes`: code -> (type, localizable, scopable); `products`: identifier -> product."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.attributes: dict[str, tuple[str, bool, bool]] = {
            "name": ("pim_catalog_text", False, False),
            "description": ("pim_catalog_textarea", False, False),
            "title": ("pim_catalog_text", True, False),
            "label": ("pim_catalog_text", True, False),
            "price": ("pim_catalog_price_collection", False, False),
            "image": ("pim_catalog_image", False, False),
            "tags": ("pim_catalog_multiselect", False, False),
            "outdoor": ("pim_catalog_boolean", False, False),
            "width": ("pim_catalog_metric", False, False),
        }
        self.products: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.tokens: set[str] = set()
        self.asked = Counter[str]()  # method and path -> requests
        self.lines: list[int] = []  # of each PATCH
        self.refuse: dict[str, str] = {}  # identifier -> why
        self.refuse_pictures = False
        self.misbehave: list[tuple[int, dict[str, str]]] = []  # statuses and headers of the next answers
        self.misbehave_at = ""  # only of this method and path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def access(self, **other: str) -> dict[str, str]:
        return {"url": self.url, **USER, **other}

    def expire(self) -> None:
        """Let every token expire."""
        self.tokens.clear()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error of the test."""


@contextmanager
def akeneo() -> Iterator[AkeneoServer]:
    """Serve an empty PIM on a free port of loopback, until the end of the block."""
    with serving(AkeneoServer()) as server:
        yield server


class _Answers(BaseHTTPRequestHandler):
    server: AkeneoServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body together: between two writes a client may wait for 40 ms

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self._route()

    def do_PATCH(self) -> None:
        self._route()

    def _route(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        route = f"{self.command} {parts.path}"
        self.server.asked[route] += 1
        if self.server.misbehave and route.startswith(self.server.misbehave_at):
            status, headers = self.server.misbehave.pop(0)
            return self._answer(
                status, {"code": status, "message": f"p4ssword-of-user was seen with {status}"}, headers
            )
        if route == "POST /api/oauth/v1/token":
            return self._token(json.loads(body))
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in self.server.tokens:
            return self._answer(401, {"code": 401, "message": "The access token provided has expired."})
        if route == "PATCH /api/rest/v1/products":
            return self._patch(body)
        if route == "GET /api/rest/v1/products":
            return self._search(parse_qs(parts.query))
        if route == "POST /api/rest/v1/media-files":
            return self._upload(body)
        code = unquote(parts.path.partition("/attributes/")[2])
        if code in self.server.attributes:
            kind, localizable, scopable = self.server.attributes[code]
            return self._answer(
                200, {"code": code, "type": kind, "localizable": localizable, "scopable": scopable, "labels": {}}
            )
        return self._answer(404, {"code": 404, "message": f"Attribute `{code}` does not exist."})

    def _token(self, asked: dict[str, str]) -> None:
        known = base64.b64encode(f"{USER['client_id']}:{USER['secret']}".encode()).decode()
        user = {name: asked.get(name) for name in ("username", "password", "grant_type")}
        right = {"username": USER["username"], "password": USER["password"], "grant_type": "password"}
        if self.headers.get("Authorization") != f"Basic {known}" or user != right:
            message = f"No user found for {asked.get('username')} with {asked.get('password')}"
            return self._answer(422, {"code": 422, "message": message})
        token = f"token-{self.server.asked['POST /api/oauth/v1/token']}"
        self.server.tokens.add(token)
        return self._answer(
            200, {"access_token": token, "expires_in": 3600, "token_type": "bearer", "refresh_token": "r"}
        )

    def _patch(self, body: bytes) -> None:
        assert self.headers["Content-Type"] == COLLECTION
        lines = body.decode().split("\n")
        self.server.lines.append(len(lines))
        if len(lines) > 100:
            return self._answer(413, {"code": 413, "message": "Too many resources to process, 100 is the maximum."})
        answers = []
        for number, line in enumerate(lines, start=1):
            product = json.loads(line)
            known = product["identifier"] in self.server.products
            answer = {"line": number, "identifier": product["identifier"], "status_code": 204 if known else 201}
            if errors := list(self._errors(product)):
                answer |= {"status_code": 422, "message": "Validation failed.", "errors": errors}
            else:
                self._store(product)
            answers.append(answer)
        text = "\n".join(map(json.dumps, answers)).encode()
        return self._send(200, text, {"Content-Type": COLLECTION})

    def _errors(self, product: dict[str, Any]) -> Iterator[dict[str, str]]:
        if why := self.server.refuse.get(product["identifier"]):
            yield {"property": "family", "message": why}
        for code, values in product.get("values", {}).items():
            if code not in self.server.attributes:
                yield {"property": "values", "message": f"The {code} attribute does not exist in your PIM."}
                continue
            kind, localizable, _ = self.server.attributes[code]
            for each in values:
                assert set(each) == {"locale", "scope", "data"}
                if (each["locale"] is not None) != localizable:
                    yield {"property": "values", "attribute": code, "message": "The locale does not fit."}
                if not isinstance(each["data"], SHAPES[kind]):
                    yield {"property": "values", "attribute": code, "message": "The data has another type."}
                if kind == "pim_catalog_image" and each["data"] not in self.server.files:
                    yield {"property": "values", "attribute": code, "message": "The media does not exist."}

    def _store(self, product: dict[str, Any]) -> None:
        stored = self.server.products.setdefault(product["identifier"], {"values": {}})
        stored |= {name: value for name, value in product.items() if name != "values"}
        for code, values in product.get("values", {}).items():
            there = {(each["locale"], each["scope"]): each for each in stored["values"].get(code, [])}
            there |= {(each["locale"], each["scope"]): each for each in values}
            stored["values"][code] = list(there.values())

    def _search(self, asked: dict[str, list[str]]) -> None:
        (wanted,) = json.loads(asked["search"][0])["identifier"]
        assert wanted["operator"] == "IN"
        assert len(wanted["value"]) <= int(asked["limit"][0]) == 100
        codes = asked["attributes"][0].split(",")
        items = [
            {
                "identifier": each,
                "values": {
                    code: value for code, value in self.server.products[each]["values"].items() if code in codes
                },
            }
            for each in wanted["value"]
            if each in self.server.products
        ]
        return self._answer(200, {"_embedded": {"items": items}})

    def _upload(self, body: bytes) -> None:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = {
            part.get_param("name", header="content-disposition"): part
            for part in message_from_bytes(head + body, policy=policy.HTTP).iter_parts()  # type: ignore[attr-defined]
        }
        target = json.loads(parts["product"].get_content())
        data, name = parts["file"].get_content(), parts["file"].get_filename()
        if self.server.refuse_pictures or target["identifier"] not in self.server.products:
            return self._answer(422, {"code": 422, "message": "The file is not accepted."})
        digest = sha1(data + str(len(self.server.files)).encode()).hexdigest()  # nosec: a name; a second one differs
        code = f"{digest[0]}/{digest[1]}/{digest}_{re.sub(r'[^A-Za-z0-9.]', '_', name)}"
        self.server.files[code] = data
        value = {"locale": target["locale"], "scope": target["scope"], "data": code}
        self._store({"identifier": target["identifier"], "values": {target["attribute"]: [value]}})
        return self._send(201, b"", {"Location": f"{self.server.url}/api/rest/v1/media-files/{quote(code)}"})

    def _answer(self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
