"""Memory that a process no longer uses goes back to the system. In processes of their own: a heap is the process's."""

import subprocess
import sys

import pytest

ARENAS = """
import ctypes, tempfile, threading
from pathlib import Path
from swatchbook.resources import Resources
from swatchbook.domain.settings import Settings

Resources(Settings(home=Path(tempfile.mkdtemp())))
c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
at_once = threading.Barrier(12)

def work():
    at_once.wait()
    c.malloc(1_000)
    at_once.wait()

threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.NamedTemporaryFile() as file:
    c.fopen.restype = ctypes.c_void_p
    out = c.fopen(file.name.encode(), b"w")
    c.malloc_info(0, ctypes.c_void_p(out))
    c.fclose(ctypes.c_void_p(out))
    print(Path(file.name).read_text().count("<heap nr="))
"""

RELEASED = """
import ctypes, psutil
from swatchbook.domain.runtime.heap import release_memory

c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
blocks = [c.malloc(4_000) for _ in range(50_000)]  # 200 MB, too small for pages of their own
for block in blocks:
    ctypes.memset(block, 1, 4_000)
for block in blocks[:-1]:  # the last one keeps the heap from shrinking at its end
    c.free(ctypes.c_void_p(block))
before = psutil.Process().memory_info().rss
release_memory()
print((before - psutil.Process().memory_info().rss) >> 20)
"""


def _printed_number(code: str) -> int:
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has arenas")
def test_threads_with_resources_share_two_heaps() -> None:
    assert _printed_number(ARENAS) <= 2


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps freed memory so")
def test_released_memory_goes_back_to_the_system() -> None:
    assert _printed_number(RELEASED) > 150
