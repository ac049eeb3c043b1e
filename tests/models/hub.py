"""A stand-in for the Hugging Face hub, on loopback: it answers as that does, and misbehaves when told to."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.serving import serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Models by name, each one commit of one folder. `asked` has (method, path, Range) of every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.models: dict[str, Path] = {}
        self.gated: set[str] = set()
        self.cuts: dict[str, int] = {}  # file -> after how many bytes its next answer breaks off
        self.down = False
        self.says: Callable[[dict[str, Any]], Any] = lambda info: info  # of a model: JSON, or bytes as they are
        self.token: str | None = None  # the only one that it takes
        self.asked: list[tuple[str, str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fetched(self) -> list[str]:
        """Files whose bytes were asked for, in order."""
        return [path.rpartition("/")[2] for method, path, _ in self.asked if method == "GET" and "/resolve/" in path]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may hang up."""


@contextmanager
def hub() -> Iterator[Hub]:
    """The stand-in on a free port, until the end of the block."""
    with serving(Hub()) as server:
        yield server


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append((self.command, path, self.headers["Range"]))
        if self.server.down:
            return self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "", "Internal Server Error")
        if self.server.token and self.headers["Authorization"] != f"Bearer {self.server.token}":
            return self._refuse(HTTPStatus.UNAUTHORIZED, "", "Invalid credentials in Authorization header")
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        found = api or file
        name = found[1] if found else ""
        revision = (api[3] if api else file[2] if file else None) or "main"
        if name not in self.server.models:
            return self._refuse(HTTPStatus.UNAUTHORIZED, "RepoNotFound", "Repository not found")
        if revision not in (COMMIT, "main"):
            return self._refuse(HTTPStatus.NOT_FOUND, "RevisionNotFound", f"Invalid rev id: {revision}")
        folder = self.server.models[name]
        if file:
            if name in self.server.gated:
                return self._refuse(HTTPStatus.UNAUTHORIZED, "GatedRepo", "Access to it is restricted.")
            return self._send_file(folder, file[3])
        files = sorted(path.name for path in folder.iterdir())
        if api and api[2] == "tree":
            return self._send_json([
                {"type": "file", "path": f, "size": (folder / f).stat().st_size, "oid": etag(folder / f)} for f in files
            ])  # fmt: skip
        siblings = [{"rfilename": f} for f in files]
        gated = "auto" if name in self.server.gated else False
        info = {"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings, "gated": gated}
        return self._send_json(self.server.says(info))

    def _send_file(self, folder: Path, name: str) -> None:
        if not (folder / name).is_file():
            return self._refuse(HTTPStatus.NOT_FOUND, "EntryNotFound", "Entry not found")
        data = (folder / name).read_bytes()
        first = int(re.findall(r"bytes=(\d+)-", self.headers["Range"] or "bytes=0-")[0])
        self.send_response(HTTPStatus.PARTIAL_CONTENT if first else HTTPStatus.OK)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{etag(folder / name)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            end = first + self.server.cuts.pop(name, len(data))
            self.wfile.write(data[first:end])  # and the connection closes, whether that was all or not

    def _send_json(self, value: Any) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", "0")
        self.end_headers()


def etag(file: Path) -> str:
    """As git names a blob."""
    data = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
