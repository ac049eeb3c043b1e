"""The stack, started once for all tests of this folder; each finds it whole, and must leave it so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger_audit import count_writes
from tests.servers.stack import Stack, running_stack


@pytest.fixture(scope="package")  # not for the session: its rounds go on as long as it stands
def whole_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as stack:
        count_writes(stack.resources.ledger)
        yield stack


@pytest.fixture
def stack(whole_stack: Stack) -> Iterator[Stack]:
    yield whole_stack
    whole_stack.trouble()


@pytest.fixture
def inbox(stack: Stack) -> Path:
    return stack.folder / "inbox"
