"""Count the events of object stores, and forget them with their owner. swatchbook-buckets records and takes them.

Ended events are kept for 30 days: stores tell again for up to 14.
"""

from sqlalchemy import ColumnElement, Connection, delete, func, select

from swatchbook.domain.records import Record
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.tables import inbox

KEPT_SECONDS = 30 * 86_400.0
"""How long events are kept that are done, ignored or dead."""


class DeadEvents(Record):
    """Dead events, except those whose object had a later event. `url`, `reason`: of the last one."""

    count: int
    url: str
    reason: str

    @property
    def line(self) -> str:
        """Return it as a sentence for people, with what to do."""
        what = "1 object" if self.count == 1 else f"{self.count:,} objects"
        return (
            f"Not ingested, although a bucket announced it: {what}, the last {self.url}. {self.reason} Upload what is "
            "wrong again; for what was put right, run `swatchbook upkeep events retry`. `swatchbook upkeep events` "
            "lists all."
        )


def dead_events(ledger: Ledger, owner: str | None, *, within: float | None = None) -> DeadEvents | None:
    """Return how many events of an owner, or with None of all, are dead, and the last one; None if no event is dead.

    `within`: count only events that became dead in the last `within` seconds.
    """
    later = inbox.alias("later")
    told_again = select(later.c.id).where(later.c.object == inbox.c.object, later.c.at > inbox.c.at)
    wanted = [inbox.c.state == "dead", ~told_again.exists(), *owned_by(owner)]
    if within is not None:
        wanted.append(inbox.c.changed_at >= db_now() - within)
    columns = (inbox.c.url, inbox.c.message, func.count().over())
    query = select(*columns).where(*wanted).order_by(inbox.c.changed_at.desc()).limit(1)
    last = ledger.execute(query).one_or_none()
    if last is None:
        return None
    url, reason, count = last
    return DeadEvents(count=count, url=url, reason=reason or "")


def forget_events(connection: Connection, owner: str) -> None:
    """Delete the events of an owner whose collection is deleted."""
    connection.execute(delete(inbox).where(inbox.c.owner == owner))


def owned_by(owner: str | None) -> list[ColumnElement[bool]]:
    """Return the conditions for the events of an owner, or with None of all; deliveries of webhooks are left out."""
    return [inbox.c.url.is_not(None), *([] if owner is None else [inbox.c.owner == owner])]
