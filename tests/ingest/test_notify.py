"""Notices, sent over real sockets to a receiver that may behave badly."""

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from swatchbook.deployments.tick import tick
from swatchbook.domain.errors import ProviderDown
from swatchbook.domain.records import DocumentStatus
from swatchbook.domain.settings import load_settings
from swatchbook.domain.signature import is_signed
from swatchbook.doors.cli.doctor import check_notices
from swatchbook.doors.cli.document_tables import draw_overview, overview
from swatchbook.doors.cli.ingest import resume
from swatchbook.ingest import notify
from swatchbook.ingest.notify import send_notices
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.tables import notices
from swatchbook.store.ledger.webhooks import FIRST_PAUSE, NAMED_TRIES
from swatchbook_service import health
from tests.fixtures import ROOT, free_port
from tests.serving import Answers, StandIn, serving
from tests.store.ledger.scene import begun, keys, pass_time, rows_of

SECRET = "whsec_" + "c3dhdGNoYm9vay1zd2F0Y2hib29rLXN3YXRjaA"


class Receiver(StandIn):
    """Keeps what it is sent, and answers as `answer` says: a status, or one of the bad habits below."""

    def __init__(self) -> None:
        super().__init__(_Answers)
        self.answer: int | str = 204
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.hangs = threading.Event()  # set when a sender waits
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"{super().url}/notices?token=hush"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.received]


class _Answers(Answers):
    server: Receiver

    def do_POST(self) -> None:
        body = self.read()
        self.server.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        if self.server.answer == "silent":
            self.server.hangs.set()
            self.server.released.wait()
            return
        status = self.server.answer if isinstance(self.server.answer, int) else 200
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        while self.server.answer == "endless" and not self.server.released.is_set():
            self.wfile.write(b"x" * 65_536)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving(Receiver()) as running:
        yield running
        running.released.set()


@pytest.fixture
def sender(home: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resources]:
    """Resources whose settings name the receiver."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("SWATCHBOOK_NOTICE_URL", receiver.url)
    monkeypatch.setenv("SWATCHBOOK_NOTICE_SECRET", SECRET)
    with open_resources(load_settings()) as resources:
        yield resources


def ended(resources: Resources, status: DocumentStatus = DocumentStatus.COMPLETED, content: str = "oak") -> str:
    """A document whose run has ended with this status."""
    run = begun(resources.ledger, content=content, texts=keys(3, content))
    failure = (
        {} if status is DocumentStatus.COMPLETED else {"message": "No room. Free some.", "failure_kind": "disk_full"}
    )
    runs.end(resources.ledger, run, status, **failure)
    return run.document


def send(resources: Resources) -> int:
    return asyncio.run(send_notices(resources))


def problem(resources: Resources) -> str | None:
    (row,) = rows_of(resources.ledger, notices).values()
    assert (row["state"], row["tries"]) == ("owed", 1)
    return row["problem"]


def documented_check() -> Callable[[str, dict[str, str], bytes], bool]:
    """The function by which docs/service.md tells receivers to check a signature."""
    (code,) = re.findall(r"```python\n(import base64.*?)```", (ROOT / "docs" / "service.md").read_text(), re.DOTALL)
    assert len(list(filter(None, code.splitlines()))) <= 10
    names: dict[str, Any] = {}
    exec(code, names)
    check: Callable[[str, dict[str, str], bytes], bool] = names["is_genuine"]
    return check


def test_an_outcome_is_posted_as_documented_and_signed(sender: Resources, receiver: Receiver) -> None:
    completed, failed = ended(sender), ended(sender, DocumentStatus.FAILED, "ash")
    assert send(sender) == 2
    assert send(sender) == 0
    first, second = receiver.bodies
    assert first == {
        "id": first["id"],
        "event": "document.completed",
        "time": pytest.approx(time.time(), abs=60),
        "document": {"id": completed, "name": "oak.pdf", "owner": "anna", "status": "completed"},
        "counts": {
            "products": 0,
            "chunks": 3,
            "images": {"found": 0, "complete": 0, "partial": 0, "failed": 0, "rejected": 0, "pending": 0},
        },
        "failure": None,
    }
    assert (second["event"], second["document"]["id"]) == ("document.failed", failed)
    assert second["failure"] == {"kind": "disk_full", "message": "No room. Free some."}
    headers, body = receiver.received[0]
    assert headers["webhook-id"] == first["id"]
    assert headers["content-type"] == "application/json"
    assert not re.search("hush|whsec", body.decode() + str(headers))
    is_genuine = documented_check()
    for verify in (is_genuine, is_signed):
        assert verify(SECRET, headers, body)
        assert not verify(SECRET, headers, body + b" ")
        assert not verify(SECRET, {**headers, "webhook-id": "another"}, body)
        assert not verify(SECRET, {**headers, "webhook-timestamp": str(int(time.time()) - 301)}, body)
        assert not verify("whsec_" + "A" * 32, headers, body)


@pytest.mark.parametrize("status", [302, 500])
def test_any_answer_but_2xx_is_tried_again(sender: Resources, receiver: Receiver, status: int) -> None:
    ended(sender)
    receiver.answer = status
    assert send(sender) == 0
    assert problem(sender) == f"The receiver answered {status}."
    assert len(receiver.received) == 1, "a redirect is not followed"
    assert send(sender) == 0
    assert len(receiver.received) == 1, "its pause is not over"
    receiver.answer = 200
    pass_time(sender.ledger, FIRST_PAUSE + 1)
    assert send(sender) == 1
    first, second = receiver.bodies
    assert first["id"] == second["id"]


def test_other_notices_wait_a_round_after_a_failure(sender: Resources, receiver: Receiver) -> None:
    for name in ("oak", "ash"):
        ended(sender, content=name)
    receiver.answer = 503
    assert send(sender) == 0
    assert len(receiver.received) == 1
    receiver.answer = 200
    assert send(sender) == 1
    assert [body["document"]["name"] for body in receiver.bodies] == ["oak.pdf", "ash.pdf"]


def test_a_silent_receiver_holds_nobody_up(
    sender: Resources, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "ANSWER_SECONDS", 0.2)
    ended(sender)
    receiver.answer = "silent"
    assert send(sender) == 0
    assert "did not answer" in (problem(sender) or "")
    monkeypatch.setenv("SWATCHBOOK_NOTICE_URL", f"http://127.0.0.1:{free_port()}/")
    pass_time(sender.ledger, FIRST_PAUSE + 1)
    with open_resources(load_settings()) as elsewhere:
        assert send(elsewhere) == 0
    (row,) = rows_of(sender.ledger, notices).values()
    assert "cannot be reached" in row["problem"]


def test_the_body_of_an_answer_is_not_read(sender: Resources, receiver: Receiver) -> None:
    ended(sender)
    receiver.answer = "endless"
    assert send(sender) == 1


def test_a_killed_sender_still_owes_its_notice(sender: Resources, receiver: Receiver) -> None:
    ended(sender)
    receiver.answer = "silent"
    tick = [sys.executable, "-m", "swatchbook.doors.cli.main", "upkeep", "tick"]
    killed = subprocess.Popen(tick, stdout=subprocess.DEVNULL)
    try:
        assert receiver.hangs.wait(60)
    finally:
        killed.kill()
        killed.wait()
    receiver.answer = 204
    assert send(sender) == 0, "another process may be sending it"
    pass_time(sender.ledger, FIRST_PAUSE + 1)
    assert send(sender) == 1
    first, second = receiver.received
    assert first[0]["webhook-id"] == second[0]["webhook-id"]


def test_loop_rounds_and_ends_of_commands_send_notices(sender: Resources, receiver: Receiver) -> None:
    ended(sender)
    done = asyncio.run(tick(sender))
    assert (done.notified, done.troubles, len(receiver.received)) == (1, (), 1)
    ended(sender, content="ash")
    resume(sender, [], quiet=True)
    assert len(receiver.received) == 2


def test_without_a_url_notices_wait_for_a_receiver(resources: Resources) -> None:
    ended(resources)
    assert send(resources) == 0
    (row,) = rows_of(resources.ledger, notices).values()
    assert (row["state"], row["tries"]) == ("owed", 0)


def test_what_is_not_delivered_is_named_everywhere(sender: Resources, receiver: Receiver) -> None:
    assert check_notices(sender) == "sent to 127.0.0.1"
    ended(sender)
    receiver.answer = 500
    for _ in range(NAMED_TRIES):
        assert overview(sender.ledger, sender.settings, None).undelivered is None
        pass_time(sender.ledger, 86_400)
        assert send(sender) == 0
    line = "Notices not delivered: 1. The receiver answered 500. Check SWATCHBOOK_NOTICE_URL."
    with pytest.raises(ProviderDown, match="answered 500"):
        check_notices(sender)
    shown = overview(sender.ledger, sender.settings, None)
    terminal = Console(width=200, file=StringIO())
    terminal.print(draw_overview(shown, now=0.0))
    assert line in terminal.file.getvalue()  # type: ignore[attr-defined]
    assert health.count(sender).undelivered == shown.undelivered
    unused = sender.settings.model_copy(update={"notice_url": None})
    assert overview(sender.ledger, unused, None).undelivered is None
