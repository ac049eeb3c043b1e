"""The line of docs/servers.md that starts a worker in the background of a script lets Ctrl-C reach it."""

import re
import subprocess
import sys

from tests.fixtures import ROOT

WORKER = "prefect worker start --pool control --type process"
TELL = f'{sys.executable} -S -c "import signal; print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"'
"""A program in the worker's place, which tells whether it ignores SIGINT."""


def ignores(line: str) -> str:
    assert WORKER in line
    script = line.replace(WORKER, TELL) + "\nwait"
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def test_background_worker_of_a_script_hears_ctrl_c() -> None:
    (line,) = re.findall(r"^\$ (\(exec env .* &)$", (ROOT / "docs" / "servers.md").read_text(), re.MULTILINE)
    assert ignores(line) == "False"
    assert ignores(f"{WORKER} &") == "True", "as the page says of a plain &"
