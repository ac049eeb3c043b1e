"""PostgreSQL goes away and comes back: what was committed stays, what was cut off is undone, and work goes on."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import insert, select, text

from swatchbook.domain.errors import Authentication, Configuration, DiskFull, Failure, LedgerDown
from swatchbook.domain.records import DocumentStatus
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.tables import contents
from tests.ledgers import NewLedger
from tests.postgres import POSTGRESQL, RunningPostgres, running_postgres
from tests.store.ledger.scene import VISUAL, begun, count, put, queued

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPostgres]:
    """A server that a test may stop, and then starts again."""
    with running_postgres(tmp_path_factory.mktemp("outages")) as running:
        yield running


@pytest.fixture
def ledger(server: RunningPostgres, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    opened = open_ledger(server.new_database(request.node.name.lower()[:60]))
    yield opened
    opened.close()


def test_only_patient_writes_wait_for_the_ledger(ledger: Ledger, server: RunningPostgres) -> None:
    put(ledger, contents, key="before")
    server.stop()
    began = time.monotonic()
    with ThreadPoolExecutor(1) as threads:
        try:
            with pytest.raises(LedgerDown, match="does not answer"):
                put(ledger, contents, key="at once")
            assert time.monotonic() - began < 5
            with pytest.raises(LedgerDown):
                put(ledger.with_patience(0.3), contents, key="in vain")
            waiting = threads.submit(put, ledger.with_patience(60), contents, key="during")
            time.sleep(0.5)
            assert not waiting.done()
        finally:
            server.start()
        waiting.result(30)
    assert set(ledger.execute(select(contents.c.key)).scalars()) == {"before", "during"}


@pytest.mark.gate
def test_a_transaction_that_is_cut_off_keeps_nothing(ledger: Ledger, server: RunningPostgres) -> None:
    def cut_off() -> None:
        with ledger.with_patience(60).write() as connection:
            connection.execute(insert(contents).values(key="half"))
            server.kill()
            connection.execute(insert(contents).values(key="whole"))

    try:
        with pytest.raises(LedgerDown):
            cut_off()
    finally:
        server.start()
    assert count(ledger, contents) == 0


@pytest.mark.gate
@pytest.mark.parametrize("database", [POSTGRESQL])
def test_wrong_urls_are_no_outage(url: str) -> None:
    for scheme in ("postgresql", "postgres"):  # without a driver
        ledger = open_ledger(url.replace("postgresql+psycopg", scheme))
        assert ledger.now() > 0
        ledger.close()
    with pytest.raises(Authentication, match="SWATCHBOOK_LEDGER_URL") as refused:
        open_ledger(url.replace("postgres:", "postgres:wrong-"))
    assert "wrong-" not in str(refused.value)
    with pytest.raises(Configuration, match="Create the database"):
        open_ledger(url + "-not")


@pytest.mark.gate
def test_errors_of_the_server_are_told_apart(ledger: Ledger) -> None:
    failures: dict[str, type[Failure]] = {
        "53100": DiskFull, "42501": Configuration, "25006": Configuration, "40001": LedgerDown, "57P03": LedgerDown,
        "53300": LedgerDown,
    }  # fmt: skip
    for state, failure in failures.items():
        raising = text(f"DO $$ BEGIN RAISE EXCEPTION 'told' USING ERRCODE = '{state}'; END $$")
        with pytest.raises(failure, match="told"), ledger.write() as connection:
            connection.execute(raising)


@pytest.mark.gate
def test_a_deadlock_is_undone_and_called_an_outage(ledger: Ledger) -> None:
    put(ledger, contents, key="a")
    put(ledger, contents, key="b")
    both = threading.Barrier(2)

    def touch(first: str, second: str) -> str:
        try:
            with ledger.write(turn=False) as connection:
                connection.execute(select(contents).where(contents.c.key == first).with_for_update())
                both.wait(30)
                connection.execute(select(contents).where(contents.c.key == second).with_for_update())
        except LedgerDown as down:
            return type(getattr(down.__cause__, "orig", None)).__name__
        return "done"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(touch, "ab", "ba")) == ["DeadlockDetected", "done"]


def test_a_silent_client_holds_nothing_for_long(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    put(ledger, contents, key="k")
    monkeypatch.setattr("swatchbook.store.ledger.database.LOCK_SECONDS", 0.2)
    silent = Ledger(ledger.url.render_as_string(hide_password=False))

    def be_silent() -> None:
        with silent.write() as connection:
            connection.execute(select(contents).with_for_update())
            with ledger.write(turn=False) as other:  # waits until the silent one is ended
                assert other.execute(select(contents).with_for_update()).all()

    with pytest.raises(LedgerDown):
        be_silent()
    silent.close()


@pytest.mark.gate
def test_odd_words_and_sizes_are_stored(new_ledger: NewLedger) -> None:
    ledger = open_ledger(new_ledger())
    run = begun(ledger, requested=(VISUAL,))
    runs.end(ledger, run, DocumentStatus.FAILED, message="a\0b \udc80 ü")
    with ledger.read() as connection:
        (message,) = connection.execute(text("SELECT message FROM documents")).one()
    assert message == "a\ufffdb ? ü"
    known = queued(ledger, content="big", size=10 << 30)
    assert known.size == 10 << 30
    ledger.close()
