"""A migrated ledger to copy: migrating takes longer than most of these tests."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.ledger.database import open_ledger


@pytest.fixture(scope="module")
def migrated() -> Iterator[Path]:
    """A folder in memory with `template.sqlite`."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        open_ledger(f"sqlite:///{folder}/template.sqlite").close()
        yield Path(folder)
