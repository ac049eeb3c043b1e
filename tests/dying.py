"""Commands that are killed (SIGKILL, with their whole group) at a step of their work: a SQL statement, a commit, or a
change of a name in a folder. So the moment is one of the work, however busy the machine is.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

from sqlalchemy import event, update
from sqlalchemy.engine import Engine

from swatchbook.resources import Resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.tables import chunks, images
from tests.command import finish
from tests.new_collection import environment_of

_CHANGES = frozenset({"os.mkdir", "os.rename", "os.remove", "os.rmdir"})


def kills(words: Sequence[str], resources: Resources, folder: Path, stride: int, **environment: str) -> Iterator[int]:
    """Run a command at a collection in `folder` again and again until it ends, and kill it each time `stride` steps
    later; yield the step after each kill.
    """
    given = {**os.environ, **environment_of(resources), **environment}
    for step in count(3, stride):
        done = finish(words, given, folder, begin=partial(die_at, step, folder))
        if done.returncode != -signal.SIGKILL:
            assert done.returncode == 0, done.stdout + done.stderr
            return
        end_leases(resources.ledger)
        yield step


def die_at(step: int, folder: Path) -> None:
    """Let this process die before this step, from 1; in `folder` changes of names are steps."""
    steps = count(1)  # of all threads

    def take() -> None:
        if next(steps) == step:
            os.killpg(0, signal.SIGKILL)

    def audit(name: str, arguments: tuple[object, ...]) -> None:
        if name in _CHANGES and str(arguments[0]).startswith(str(folder)):
            take()

    sys.addaudithook(audit)
    event.listen(Engine, "before_cursor_execute", lambda *_: take())
    event.listen(Engine, "commit", lambda _: take())


def end_leases(ledger: Ledger) -> None:
    """Let a minute pass for those that held rows to publish them, and died."""
    with ledger.write() as connection:
        for table in (images, chunks):
            connection.execute(update(table).where(table.c.publish_lease.is_not(None)).values(publish_until=0))
