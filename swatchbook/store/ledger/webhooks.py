"""Record the notices that SWATCHBOOK_NOTICE_URL is owed, and recognise repeated webhooks that were received.

A notice is recorded in the transaction that sets a status (completed, failed, blocked), but not for the same outcome
again until a person asks for the document. It is tried 30 times within five days (pauses of 1 min, doubling, at most
6 h), named as undelivered after five failed tries, and kept for seven days. `ingest/notify.py` sends it. Each is
delivered at least once: a claim moves its next try into the future before it is sent, so that a sender that is killed
leaves it owed.

A delivery id seen in the last seven days starts nothing and gets the same document; `webhooks.py` of the package
`service` receives and checks webhooks.
"""

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update
from ulid import ULID

from swatchbook.domain.backoff import pause_after
from swatchbook.domain.records import DocumentStatus, Record, sha256
from swatchbook.store.ledger.database import Ledger, db_now, upsert
from swatchbook.store.ledger.tables import documents, inbox, notices

TOLD = frozenset({DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.BLOCKED})
"""The statuses of which notices are sent."""

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 21_600.0
"""Seconds between two tries of a notice: they double from the first to the longest."""

TRIES = 30
"""Tries of a notice before it is given up: five days."""

NAMED_TRIES = 5
"""Tries in vain after which a notice is named as undelivered: about 15 minutes."""

NOTICES_KEPT_SECONDS = 7 * 86_400.0
"""How long notices are kept, sent or not."""


class Notice(Record):
    """A notice that is to be sent: the document as it was when its status changed, at `at` (Unix seconds)."""

    id: str
    document: str
    status: DocumentStatus
    failure_kind: str | None
    message: str | None
    at: float


class Undelivered(Record):
    """Notices with at least five failed tries, and how many of them are given up. `problem` is that of the last try."""

    count: int
    given_up: int
    problem: str

    @property
    def line(self) -> str:
        """Return it as a sentence for people."""
        left = f" ({self.given_up} given up)" if self.given_up else ""
        return f"Notices not delivered: {self.count}{left}. {self.problem} Check SWATCHBOOK_NOTICE_URL."


def owe_notice(connection: Connection, document: str) -> None:
    """Owe a notice of a document's new status, in the transaction that has set it, unless it is no news."""
    of = (documents.c.generation, documents.c.status, documents.c.failure_kind, documents.c.message)
    outcome = connection.execute(select(*of).where(documents.c.id == document)).mappings().one()
    if outcome["status"] not in TOLD:
        return
    last = (
        select(notices.c.generation, notices.c.status, notices.c.failure_kind, notices.c.message)
        .join(documents, documents.c.id == notices.c.document)
        .where(notices.c.document == document, notices.c.at >= func.coalesce(documents.c.commanded_at, 0.0))
        .order_by(notices.c.at.desc(), notices.c.id.desc())
        .limit(1)
    )
    if connection.execute(last).mappings().one_or_none() == outcome:
        return
    new = {"id": str(ULID()), "document": document, "state": "owed", "at": db_now(), "next_try_at": db_now()}
    connection.execute(insert(notices).values(**new, **outcome))


def claim_notice(ledger: Ledger) -> Notice | None:
    """Return the oldest notice that is due, to be sent now; None if none is.

    Its next try is set as if this one failed, so no other process sends it meanwhile, and a kill loses nothing.
    """
    due = (notices.c.state == "owed") & (notices.c.next_try_at <= db_now())
    query = select(notices).where(due).order_by(notices.c.at, notices.c.id).limit(1)
    if ledger.execute(query).first() is None:
        return None
    with ledger.write() as connection:
        row = connection.execute(query).mappings().one_or_none()
        if row is None:  # another process was first
            return None
        tries = row["tries"] + 1
        pause = pause_after(tries, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        connection.execute(
            update(notices).where(notices.c.id == row["id"]).values(tries=tries, next_try_at=db_now() + pause)
        )
        return Notice.model_validate({name: row[name] for name in Notice.model_fields})


def record_sent(ledger: Ledger, notice: str) -> None:
    """Record that a notice was delivered."""
    with ledger.write() as connection:
        connection.execute(update(notices).where(notices.c.id == notice).values(state="sent", problem=None))


def record_failed(ledger: Ledger, notice: str, problem: str) -> None:
    """Record why a notice was not delivered; after its last try it is given up."""
    with ledger.write() as connection:
        this = notices.c.id == notice
        connection.execute(update(notices).where(this, notices.c.state == "owed").values(problem=problem))
        connection.execute(update(notices).where(this, notices.c.tries >= TRIES).values(state="given up"))


def undelivered(ledger: Ledger) -> Undelivered | None:
    """Return what could not be delivered; None if nothing is to be named."""
    named = (notices.c.state != "sent") & (notices.c.tries >= NAMED_TRIES) & notices.c.problem.is_not(None)
    by_state = select(notices.c.state, func.count()).where(named).group_by(notices.c.state)
    latest = select(notices.c.problem).where(named).order_by(notices.c.at.desc()).limit(1)
    with ledger.read() as connection:
        counts = dict(connection.execute(by_state).tuples().all())
        problem = connection.execute(latest).scalar_one_or_none()
    if problem is None:
        return None
    return Undelivered(count=sum(counts.values()), given_up=counts.get("given up", 0), problem=problem)


# --- deliveries received ----------------------------------------------------------------------------------------------


DELIVERIES_KEPT_SECONDS = 7 * 86_400
"""How long deliveries are remembered: senders retry for days."""


def find_delivery(ledger: Ledger, source: str, delivery: str) -> str | None:
    """Return the document that a delivery of the last seven days led to; None for an unknown delivery."""
    known = _is_known(source, delivery)
    return ledger.execute(select(inbox.c.document).where(known, ~_is_old)).scalar_one_or_none()


def record_delivery(ledger: Ledger, source: str, delivery: str, document: str) -> str:
    """Record the document that a delivery led to, and return it; of a repeated delivery the first one counts."""
    known = _is_known(source, delivery)
    row = {"id": id_of_delivery(source, delivery), "source": source, "event": delivery, "document": document}
    with ledger.write() as connection:
        connection.execute(delete(inbox).where(known, _is_old))
        new = upsert(connection, inbox).values(**row, state="delivered", at=db_now(), changed_at=db_now())
        connection.execute(new.on_conflict_do_nothing())
        return str(connection.execute(select(inbox.c.document).where(known)).scalar_one())


def id_of_delivery(source: str, delivery: str) -> str:
    """Return the id under which a delivery is known."""
    return sha256(f"{source}\0{delivery}".encode())[:26]


def _is_known(source: str, delivery: str) -> ColumnElement[bool]:
    return and_(inbox.c.id == id_of_delivery(source, delivery), inbox.c.state == "delivered")


_is_old = inbox.c.at <= db_now() - DELIVERIES_KEPT_SECONDS
