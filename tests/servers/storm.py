"""A storm: parts of the stack are killed or suspended at random while people upload, teach, delete, use `gc`, and
change the models. Files are in MinIO, and every other document is embedded in shards on a pool of processes; both are
struck, too.

`make soak` strikes 300 times; `python -m pytest -m stack tests/servers/storm.py` strikes 40 times, in 8 min.
SWATCHBOOK_TEST_STORM is the number that a storm is drawn from, to have the same one again; SWATCHBOOK_TEST_STRIKES
another number of strikes.
"""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from sqlalchemy import func, select

from devtools import minio
from devtools.minio import MinioServer
from devtools.weaviate import free_ports
from swatchbook.domain.backoff import FIRST_PAUSE
from swatchbook.domain.errors import Failure
from swatchbook.domain.records import DocumentStatus, document_id, sha256
from swatchbook.domain.settings import PREFIX
from swatchbook.resources import open_resources
from swatchbook.store.ledger.stored_documents import Document, list_documents
from swatchbook.store.ledger.tables import chunks, documents, placements, runs
from swatchbook.upkeep.spaces import list_spaces
from swatchbook.upkeep.verify import verify
from tests.command import finish
from tests.fixtures import SOAK
from tests.ledger_audit import count_writes
from tests.models.providers.standin import KEY, provider
from tests.s3_server import S3Server, new_bucket
from tests.servers.audit import TERMINAL, audit, flow_runs
from tests.servers.catalogues import make_catalogue
from tests.servers.halfway import WHOLE, tell
from tests.servers.stack import BACK_SECONDS, OWNER, Part, Stack, running_stack
from tests.servers.test_pool import shards_by_process

pytestmark = [pytest.mark.stack, pytest.mark.timeout(7_200 if SOAK else 1_800)]

STRIKES = int(os.environ.get("SWATCHBOOK_TEST_STRIKES") or (300 if SOAK else 40))
CATALOGUES = 36 if SOAK else 8
PICTURES = 8  # of a catalogue
SETTLED_SECONDS = 120.0 if SOAK else BACK_SECONDS
"""In which everything is at its end once the storm is over. On a busy machine, too, nothing may be lost."""
LATE_SECONDS = 900.0
PATIENCE = 300.0  # seconds in which a person has an answer, whatever dies meanwhile
MOST_AWAY, MOST_SUSPENDED, MOST_CALM = 3.0, 6.0, 4.0  # seconds until a part is started again, goes on; between strikes
AT_WORK = {"run": "document", "shard": "shard"}
"""Targets that are there only while somebody works -> their kind of run."""
TARGETS = (
    *("service", "worker", "machine", "run", "run", "shard", "shard", "machine of shards"),
    *("postgres", "weaviate", "prefect", "minio"),
)


@dataclass
class Store:
    folder: Path
    server: MinioServer

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self.server.process

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait()

    def start(self) -> None:
        self.server = minio.start(self.folder, port=urlsplit(self.server.url).port or 0)


@dataclass
class Parts:
    stack: Stack
    store: Store
    shard_worker: Part
    changes: dict[float, dict[str, str]]
    """How much of the storm is over -> settings that name another model."""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    (port,) = free_ports(1)
    store = Store(tmp_path / "minio", minio.start(tmp_path / "minio", port=port))
    bucket = new_bucket(S3Server(store.server.url), monkeypatch)
    (tmp_path / "stack").mkdir()
    running = running_stack(tmp_path / "stack", SWATCHBOOK_FILES_URL=f"{bucket.url}/files")
    with running as stack, shards_by_process(stack) as shard_worker, provider() as voyage:
        count_writes(stack.resources.ledger)
        of_texts = {"TEXT_ENCODER": "voyage", "TEXT__URL": voyage.openai_url, "TEXT__API_KEY": KEY}
        changes = {0.25: {"ENCODER": "descriptors"}, 0.6: of_texts}
        named = {at: {f"{PREFIX}{name}": value for name, value in of.items()} for at, of in changes.items()}
        yield Parts(stack, store, shard_worker, named)
    store.server.stop()


def test_storm_loses_nothing_repeats_nothing_and_leaves_nothing(parts: Parts, tmp_path: Path) -> None:
    stack = parts.stack
    drawn = int(os.environ.get("SWATCHBOOK_TEST_STORM") or random.randrange(1 << 30))
    print(f"SWATCHBOOK_TEST_STORM={drawn}")  # pytest shows it where the test fails
    stack.trouble(seconds=0.3)
    people = People(stack, tmp_path, random.Random(drawn))
    with people.at_work():
        struck = strike(parts, random.Random(drawn + 1), people)
    print(struck)
    stack.trouble()
    stack.wait_until(people.change_models, "the new models are searched")
    seconds = settle(stack, people)
    given_up = people.ask_again_for_what_was_killed_too_often()
    settle(stack, people)
    found = audit(stack, *people.kept, pictures=PICTURES)
    tell(f"storm of {struck.total()} strikes on {len(people.kept)} documents, {given_up} given up", found, seconds)
    assert found == WHOLE
    stack.command("upkeep", "gc", "--now")
    assert left_of_deleted(stack, people) == []
    assert {document for document in people.taught if not is_taught(stack, document)} == set()
    assert people.frightened == []
    assert seconds < SETTLED_SECONDS


# --- what people do ---------------------------------------------------------------------------------------------------


@dataclass
class People:
    """People who do one thing after the other; each thing that has no answer is repeated until it has one."""

    stack: Stack
    folder: Path
    dice: random.Random
    kept: dict[str, str] = field(default_factory=dict)  # document -> its stored file
    deleted: dict[str, str] = field(default_factory=dict)
    taught: set[str] = field(default_factory=set)
    frightened: list[str] = field(default_factory=list)  # what nobody should see: a 500, a traceback
    storm: float = 0.0  # how much of it is over

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let them work until the storm is over and all catalogues are uploaded. Raises what ended their work."""
        over = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            work = thread.submit(self._work, over)
            try:
                yield
            finally:
                over.set()
            work.result()

    def _work(self, over: threading.Event) -> None:
        sent = 0
        while sent < CATALOGUES or not over.is_set():
            if sent < CATALOGUES and (over.is_set() or sent <= self.storm * CATALOGUES):
                sent += 1
                self.upload(sent)
            else:
                self.dice.choice((self.teach, self.delete, self.collect_leftovers, self.look, self.change_models))()
            over.wait(self.dice.uniform(0, 2))

    def upload(self, number: int) -> None:
        catalogue = make_catalogue(self.folder / f"storm-{number}.pdf", pictures=PICTURES).read_bytes()
        options = {"focus": False, "batch_size": 4, "execution": "pool" if number % 2 else "inline"}
        form = {"owner": OWNER, "options": json.dumps(options)}
        answer = self.ask("POST", "/documents", data=form, files={"file": (f"storm-{number}.pdf", catalogue)})
        assert answer.is_success, answer.text
        digest = sha256(catalogue)
        self.kept[document_id(OWNER, digest)] = f"{digest}.pdf"

    def teach(self) -> None:
        """Accept the likeliest reading of a document: its products may change, its pictures do not."""
        if not (document := self._one()):
            return
        shown = self.ask("GET", f"/documents/{document}/teaching/readings")
        likeliest = shown.json()["likeliest"] if shown.is_success else []  # 409: it is not read yet
        for proposal in likeliest[:1]:
            given = {"reading": proposal["reading"]}
            if self.ask("POST", f"/documents/{document}/teaching", json=given).is_success:
                self.taught.add(document)

    def delete(self) -> None:
        """Delete a document for good, one of four in all."""
        if len(self.deleted) < CATALOGUES // 4 and (document := self._one()):
            answer = self.ask("DELETE", f"/documents/{document}", params={"now": "true"})
            assert answer.status_code in (202, 404), answer.text
            self.deleted[document] = self.kept.pop(document)
            self.taught.discard(document)

    def collect_leftovers(self) -> None:
        self._run("upkeep", "gc", "--now")

    def look(self) -> None:
        self._run("status")
        self.ask("GET", "/search", params={"text": "porcelain tiles", "owner": OWNER})

    def change_models(self) -> bool:
        """Fill and use the spaces of the models in the settings, and drop the others; return whether all is done."""
        with suppress(Failure), open_resources(self.stack.settings) as resources:
            roles = list_spaces(resources)
            if all([(space.state, space.chosen) for space in role.spaces] == [("active", True)] for role in roles):
                return True
            for words in (("fill", "spaces"), ("spaces", "activate"), ("spaces", "drop-old", "--yes")):
                self._run(*words)
        return False

    def ask_again_for_what_was_killed_too_often(self) -> int:
        """Retry what is given up, or put off for long, because processes died at it again and again; return how many
        are.
        """
        given_up = [each.id for each in of_storm(self.stack) if is_given_up(self.stack, each)]
        for document in given_up:
            assert self.ask("POST", f"/documents/{document}/retry").is_success
        for document in given_up:
            self.stack.wait_for(document, DocumentStatus.COMPLETED)
        return len(given_up)

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Return the service's answer, asking again while there is none, or one that says to try later."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(httpx.TransportError):
                answer = self.stack.ask(method, path, **given)
                if answer.status_code == 500:
                    self.frightened.append(f"{method} {path}: {answer.text[:500]}")
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
            time.sleep(0.5)
        raise AssertionError(f"no answer to {method} {path}")

    def _run(self, *arguments: str) -> None:
        """Run a command. It may fail, but in plain words."""
        ended = finish(arguments, self.stack.environment, self.stack.folder)
        if "Traceback" in ended.stdout + ended.stderr:
            self.frightened.append(f"{arguments}: {ended.stderr[-1500:]}")

    def _one(self) -> str | None:
        return self.dice.choice(sorted(self.kept)) if self.kept else None


# --- what strikes -----------------------------------------------------------------------------------------------------


def strike(parts: Parts, dice: random.Random, people: People) -> Counter[str]:
    """Kill or suspend one part after the other; return how often each was struck in which way."""
    stack = parts.stack
    struck = Counter[str]()
    changes = {round(share * STRIKES): given for share, given in parts.changes.items()}
    for number in range(STRIKES):
        people.storm = number / STRIKES
        if given := changes.get(number):
            stack.change_settings(parts.shard_worker, **given)
        time.sleep(dice.uniform(0, MOST_CALM))
        target = dice.choice(TARGETS)
        if target in AT_WORK and not at_work(stack, target):
            struck[f"no {target} at work"] += 1
        elif dice.random() < 0.25:
            suspend(parts, target, dice.uniform(0.5, MOST_SUSPENDED))
            struck[f"{target} suspended"] += 1
        else:
            kill(parts, target, dice.uniform(0, MOST_AWAY))
            struck[f"{target} killed"] += 1
    return struck


def kill(parts: Parts, target: str, away: float) -> None:
    stack = parts.stack
    if target in AT_WORK:
        for process in at_work(stack, target):
            with suppress(psutil.NoSuchProcess):
                process.kill()
    elif target == "weaviate":
        stack.restart_weaviate(away=away)
    else:
        part = part_of(parts, target)
        if isinstance(part, Part):
            part.kill(family=target in ("machine", "machine of shards", "prefect"))
        else:
            part.kill()
        time.sleep(away)
        part.start()


def suspend(parts: Parts, target: str, seconds: float) -> None:
    """Send SIGSTOP to a part with all that it has started, and SIGCONT after some seconds."""
    if target in AT_WORK:
        stopped = at_work(parts.stack, target)
    else:
        process = part_of(parts, target).process
        assert process
        first = psutil.Process(process.pid)
        stopped = [first, *first.children(recursive=True)]
    for sign in (signal.SIGSTOP, signal.SIGCONT):
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(sign)
        if sign == signal.SIGSTOP:
            time.sleep(seconds)


def part_of(parts: Parts, target: str) -> Any:
    stack = parts.stack
    named = {
        "service": stack.service, "prefect": stack.prefect, "machine of shards": parts.shard_worker,
        "weaviate": stack.weaviate, "postgres": stack.postgres, "minio": parts.store,
    }  # fmt: skip
    return named.get(target, stack.worker)


def at_work(stack: Stack, target: str) -> list[psutil.Process]:
    """Return the process of a live run of a document or shard, if there is one, with those that it has started."""
    query = select(runs.c.pid).where(runs.c.kind == AT_WORK[target], runs.c.state == "live").limit(1)
    pid = stack.resources.ledger.execute(query).scalar()
    with suppress(psutil.NoSuchProcess):
        if pid:
            return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return []


# --- what is left -----------------------------------------------------------------------------------------------------


def settle(stack: Stack, people: People) -> float:
    open_ = list[str]()

    def is_settled() -> bool:
        open_[:] = unsettled(stack, people)
        return not open_

    try:
        return stack.wait_until(is_settled, "the storm has settled", LATE_SECONDS)
    except AssertionError as late:
        raise AssertionError("\n".join(open_)) from late


def of_storm(stack: Stack) -> list[Document]:
    return list_documents(stack.resources.ledger, name="storm-", limit=1_000)


def is_given_up(stack: Stack, document: Document) -> bool:
    """Return whether it has failed, or is tried again only after a long pause, as a picture at which processes died."""
    if document.status == DocumentStatus.WAITING and document.due_at:
        return document.due_at > stack.resources.ledger.now() + FIRST_PAUSE / 2
    return document.status == DocumentStatus.FAILED


def unsettled(stack: Stack, people: People) -> list[str]:
    """Return the documents that are not at their end, in the ledger or in Prefect, and those that should be gone."""
    found = {each.id: each for each in of_storm(stack)}
    differing = [each for each in verify(stack.resources).spaces if each.missing or each.foreign]
    return [
        *(f"{each.space} lacks {each.missing} and has {each.foreign} too many" for each in differing),
        *(
            f"{each.name} is {each.status}: {each.message}"
            for each in found.values()
            if each.status != DocumentStatus.COMPLETED and not is_given_up(stack, each)
        ),
        *(f"{document} was deleted, and is there" for document in people.deleted if document in found),
        *(f"{document} is gone" for document in people.kept if document not in found),
        *(
            f"{document} has flow runs {states}"
            for document in (*people.kept, *people.deleted)
            if not TERMINAL.issuperset(states := flow_runs(stack, document))
        ),
    ]


def left_of_deleted(stack: Stack, people: People) -> Sequence[str]:
    """Return what the ledger and the files still have of the deleted documents."""
    columns = {"document": documents.c.id, "place": placements.c.document, "text": chunks.c.document}
    with stack.resources.ledger.read() as connection:
        rows = [
            f"{count} times {name}"
            for name, column in columns.items()
            if (count := connection.scalar(select(func.count()).where(column.in_(people.deleted))))
        ]
    return rows + [file for file in people.deleted.values() if stack.resources.files.has(file)]


def is_taught(stack: Stack, document: str) -> bool:
    return stack.document(document).options.taught.names_are_taught
