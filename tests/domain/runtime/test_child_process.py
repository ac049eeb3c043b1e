import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from swatchbook.domain.errors import (
    UNEXPECTED_MESSAGE,
    Configuration,
    CrashedWorker,
    EncryptedDocument,
    OutOfMemory,
    ProviderTimeout,
    TooSlow,
    Unexpected,
)
from swatchbook_base.child_process import Child
from tests.tables import text_of

ROOT = Path(__file__).parents[3]
MODULE = "tests.domain.runtime.troubled_child"


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    monkeypatch.syspath_prepend(ROOT)
    with Child(MODULE, memory_mb=512) as it:
        yield it


def gone(pid: int, seconds: float = 60) -> bool:
    """The process ends, or is a zombie that nobody reaps here, within the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_answer_brings_back_header_and_bytes(child: Child) -> None:
    payload = os.urandom(3 << 20)
    assert child.ask({"do": "echo", "ä": [1, None]}, payload, seconds=20) == ({"do": "echo", "ä": [1, None]}, payload)


@pytest.mark.parametrize("ahead", [True, False])
def test_a_child_starts_ahead_or_when_asked(child: Child, ahead: bool) -> None:
    assert child.pid is None
    if ahead:
        child.start()
        child.start()
        assert child.pid
    first = child.pid
    for _ in range(2):
        child.ask({"do": "echo"}, seconds=20)
        first = first or child.pid
        assert child.pid == first


def test_stream_yields_answers_and_no_prints(child: Child) -> None:
    numbers = [answer["number"] for answer, _ in child.stream({"do": "count", "to": 5}, seconds=20)]
    assert numbers == [0, 1, 2, 3, 4]
    assert child.ask({"do": "print"}, seconds=20) == ({"done": True}, b"")


def test_silence_is_counted_between_answers_not_over_all(child: Child) -> None:
    slow = child.stream({"do": "count", "to": 8, "pause": 0.2}, seconds=1)
    assert len(list(slow)) == 8


def test_deaths_are_told_and_the_next_request_answered(child: Child, caplog: pytest.LogCaptureFixture) -> None:
    for do, how, by_itself in (
        ("abort", r"SIGABRT \(see the log\)", True), ("segfault", "SIGSEGV", True), ("killed", "SIGKILL", False),
        ("exit", "exit status 7", False),
    ):  # fmt: skip
        with pytest.raises(CrashedWorker, match=how) as caught:
            child.ask({"do": do}, seconds=20)
        assert caught.value.by_itself is by_itself
        assert child.ask({"do": "echo"}, seconds=20)[0] == {"do": "echo"}
    assert "last words" in caplog.text


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="parent and child need a core each")
@pytest.mark.nightly
def test_an_interrupted_parent_does_not_end_its_child(child: Child) -> None:
    """Its core stops for so long in the middle of `write` that the child has read the request, and is at work."""
    cores = os.sched_getaffinity(0)
    ours, its_own = sorted(cores)[:2]
    with subprocess.Popen([sys.executable, "-m", "tests.interrupted_core", str(ours)], cwd=ROOT) as interrupting:
        try:
            os.sched_setaffinity(0, {its_own})  # which the child inherits
            child.ask({"do": "echo"}, seconds=20)
            pid = child.pid
            os.sched_setaffinity(0, {ours})
            for _ in range(3_000):
                child.ask({"do": "echo"}, seconds=20)
        finally:
            os.sched_setaffinity(0, cores)
            interrupting.kill()
    assert child.pid == pid


def test_child_on_a_busy_machine_gets_more_time(child: Child) -> None:
    assert child.ask({"do": "starve", "work": 0.2, "pause": 0.6}, seconds=0.7)[0] == {"done": True}


def test_sleeping_child_is_killed_in_its_seconds(child: Child) -> None:
    child.ask({"do": "echo"}, seconds=20)
    begun = time.monotonic()
    with pytest.raises(ProviderTimeout):
        child.ask({"do": "starve", "work": 0.0, "pause": 30}, seconds=0.5)
    assert time.monotonic() - begun < 20


def test_silent_child_is_killed(child: Child) -> None:
    stream = child.stream({"do": "loop"}, seconds=1)
    pid = next(stream)[0]["pid"]
    with pytest.raises(TooSlow):
        next(stream)
    assert gone(pid)
    assert child.ask({"do": "echo"}, seconds=20)


def test_failures_and_logs_reach_the_parent(child: Child, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EncryptedDocument) as caught:
        child.ask({"do": "fail"}, seconds=20)
    assert (caught.value.message, caught.value.advice) == ("It has a lock.", "Bring the key.")
    pid = child.pid
    assert child.ask({"do": "log", "text": "50 % of a page"}, seconds=20)[0] == {"done": True}
    assert child.pid == pid
    (record,) = [record for record in caplog.records if record.name == "swatchbook_base.child_process"]
    assert (record.levelname, record.msg) == ("WARNING", "%s: %s")
    assert record.getMessage() == "tests.domain.runtime.troubled_child: 50 % of a page"
    with pytest.raises(Unexpected) as unforeseen:
        child.ask({"do": "trip"}, seconds=20)
    assert str(unforeseen.value) == UNEXPECTED_MESSAGE
    assert "KeyError: 'shoelace'" in caplog.text
    assert "troubled_child.py" in caplog.text, "where it happened"


def test_memory_over_the_limit_is_out_of_memory(child: Child) -> None:
    with pytest.raises(OutOfMemory):
        child.ask({"do": "hoard", "bytes": 1 << 30}, seconds=20)
    assert child.ask({"do": "hoard", "bytes": 1 << 20}, seconds=20)[0] == {"size": 1 << 20}


def test_open_streams_end_with_their_child(child: Child) -> None:
    for leave in (lambda stream: stream.close(), lambda _: child.close()):
        stream = child.stream({"do": "count", "to": 1_000_000}, seconds=20)
        next(stream)
        pid, begun = child.pid, time.monotonic()
        leave(stream)
        assert time.monotonic() - begun < 5
        assert pid is not None
        assert gone(pid)
        stream.close()
        assert child.ask({"do": "echo"}, seconds=20)


def test_threads_sharing_a_child_get_their_own_answers(child: Child) -> None:
    got: dict[int, int] = {}

    def ask(number: int) -> None:
        for _ in range(20):
            got[number] = child.ask({"do": "echo", "n": number}, seconds=20)[0]["n"]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {n: n for n in range(4)}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_child_ignores_signals_to_its_group(child: Child, sign: signal.Signals) -> None:
    """Also while it still imports."""
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(child.ask, {"do": "echo"}, seconds=20)
        while child.pid is None:
            time.sleep(0.001)
        os.kill(child.pid, sign)
        assert answer.result() == ({"do": "echo"}, b"")
    os.kill(child.pid, sign)
    assert child.ask({"do": "echo"}, seconds=20) == ({"do": "echo"}, b"")


def test_close_ends_a_child_that_is_busy(child: Child) -> None:
    stream = child.stream({"do": "loop"}, seconds=60)
    next(stream)
    threading.Timer(0.2, child.close).start()
    with pytest.raises(CrashedWorker, match="SIGKILL"):
        next(stream)


def test_child_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with Child("swatchbook.nowhere", memory_mb=512) as child, pytest.raises(Configuration, match="nowhere") as caught:
        child.ask({}, seconds=20)
    assert caught.value.advice
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Child(MODULE, memory_mb=512) as child, pytest.raises(Configuration, match="no such file"):
        child.ask({}, seconds=20)


def test_child_gets_no_secrets_and_imports_little(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_WEAVIATE__API_KEY", "hush")
    environment, _ = child.ask({"do": "environment"}, seconds=20)
    assert "hush" not in environment.values()
    assert environment["PATH"] == os.environ["PATH"]
    modules, _ = child.ask({"do": "modules"}, seconds=20)
    assert not {"torch", "prefect", "sqlalchemy", "pymupdf", "numpy"} & set(modules["modules"])


def test_children_end_with_their_parent() -> None:
    """Busy or not; none of them holds open what tells another that the parent is gone."""
    parent, pids = parent_of("busy_children")
    assert len(pids) == 4
    assert all(psutil.pid_exists(pid) for pid in pids)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert all(gone(pid) for pid in pids)


def parent_of(script: str) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A process of its own that runs the script, and the pids that its first line names."""
    parent = subprocess.Popen([sys.executable, "-c", text_of(__file__, script)], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout as said:
        return parent, [int(pid) for pid in said.readline().split()]


def test_busy_child_ends_with_its_parent() -> None:
    parent, (forked, ours, its_own) = parent_of("forked_parent")
    os.kill(forked, signal.SIGKILL)
    assert gone(its_own)
    assert psutil.pid_exists(ours)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert gone(ours)
