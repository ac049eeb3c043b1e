"""Batches of the stand-in provider, in OpenAI's and Anthropic's formats; they misbehave as a test wants.

A batch is under way until `finish()`: then each call is answered and paid for, as if it were asked by itself.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Reply = tuple[int, Any]
"""Status, and JSON or bytes."""

ANTHROPIC = "/v1/messages/batches"


@dataclass
class Batch:
    """What was sent, and what came of it."""

    id: str
    calls: dict[str, Mapping[str, Any]]  # custom id -> body
    path: str  # where each call would be asked by itself
    created: float
    metadata: Mapping[str, str] = field(default_factory=dict)
    status: str = "validating"
    lines: list[bytes] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    failure: Mapping[str, str] | None = None


class Batches:
    """`answer(path, body)`: the reply to one call by itself, which counts as paid."""

    def __init__(self, answer: Callable[[str, Mapping[str, Any]], dict[str, Any]]) -> None:
        self.all: list[Batch] = []
        self.files: dict[str, bytes] = {}
        self.creating: deque[str] = deque()  # what the next creations meet: error, vanish (accepted all the same) …
        self.listing: deque[str] = deque()
        self.refused: dict[str, str] = {}  # custom id -> why this call is refused
        self.unanswered: set[str] = set()  # custom ids that expire
        self.twist: Callable[[str, bytes], bytes | None] = lambda custom_id, line: line  # of the results
        self.hidden = False  # whether the list does not have the newest batches yet
        self.asked: list[tuple[str, str]] = []
        self._answer = answer

    # --- what happens meanwhile ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Let all batches be checked and begin."""
        for batch in self.all:
            if batch.status == "validating":
                batch.status = "in_progress"

    def finish(self, status: str = "completed") -> None:
        """Answer and charge all calls of the batches under way, the last first; they end so."""
        for batch in self.all:
            if batch.status not in ("validating", "in_progress"):
                continue
            batch.status = status
            anthropic = batch.path == "/v1/messages"
            for custom_id, body in reversed(batch.calls.items()):
                kind, line = self._line(custom_id, batch.path, body, anthropic)
                batch.counts[kind] = batch.counts.get(kind, 0) + 1
                twisted = self.twist(custom_id, json.dumps(line).encode())
                if twisted is not None:
                    (batch.lines if kind == "succeeded" or anthropic else batch.errors).append(twisted)

    def fail(self, code: str, message: str) -> None:
        """Refuse the batches that are being checked; nothing is charged."""
        for batch in self.all:
            if batch.status == "validating":
                batch.status, batch.failure = "failed", {"code": code, "message": message}

    def lose_results(self) -> None:
        """Delete all results, as a provider does after some days."""
        self.files.clear()
        for batch in self.all:
            batch.lines, batch.errors, batch.counts = [], [], {**batch.counts, "lost": 1}

    def _line(self, custom_id: str, path: str, body: Mapping[str, Any], anthropic: bool) -> tuple[str, dict[str, Any]]:
        if custom_id in self.unanswered:
            if anthropic:
                return "expired", {"custom_id": custom_id, "result": {"type": "expired"}}
            error = {"code": "batch_expired", "message": "This request could not be executed before it expired."}
            return "expired", {"id": "b", "custom_id": custom_id, "response": None, "error": error}
        if said := self.refused.get(custom_id):
            inner = {"type": "invalid_request_error", "message": said}
            if anthropic:
                error = {"type": "error", "error": inner}
                return "errored", {"custom_id": custom_id, "result": {"type": "errored", "error": error}}
            response = {"status_code": 400, "request_id": "r", "body": {"error": inner}}
            return "errored", {"id": "b", "custom_id": custom_id, "response": response, "error": None}
        reply = self._answer(path, body)
        if anthropic:
            return "succeeded", {"custom_id": custom_id, "result": {"type": "succeeded", "message": reply}}
        response = {"status_code": 200, "request_id": "r", "body": reply}
        return "succeeded", {"id": "b", "custom_id": custom_id, "response": response, "error": None}

    # --- requests -----------------------------------------------------------------------------------------------------

    def post(self, path: str, content_type: str, body: bytes) -> Reply | None:
        """Return the reply; None: the connection closes without one."""
        self.asked.append(("POST", path))
        if path == "/v1/files":
            name = f"file-{len(self.files) + 1}"
            self.files[name] = _file_of_form(content_type, body)
            return 200, {"id": name, "object": "file", "purpose": "batch"}
        fault = self.creating.popleft() if self.creating else ""
        if fault == "error":
            return 500, {"error": {"message": "Something broke.", "type": "server_error"}}
        if fault == "rejected":
            return 400, {"error": {"message": "Too many batches.", "type": "invalid_request_error"}}
        if path == ANTHROPIC:
            calls = {each["custom_id"]: each["params"] for each in json.loads(body)["requests"]}
            batch = Batch(f"msgbatch_{len(self.all) + 1}", calls, "/v1/messages", _now())
            batch.status = "in_progress"
        else:
            asked = json.loads(body)
            lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
            assert {line["url"] for line in lines} == {asked["endpoint"]}
            calls = {line["custom_id"]: line["body"] for line in lines}
            batch = Batch(f"batch_{len(self.all) + 1}", calls, asked["endpoint"], _now(), asked.get("metadata", {}))
        self.all.append(batch)
        return None if fault == "vanish" else (200, self._told(batch))

    def get(self, path: str) -> Reply | None:
        """Return the reply; None: the connection closes in its middle."""
        self.asked.append(("GET", path))
        plain, _, query = path.partition("?")
        if plain in ("/v1/batches", ANTHROPIC):
            fault = self.listing.popleft() if self.listing else ""
            if fault == "error":
                return 500, {"error": {"message": "Something broke.", "type": "server_error"}}
            ours = [each for each in self.all if (each.path == "/v1/messages") == (plain == ANTHROPIC)]
            listed = [] if self.hidden else ours[::-1]
            after = re.search(r"after(?:_id)?=([^&]+)", query)
            if after:
                listed = listed[1 + [each.id for each in listed].index(after[1]) :]
            page = listed[:2]  # small pages, so that they are turned
            last = page[-1].id if page else None
            return 200, {"data": [self._told(each) for each in page], "has_more": len(listed) > 2, "last_id": last}
        if found := re.fullmatch(r"/v1/files/(.+)-(out|err)/content", plain):
            batch = self._batch(found[1])
            if batch is None or "lost" in batch.counts:
                return 404, {"error": {"message": "No such File object.", "type": "invalid_request_error"}}
            return 200, b"".join(line + b"\n" for line in (batch.lines if found[2] == "out" else batch.errors))
        if found := re.fullmatch(ANTHROPIC + r"/([^/]+)/results", plain):
            batch = self._batch(found[1])
            if batch is None or "lost" in batch.counts:
                return 404, {"type": "error", "error": {"type": "not_found_error", "message": "Not found."}}
            return 200, b"".join(line + b"\n" for line in batch.lines)
        batch = self._batch(plain.rsplit("/", 1)[-1])
        return (200, self._told(batch)) if batch else (404, {"error": {"message": "No such batch.", "type": "x"}})

    def _batch(self, name: str) -> Batch | None:
        return next((each for each in self.all if each.id == name), None)

    def _told(self, batch: Batch) -> dict[str, Any]:
        ended = batch.status not in ("validating", "in_progress", "failed")
        if batch.path == "/v1/messages":
            counts = {name: batch.counts.get(name, 0) for name in ("succeeded", "errored", "expired", "canceled")}
            return {
                "id": batch.id, "type": "message_batch", "processing_status": "ended" if ended else "in_progress",
                "request_counts": {"processing": 0 if ended else len(batch.calls), **counts},
                "created_at": _iso(batch.created), "expires_at": _iso(batch.created + 86_400),
                "results_url": f"https://elsewhere.example/{batch.id}" if ended else None,
            }  # fmt: skip
        succeeded = batch.counts.get("succeeded", 0)
        counts = {"total": len(batch.calls), "completed": succeeded, "failed": batch.counts.get("errored", 0)}
        return {
            "id": batch.id, "object": "batch", "endpoint": batch.path, "status": batch.status,
            "created_at": batch.created, "expires_at": batch.created + 86_400,
            "metadata": dict(batch.metadata), "request_counts": counts,
            "output_file_id": f"{batch.id}-out" if ended and succeeded else None,
            "error_file_id": f"{batch.id}-err" if ended and batch.errors else None,
            "errors": {"object": "list", "data": [batch.failure]} if batch.failure else None,
        }  # fmt: skip


def _file_of_form(content_type: str, body: bytes) -> bytes:
    """Return the file of a form of files and fields."""
    boundary = content_type.split("boundary=", 1)[1].encode()
    for part in body.split(b"--" + boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        if b"filename=" in head:
            return content.removesuffix(b"\r\n")
    raise AssertionError("the form has no file")


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
