"""Flow runs of the workers under test, forked off the process that has imported what they need."""

import os
import shlex
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingUnixStreamServer

from tests.doubles.models import lay_trouble
from tests.forked import Forked


@contextmanager
def forked_runs(folder: Path) -> Iterator[str]:
    """The command of a work pool whose flow runs are forked off until the end of the block."""
    address = str(folder / "flow-runs")
    with ThreadingUnixStreamServer(address, _Run) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield shlex.join((sys.executable, "-S", "-E", str(Path(__file__).with_name("flow_run.py")), address))
        server.shutdown()


class _Run(BaseRequestHandler):
    """One flow run, with the environment, folder and output of the process that asks for it."""

    request: socket.socket

    def handle(self) -> None:
        pid, _, _ = struct.unpack("3i", self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        there = Path(f"/proc/{pid}")
        told = dict(each.split("=", 1) for each in os.fsdecode((there / "environ").read_bytes()).split("\0") if each)
        out, err = (there / "fd" / number for number in "12")
        run = Forked(("prefect.engine",), told, (there / "cwd").readlink(), out, err, begin=_have_trouble)
        while run.sentinel not in wait([self.request, run.sentinel]):
            if not (signals := self.request.recv(8)):
                run.kill_all()
                return
            for number in signals:
                run.send_signal(number)
        self.request.sendall(str(run.wait()).encode())


def _have_trouble() -> None:
    if file := os.environ.get("SWATCHBOOK_TEST_TROUBLE"):
        from swatchbook.models import registry

        lay_trouble(Path(file), registry)
