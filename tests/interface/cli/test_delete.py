"""`swatchbook delete` asks before it deletes, and never deletes where nobody can answer."""

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.ledger.database import Ledger, open_ledger
from swatchbook.ledger.runs import end
from swatchbook.ledger.tables import documents
from swatchbook.records import DocumentStatus
from swatchbook.settings import Settings
from tests.command import SWATCHBOOK
from tests.interface.cli.test_main import bare_environment
from tests.ledger.scene import begun, count, keys

CATALOGUE = ("delete", "catalogue.pdf", "--owner", "anna")


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    """Two documents: `catalogue.pdf` shows three images, `supplement.pdf` one of them."""
    opened = open_ledger(Settings(home=home).ledger)
    for run in (begun(opened, pictures=keys(3)), begun(opened, content="supplement", pictures=keys(1))):
        end(opened, run, DocumentStatus.COMPLETED)
    yield opened
    opened.close()


def run(home: Path, *words: str, answer: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command; with an `answer`, stdin is a terminal on which that is typed."""
    command, environment = [SWATCHBOOK, *words], bare_environment() | {"SWATCHBOOK_HOME": str(home)}
    if answer is None:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
    person, terminal = pty.openpty()
    try:
        os.write(person, f"{answer}\n".encode())
        return subprocess.run(command, env=environment, stdin=terminal, capture_output=True, text=True, timeout=60)
    finally:
        os.close(person)
        os.close(terminal)


def test_a_person_is_told_what_goes_and_asked(ledger: Ledger, home: Path) -> None:
    refused = run(home, *CATALOGUE, answer="n")
    assert "1 document, 2 images and 0 vectors" in refused.stderr  # the third is also in the supplement
    assert "Nothing was deleted." in refused.stderr
    assert (refused.returncode, count(ledger, documents)) == (1, 2)
    meant = run(home, *CATALOGUE, answer="y")
    assert (meant.returncode, count(ledger, documents)) == (0, 1)
    assert "2 images" in meant.stderr


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_without_a_terminal_it_refuses_and_names_the_option(ledger: Ledger, home: Path, words: tuple[str, ...]) -> None:
    done = run(home, *CATALOGUE, *words)
    assert (done.returncode, done.stdout, count(ledger, documents)) == (2, "", 2)
    assert "--yes" in done.stderr
    assert "2 images" in done.stderr


def test_with_yes_nobody_is_asked(ledger: Ledger, home: Path) -> None:
    assert run(home, *CATALOGUE, "--yes").returncode == 0
    assert count(ledger, documents) == 1


def test_as_json_it_tells_what_went(ledger: Ledger, home: Path) -> None:
    done = run(home, *CATALOGUE, "--yes", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert told.pop("document_id")
    assert told == {
        "name": "catalogue.pdf", "owner": "anna", "finished": True, "documents": 1, "images": 2, "vectors": 0,
    }  # fmt: skip
