"""The table of durations, from a report that pytest itself has written."""

import subprocess
import sys
from pathlib import Path

import pytest

from devtools.durations import folders, main


def report(folder: Path) -> Path:
    """Of three tests in two folders."""
    for name, tests in (("tests/quick", 2), ("tests/slow", 1)):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
        pause = 0.2 if name == "tests/slow" else 0
        cases = "".join(f"    def test_{n}(self): time.sleep({pause})\n" for n in range(tests))
        (folder / name / "test_it.py").write_text(f"import time\n\nclass TestIt:\n{cases}")
    (folder / "tests" / "__init__.py").touch()
    written = folder / "test-stack.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        "/dev/null",
        "--rootdir",
        ".",
        f"--junitxml={written}",
        "tests",
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return written


def test_each_folder_has_its_tests_and_seconds_the_longest_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = report(tmp_path)
    slow, quick = folders(written)
    assert (slow.name, slow.tests, slow.command) == ("tests/slow", 1, "make test-stack")
    assert slow.seconds >= 0.2
    assert (quick.name, quick.tests) == ("tests/quick", 2)
    assert main([str(written)]) == 0
    assert "| `tests/quick` | 2 | 0 | `make test-stack` |" in capsys.readouterr().out


def test_a_report_that_is_not_there_says_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "test.xml")]) == 1
    assert "run `make test`" in capsys.readouterr().err
