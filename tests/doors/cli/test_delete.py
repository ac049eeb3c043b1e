"""`swatchbook delete` asks before it deletes, and never deletes where nobody can answer."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from swatchbook.domain.records import DocumentStatus
from swatchbook.domain.settings import Settings
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.runs import end
from swatchbook.store.ledger.tables import documents, trash
from tests.command import bare_environment, finish
from tests.store.ledger.scene import begun, count, keys

CATALOGUE = ("delete", "catalogue.pdf", "--owner", "anna")


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    """Two documents: `catalogue.pdf` shows three images, `supplement.pdf` one of them."""
    opened = open_ledger(Settings(home=home).ledger)
    for run in (begun(opened, pictures=keys(3)), begun(opened, content="supplement", pictures=keys(1))):
        end(opened, run, DocumentStatus.COMPLETED)
    yield opened
    opened.close()


def read_from(terminal: str) -> None:
    os.dup2(os.open(terminal, os.O_RDWR), 0)
    sys.stdin = os.fdopen(0, closefd=False)


def run(home: Path, *words: str, answer: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command; with an `answer`, stdin is a terminal on which that is typed."""
    environment = bare_environment() | {"SWATCHBOOK_HOME": str(home)}
    if answer is None:
        return finish(words, environment)
    person, terminal = pty.openpty()
    try:
        os.write(person, f"{answer}\n".encode())
        return finish(words, environment, seconds=60, begin=partial(read_from, os.ttyname(terminal)))
    finally:
        os.close(person)
        os.close(terminal)


def test_a_person_is_told_what_goes_and_asked(ledger: Ledger, home: Path) -> None:
    refused = run(home, *CATALOGUE, answer="n")
    assert "1 document and 2 images" in refused.stderr  # the third is also in the supplement
    assert "Nothing was deleted." in refused.stderr
    assert (refused.returncode, count(ledger, documents)) == (1, 2)
    meant = run(home, *CATALOGUE, answer="y")
    assert (meant.returncode, count(ledger, documents)) == (0, 1)
    assert "swatchbook trash restore" in meant.stderr


def test_delete_without_terminal_refuses_and_names_the_option(ledger: Ledger, home: Path) -> None:
    done = run(home, *CATALOGUE, "--json")
    assert (done.returncode, done.stdout, count(ledger, documents)) == (2, "", 2)
    assert "--yes" in done.stderr
    assert "2 images" in done.stderr


def test_trash_lists_restores_and_ends(ledger: Ledger, home: Path) -> None:
    assert run(home, *CATALOGUE, "--yes").returncode == 0
    (kept,) = json.loads(run(home, "trash", "--owner", "anna", "--json").stdout)
    assert (kept["name"], kept["images"]) == ("catalogue.pdf", 3)
    restored = run(home, "trash", "restore", "catalogue.pdf", "--owner", "anna")
    assert (restored.returncode, restored.stderr) == (0, "catalogue.pdf: restored, waiting.\n")
    assert (count(ledger, documents), count(ledger, trash)) == (2, 0)
    assert run(home, *CATALOGUE, "--yes").returncode == 0
    assert run(home, *CATALOGUE, "--now", "--yes").returncode == 0
    assert "The trash is empty." in run(home, "trash", "--owner", "anna").stderr
    assert run(home, "trash", "restore", "catalogue.pdf", "--owner", "anna").returncode == 2
    assert count(ledger, documents) == 1
