"""A stand-in for the Hugging Face hub, on loopback: it answers as that does, and misbehaves when told to."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.serving import Answers, StandIn, serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(StandIn):
    """Models by name, each one commit of one folder. `asked` has (method, path) of every request."""

    def __init__(self) -> None:
        super().__init__(_Answers)
        self.models: dict[str, Path] = {}
        self.gated: set[str] = set()
        self.down = False
        self.says: Callable[[dict[str, Any]], Any] = lambda info: info  # of a model: JSON, or bytes as they are
        self.token: str | None = None  # the only one that it takes
        self.asked: list[tuple[str, str]] = []

    def fetched(self) -> list[str]:
        """Files whose bytes were asked for, in order."""
        return [path.rpartition("/")[2] for method, path in self.asked if method == "GET" and "/resolve/" in path]


@contextmanager
def hub() -> Iterator[Hub]:
    """The stand-in on a free port, until the end of the block."""
    with serving(Hub()) as server:
        yield server


class _Answers(Answers):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append((self.command, path))
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
        named = {"ETag": f'"{etag(folder / name)}"', "X-Repo-Commit": COMMIT}
        self.say(HTTPStatus.OK, (folder / name).read_bytes(), named)

    def _send_json(self, value: Any) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.say(HTTPStatus.OK, body, {"Content-Type": "application/json"})

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        self.say(status, headers={**({"X-Error-Code": code} if code else {}), "X-Error-Message": message})


def etag(file: Path) -> str:
    """As git names a blob."""
    data = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
