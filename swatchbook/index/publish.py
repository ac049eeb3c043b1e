"""Publishing: from the ledger to the index, and never any other way.

Whatever is dirty and due is published, whoever's it is: resume, a second owner with the same picture, a changed
caption, a rebuilt index and a deleted document are all this one move.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable

from ulid import ULID

from swatchbook.errors import Failure, Policy
from swatchbook.index.base import IndexObject, Space
from swatchbook.lab import Lab
from swatchbook.ledger import publishing
from swatchbook.ledger.publishing import Dirty
from swatchbook.records import Record, Want

log = logging.getLogger(__name__)

ROWS = 200
"""Rows published together: large enough for the index's batches, small enough to be done within a lease."""


class Published(Record):
    """What one round came to, in rows."""

    published: int
    removed: int
    refused: int

    @property
    def rows(self) -> int:
        return self.published + self.removed + self.refused


def publish_round(lab: Lab) -> Published:
    """Publish up to `ROWS` dirty rows. Zero rows means that nothing is due.

    Raises IndexDown, Authentication, Configuration, DiskFull, LedgerDown; the rows stay dirty.
    """
    name = f"publish:{ULID()}"
    rows = publishing.lease_dirty(lab.ledger, name, limit=ROWS)
    if not rows:
        return Published(published=0, removed=0, refused=0)
    refused: dict[str, Failure] = {}
    shown = [row for row in rows if not row.gone]
    gone = [row for row in rows if row.gone]
    try:
        spaces = {Want(role=s.role, tag=s.tag): s for s, _ in publishing.spaces(lab.ledger)}
        objects = defaultdict[Space, list[IndexObject]](list)
        for publication in publishing.publications(lab.ledger, shown):
            for want, vector in publication.vectors.items():
                space = spaces.get(want) or _open_space(lab, want, len(vector), spaces)
                objects[space].append(IndexObject(publication.row.id, vector, publication.payload))
        for space, batch in objects.items():
            refused.update(lab.index.upsert(space, batch))
        if gone:
            for space in spaces.values():
                lab.index.delete(space, [row.id for row in gone])
    except Failure:
        publishing.settle(lab.ledger, name, published=[], refused={}, removed=[])  # frees the leases at once
        raise
    published = [row for row in shown if row.id not in refused]
    publishing.settle(lab.ledger, name, published=published, refused=refused, removed=gone)
    return Published(published=len(published), removed=len(gone), refused=len(refused))


def _open_space(lab: Lab, want: Want, dimension: int, spaces: dict[Want, Space]) -> Space:
    """A role's first space is active at once; the ledger decides, the index's public name follows."""
    space = Space(role=want.role, tag=want.tag, dimension=dimension)
    lab.index.ensure(space)
    if publishing.add_space(lab.ledger, space):
        lab.index.activate(space)
    spaces[want] = space
    return space


def publish_all(lab: Lab, *, at_most: float, alive: Callable[[], None] = lambda: None) -> Published:
    """Publish until nothing is due, sitting out an index outage of `at_most` seconds with growing pauses.

    `alive` is called between rounds and raises RunRevoked to stop. Raises the outage when it lasts longer.
    """
    total = Published(published=0, removed=0, refused=0)
    pause, waited = 1.0, 0.0
    while True:
        alive()
        try:
            done = publish_round(lab)
        except Failure as failure:
            if failure.policy is not Policy.OUTAGE or waited >= at_most:
                raise
            log.warning("publishing waits: %s (%.0f s so far)", failure, waited)
            time.sleep(pause)
            waited += pause
            pause = min(pause * 2, 30.0, max(1.0, at_most - waited))
            continue
        pause, waited = 1.0, 0.0
        total = Published(
            published=total.published + done.published,
            removed=total.removed + done.removed,
            refused=total.refused + done.refused,
        )
        if not done.rows:
            return total


__all__ = ["ROWS", "Dirty", "Published", "publish_all", "publish_round"]
