"""A change of model on a collection that lives, with every process real: `swatchbook fill spaces`, `activate` and
`drop-old` are killed (SIGKILL) at random moments, while another process ingests and deletes documents and a third one
searches all the time. In a soak more often, and for each change on both indexes.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from benchmarks import bare_ingest
from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import DEFAULT_OWNER
from swatchbook.domain.settings import flatten, load_settings, variable
from swatchbook.index.contract import MovableIndex
from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources, open_resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger import space_registry
from swatchbook.store.ledger.document_commands import retry
from swatchbook.store.ledger.publishing import count_unpublished
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.stored_documents import all_documents
from swatchbook.store.ledger.tables import calls, runs
from swatchbook.upkeep.reports.stale import stale_roles
from swatchbook.upkeep.spaces import activate, drop_old, list_spaces, rollback
from swatchbook.upkeep.verify import verify
from tests.command import attempt, forked
from tests.fixtures import SOAK
from tests.forked import Forked
from tests.ledger_audit import count_writes, writes
from tests.models import tiny
from tests.models.providers.standin import KEY, Provider, provider
from tests.upkeep.changing import active_pairs, asked_as_documents, fill, index_left, rows_left, small_catalogue
from tests.waiting import until

pytestmark = pytest.mark.stack

KEPT = 6 if SOAK else 3  # documents that stay
FILLS_KILLED = 8 if SOAK else 2  # of each change
SWITCHES_KILLED = 4 if SOAK else 1  # `activate`, and `drop-old`
SECONDS = 180.0
"""Until something must have happened that other processes do."""


class Living:
    """A home that one process searches, and another one fills and empties, while this one changes its models."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.dice = random.Random(seed)
        self.log = folder / "answers.jsonl"
        self.next = 1
        self.kept = list[str]()
        self.killed = Counter[str]()
        self.lost = set[tuple[str, int]]()  # calls that were not answered yet when their fill was killed

    def choose(self, **settings: str | dict[str, str]) -> None:
        for name, value in flatten(settings).items():
            self.monkeypatch.setenv(variable(name), value)

    @contextmanager
    def opened(self) -> Iterator[Resources]:
        with open_resources(load_settings()) as resources:
            yield resources

    def keep(self) -> None:
        """Ingest the documents that stay."""
        for _ in range(KEPT):
            bare_ingest.main(small_catalogue(self.folder, self.next))
            self.next += 1
        with self.opened() as resources:
            self.kept = [document.id for document in all_documents(resources.ledger, DEFAULT_OWNER)]

    # --- those who search, and those who bring and take documents -----------------------------------------------------

    @contextmanager
    def searched(self) -> Iterator[None]:
        """Somebody searches until the end of the block. Then every answer was right."""
        with self.opened() as resources:
            count_writes(resources.ledger)
            kept = {
                role.value: sorted(resources.index.ids(each.space))
                for role, each in space_registry.active_spaces(resources.ledger).items()
            }
            picture = next(hit.file for hit in search(resources, SearchRequest("oak floor")) if hit.file)
            (self.folder / "picture").write_bytes(resources.files.read(picture))
        (self.folder / "kept.json").write_text(json.dumps(kept))
        asking = self._start("searching", self.folder / "kept.json", self.folder / "picture", self.log)
        try:
            self.wait_for_answers()
            yield
            assert asking.poll() is None, (self.folder / "searching.log").read_text()
        finally:
            asking.kill()
            asking.wait()
        assert [each for each in self.answers() if each["wrong"]] == []

    def answers(self) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def wait_for_answers(self, count: int = 3) -> None:
        """Until as many more searches were answered: one of each kind."""
        before = len(self.answers())
        until(lambda: len(self.answers()) >= before + count, SECONDS)

    @contextmanager
    def lively(self) -> Iterator[None]:
        """Documents come and go until the end of the block."""
        stop = self.folder / "stop"
        stop.unlink(missing_ok=True)
        moving = self._start("coming_and_going", self.folder, self.next)
        self.next += 1_000
        try:
            yield
            stop.touch()
            assert moving.wait(SECONDS) == 0, (self.folder / "coming_and_going.log").read_text()
        finally:
            moving.kill()
            moving.wait()

    def _start(self, module: str, *arguments: object) -> Forked:
        log = self.folder / f"{module}.log"
        return Forked((f"tests.upkeep.{module}", *map(str, arguments)), os.environ, self.folder, log, log)

    # --- commands that die --------------------------------------------------------------------------------------------

    def kill_fill(self, resources: Resources) -> None:
        """Start `spaces fill`, and kill it up to two seconds after it began to make something."""
        with forked("fill", "spaces") as command:
            until(lambda: command.poll() is not None or fills_at_work(resources) > 0, SECONDS)
            time.sleep(self.dice.uniform(0, 2))
            if command.poll() is None:
                command.kill()
                self.killed["fill"] += 1
        self.lost |= calls_of_fills(resources, "reserved")

    def kill(self, *words: str) -> None:
        """Start a command, and kill it at any moment of its work."""
        started = time.monotonic()
        attempt("spaces")
        usual = time.monotonic() - started
        with forked(*words) as command:
            time.sleep(self.dice.uniform(0.4, 1.2) * usual)
            if command.poll() is None:
                command.kill()
                self.killed[words[1]] += 1

    # --- the change ---------------------------------------------------------------------------------------------------

    def change(self) -> None:
        """From what is searched to what the settings name."""
        with self.opened() as resources, self.lively():
            with resources.ledger.write() as connection:
                connection.execute(text("DELETE FROM written"))
            before = active_pairs(resources)
            for _ in range(FILLS_KILLED):
                self.kill_fill(resources)
            assert active_pairs(resources) == before
            self.fill_wholly(resources)
            self.wait_for_answers()
            for _ in range(SWITCHES_KILLED):
                self.kill("spaces", "activate")
            self.switch(resources, activate)
            after = active_pairs(resources)
            assert before - after
            assert stale_roles(resources.ledger, resources.settings) == ()
            self.wait_for_answers()
            self.switch(resources, rollback)
            assert active_pairs(resources) == before
            self.wait_for_answers()
            self.switch(resources, activate)
            assert active_pairs(resources) == after
            self.wait_for_answers()
            for _ in range(SWITCHES_KILLED):
                self.kill("spaces", "drop-old", "--yes")
            drop_old(resources)
            self.wait_for_answers()
        with self.opened() as resources:
            until(lambda: self.has_published(resources), SECONDS)
            assert rows_left(resources, before - after) == []
            assert index_left(resources, before - after) == []
            assert [len(role.spaces) for role in list_spaces(resources)] == [1] * len(after)
            checked = verify(resources)
            assert [space for space in checked.spaces if space.missing or space.foreign] == []
            counted = account(resources.ledger)
            assert counted.found == counted.complete
            assert set(writes(resources.ledger).values()) == {1}, "nothing was made twice"
            if isinstance(resources.index, MovableIndex):
                for role, each in space_registry.active_spaces(resources.ledger).items():
                    assert resources.index.active(role) == each.space.name

    def has_published(self, resources: Resources) -> bool:
        """Whether nothing waits to be published: a publisher that was killed keeps its rows for up to a minute."""
        publish_all(resources, at_most=0)
        return count_unpublished(resources.ledger) == 0

    def fill_wholly(self, resources: Resources) -> None:
        """Documents come meanwhile: what one of them lacks is made by the next fill.

        A picture with which two fills have died would wait for minutes: a person tries it at once.
        """

        def filled() -> bool:
            for document in self.kept:
                retry(resources.ledger, document)
            return not fill(resources).lacks

        until(filled, SECONDS)

    def switch(self, resources: Resources, step: Callable[[Resources], object]) -> None:
        def done() -> bool:
            try:
                step(resources)
            except Configuration as refused:  # a document that came just now is not published yet
                if "not complete" not in str(refused):
                    raise
                fill(resources)
                return False
            return True

        until(done, SECONDS)


def fills_at_work(resources: Resources) -> int:
    """Fill runs that have begun and not ended."""
    at_work = select(func.count()).select_from(runs).where(runs.c.kind == "fill", runs.c.state == "live")
    return resources.ledger.execute(at_work).scalar_one()


def calls_of_fills(resources: Resources, state: str) -> set[tuple[str, int]]:
    """Request and attempt of the calls in this state that fills have made."""
    query = select(calls.c.request, calls.c.attempt).join(runs, runs.c.token == calls.c.run)
    rows = resources.ledger.execute(query.where(calls.c.state == state, runs.c.kind == "fill"))
    return {(row.request, row.attempt) for row in rows}


@pytest.fixture
def voyage() -> Iterator[Provider]:
    with provider() as there:
        dice = random.Random(3)
        there.delay = lambda: dice.uniform(0.05, 0.5)
        yield there


CASES = [("voyage", "lance"), ("siglip", "weaviate"), ("voyage", "weaviate"), ("siglip", "lance")]


@pytest.fixture(params=CASES if SOAK else CASES[:2], ids="-".join)
def living(
    request: pytest.FixtureRequest, home: Path, tmp_path: Path, voyage: Provider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Living, str]]:
    model, index = request.param
    made = Living(tmp_path, monkeypatch, seed=CASES.index(request.param))
    if index == "weaviate":
        server = request.getfixturevalue("weaviate_server")
        made.choose(
            index="weaviate",
            weaviate={"url": server.url, "grpc_port": str(server.grpc_port), "api_key": server.api_key},
        )
    made.choose(text={"url": voyage.openai_url, "api_key": KEY}, encoder="descriptors", text_encoder="e5")
    made.keep()
    yield made, model
    with made.opened() as resources:  # the server is shared
        for each in space_registry.registered(resources.ledger):
            resources.index.drop(each.space)


def test_answers_are_of_one_complete_space_whatever_dies(
    living: tuple[Living, str], voyage: Provider, tmp_path: Path
) -> None:
    home, model = living
    there, back = {"text_encoder": "voyage"}, {"text_encoder": "e5"}
    if model == "siglip":
        there = {"encoder": "siglip", "encoder_model": str(tiny.save(tmp_path, "siglip2"))}
        back = {"encoder": "descriptors"}
    with home.searched(), home.opened() as resources:
        first = active_pairs(resources)
        home.choose(**there)
        home.change()
        home.choose(**back)
        home.change()
        assert active_pairs(resources) == first
        assert paid_once(resources, voyage, home.lost) == (model == "voyage")
    assert home.killed["fill"] >= FILLS_KILLED, "in both directions together"
    read = {tag.partition("@")[0] for answer in home.answers() for tag in answer["read"]}
    print(f"{len(home.answers())} answers by {sorted(read)}; killed: {dict(home.killed)}")


def paid_once(resources: Resources, voyage: Provider, lost: set[tuple[str, int]]) -> bool:
    """Whether anything was paid; then no text that had been answered was sent again, and only those were sent twice of
    which a kill has taken the answer.
    """
    sent = asked_as_documents(voyage)
    states = Counter(resources.ledger.execute(select(calls.c.state)).scalars())
    assert states.keys() <= {"answered", "unknown"}
    assert states["answered"] == len(sent)
    assert sum(sent.values()) - len(sent) <= states["unknown"]
    assert states["unknown"] == len(calls_of_fills(resources, "unknown") & lost)
    return bool(sent)
