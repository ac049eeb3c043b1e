"""Memory that a process no longer uses goes back to the system. In processes of their own: a heap is the process's."""

import subprocess
import sys

import pytest

from tests.tables import text_of

pytestmark = pytest.mark.nightly

ARENAS = text_of(__file__, "arenas")

RELEASED = text_of(__file__, "released")


def _printed_number(code: str) -> int:
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has arenas")
def test_threads_with_resources_share_two_heaps() -> None:
    assert _printed_number(ARENAS) <= 2


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps freed memory so")
def test_released_memory_goes_back_to_the_system() -> None:
    assert _printed_number(RELEASED) > 150
