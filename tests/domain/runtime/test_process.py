"""Who a process is, and whether it lives."""

import signal
import subprocess
import sys
import textwrap
import time

import pytest

from swatchbook.domain.runtime.process import Process, here, is_dead


def start() -> subprocess.Popen[bytes]:
    code = "from swatchbook.domain.runtime.process import here; print(here().model_dump_json(), flush=True); input()"
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_process_lives_is_another_or_unknown() -> None:
    assert is_dead(here()) is False
    assert is_dead(here().model_copy(update={"pid_started": here().pid_started - 3600})) is True
    for elsewhere in ({"host": "other"}, {"boot_id": "earlier"}, {"pid_namespace": "pid:[1]"}):
        assert is_dead(here().model_copy(update={**elsewhere, "pid": 1 << 30})) is None


def test_a_killed_process_is_dead_even_as_zombie() -> None:
    child = start()
    assert child.stdout
    other = Process.model_validate_json(child.stdout.readline())
    assert other.pid == child.pid
    assert is_dead(other) is False
    child.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while not is_dead(other) and time.monotonic() < until:  # the signal arrives; nobody has reaped it
        time.sleep(0.01)
    assert is_dead(other) is True
    child.communicate()
    assert is_dead(other) is True


@pytest.mark.nightly
def test_yielding_only_lowers_the_priority() -> None:
    code = """
        import os, subprocess, sys, threading
        from swatchbook.domain.runtime.process import BACKGROUND, yield_to_people

        before, told, seen = max(os.nice(int(sys.argv[1])), BACKGROUND), threading.Event(), []
        there = threading.Thread(target=lambda: (told.wait(), seen.append(os.nice(0))))
        there.start()
        yield_to_people()
        later = threading.Thread(target=lambda: seen.append(os.nice(0)))
        later.start()
        told.set()
        there.join(), later.join()
        child = subprocess.run([sys.executable, "-c", "import os; print(os.nice(0))"], capture_output=True)
        assert {os.nice(0), *seen, int(child.stdout)} == {before}, (before, seen, child)
    """
    for nice in ("0", "12"):
        subprocess.run([sys.executable, "-c", textwrap.dedent(code), nice], check=True)
