"""Record the events of object stores, each once, and what became of it.

An event is *waiting* until its object is registered as a document (*done*), or cannot be (*dead*, with the reason), or
is *ignored*, with the reason: the object is not to be ingested, or a later event of the same object arrived. Waiting
events are worked on in the order in which they arrived. A claim moves the next try into the future before the work
begins, so that a process that is killed leaves the event waiting. After TRIES tries in vain it is dead until a person
has it tried again. Ended events are kept for 30 days: stores tell again for up to 14.
"""

import hashlib
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, func, literal, null, select, tuple_, update

from swatchbook.domain.backoff import pause_after
from swatchbook.domain.errors import Failure, InvalidReference, Policy
from swatchbook.domain.records import EventState, ObjectEvent
from swatchbook.store.ledger.database import Ledger, db_now, upsert
from swatchbook.store.ledger.object_events import owned_by
from swatchbook.store.ledger.tables import inbox
from swatchbook_buckets.messages import BucketEvent

STATES: Sequence[EventState] = ("waiting", "done", "ignored", "dead")
UNFINISHED: Sequence[EventState] = ("waiting", "dead")

TRIES = 10
"""Tries of an event before it is dead: eight and a half hours."""

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 21_600.0
"""Seconds between two tries: they double from the first to the longest."""

CLAIM_SECONDS = 600.0
"""How long no other process takes an event that one works on."""

_STEP = 1e-6
"""Seconds between the times of two events that arrived together: waiting events are in the order of their times."""

_NOT_READ = "The process ended while it worked on this object."
_LATER = "A later event of the same object arrived."


class NewEvent(BucketEvent):
    """An event to record. `source`: URL of the source that has the object; `reason`: why it is ignored, if it is."""

    owner: str | None
    source: str | None
    reason: str | None = None


def record_events(ledger: Ledger, events: Sequence[NewEvent]) -> int:
    """Record events in the order in which they arrived, those that are known already not again; return how many."""
    added = 0
    with ledger.write() as connection:
        before = select(func.max(inbox.c.at)).where(inbox.c.state == "waiting").scalar_subquery()
        now, latest = connection.execute(select(db_now(), before)).one()
        first = now if latest is None else max(now, latest + _STEP)  # a clock may show the same time twice
        for number, event in enumerate(events):
            row = {
                **event.model_dump(exclude={"is_new", "reason"}), "id": id_of_event(event), "object": _object(event),
                "message": event.reason, "at": first + number * _STEP, "changed_at": now,
                "state": "ignored" if event.reason else "waiting", "next_try_at": null() if event.reason else now,
            }  # fmt: skip
            new = upsert(connection, inbox).values(**row).on_conflict_do_nothing()
            added += connection.execute(new.returning(inbox.c.id)).first() is not None
    return added


def id_of_event(event: NewEvent) -> str:
    """Return the id of an event, which is the same whenever it arrives."""
    return _hash(_object(event), event.version, event.order_key, event.event)[:26]


def claim_events(ledger: Ledger, limit: int) -> list[ObjectEvent]:
    """Return the oldest events that are due, to be worked on now. Those with a later event are ignored from now on."""
    due = (inbox.c.state == "waiting") & (inbox.c.next_try_at <= db_now())
    query = select(inbox.c.id).where(due).limit(1)
    if ledger.execute(query).first() is None:
        return []
    with ledger.write() as connection:
        # A process that claimed these for the last time did not say how it ended.
        connection.execute(
            update(inbox)
            .where(due, inbox.c.tries >= TRIES)
            .values(
                state="dead", next_try_at=null(), changed_at=db_now(), failure_kind="crashed_worker", message=_NOT_READ
            )
        )
        rows = connection.execute(select(inbox).where(due).order_by(inbox.c.at).limit(limit)).mappings()
        claimed = list[ObjectEvent]()
        for row in rows.all():
            this = update(inbox).where(inbox.c.id == row["id"])
            if _has_later(connection, row["object"], row["order_key"]):
                _end(connection, row["id"], "ignored", message=_LATER)
                continue
            values = {"tries": row["tries"] + 1, "next_try_at": db_now() + CLAIM_SECONDS}
            connection.execute(this.values(**values))
            claimed.append(_read({**row, "tries": row["tries"] + 1}))
        return claimed


def record_done(ledger: Ledger, events: Collection[str], document: str) -> None:
    """Record that the objects of events are registered as a document."""
    with ledger.write() as connection:
        for each in events:
            _end(connection, each, "done", document=document)


def record_failed(ledger: Ledger, event: ObjectEvent, failure: Failure) -> None:
    """Record why a try failed. It is the last one if the input is at fault, or after TRIES tries."""
    is_last = failure.policy == Policy.NEVER or event.tries >= TRIES
    pause = pause_after(event.tries, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
    with ledger.write() as connection:
        connection.execute(
            update(inbox)
            .where(inbox.c.id == event.id, inbox.c.state == "waiting")
            .values(
                state="dead" if is_last else "waiting", failure_kind=failure.kind, message=str(failure),
                next_try_at=null() if is_last else db_now() + pause, changed_at=db_now(),
            )
        )  # fmt: skip


def release_events(ledger: Ledger, events: Collection[ObjectEvent], *, seconds: float, message: str) -> None:
    """Let events that were claimed be due again after so many seconds, without a try. `message`: what they wait for."""
    with ledger.write() as connection:
        for event in events:
            connection.execute(
                update(inbox)
                .where(inbox.c.id == event.id, inbox.c.state == "waiting")
                .values(tries=event.tries - 1, next_try_at=db_now() + seconds, message=message)
            )


def list_events(
    ledger: Ledger,
    owner: str | None,
    *,
    states: Collection[EventState] = UNFINISHED,
    after: tuple[float, str] | None = None,
    limit: int = 100,
) -> list[ObjectEvent]:
    """Return the events of an owner, or with None all, also those without an owner; the latest first.

    `after`: (at, id) of the last one of the previous page.
    """
    position = (inbox.c.at, inbox.c.id)
    query = select(inbox).where(inbox.c.state.in_(states), *owned_by(owner))
    if after is not None:
        query = query.where(tuple_(*position) < tuple_(*map(literal, after)))
    rows = ledger.execute(query.order_by(*(each.desc() for each in position)).limit(limit)).mappings()
    return [_read(row) for row in rows]


def get_event(ledger: Ledger, event: str) -> ObjectEvent | None:
    """Return the event with this id; None for an unknown id."""
    row = ledger.execute(select(inbox).where(inbox.c.id == event)).mappings().one_or_none()
    return None if row is None else _read(row)


def find_event(ledger: Ledger, text: str, owner: str | None) -> ObjectEvent:
    """Return the event with this id, or beginning of an id, of an owner or of all. Raises InvalidReference."""
    named = inbox.c.id.startswith(text, autoescape=True)
    rows = ledger.execute(select(inbox).where(named, *owned_by(owner)).limit(2)).mappings().all()
    if len(rows) != 1:
        what = f"{text!r} may be more than one event." if rows else f"There is no event {text!r}."
        raise InvalidReference(what, advice="`swatchbook upkeep events` lists them.")
    return _read(rows[0])


def try_again(ledger: Ledger, event: ObjectEvent) -> ObjectEvent:
    """Let a waiting or dead event be tried now, as often as a new one. Raises InvalidReference for any other."""
    tried = _try_again(ledger, inbox.c.id == event.id)
    if not tried:
        raise InvalidReference(
            f"The event {event.id[:8]} is {event.state}: there is nothing to try.",
            advice="Only an event that waits or is dead, of an object below a source, can be tried again.",
        )
    return tried[0]


def try_all_again(ledger: Ledger, owner: str | None) -> list[ObjectEvent]:
    """Let all waiting and dead events of an owner, or of all, be tried now; return them, the latest first."""
    return sorted(_try_again(ledger, *owned_by(owner)), key=lambda event: (event.at, event.id), reverse=True)


def _try_again(ledger: Ledger, *which: ColumnElement[bool]) -> list[ObjectEvent]:
    """Let those of these events be tried now that are unfinished, and of objects below a source; return them."""
    with ledger.write() as connection:
        rows = connection.execute(
            update(inbox)
            .where(*which, inbox.c.source.is_not(None), inbox.c.state.in_(UNFINISHED))
            .values(state="waiting", tries=0, next_try_at=db_now(), changed_at=db_now())
            .returning(inbox)
        ).mappings()
        return [_read(row) for row in rows]


def _has_later(connection: Connection, object_key: str, order: str) -> bool:
    """Return whether a later event of an object arrived. Stores count in their own way, so it is compared here."""
    others = select(inbox.c.order_key).where(inbox.c.object == object_key)
    return any(other > order for other in connection.execute(others).scalars())


def _end(
    connection: Connection, event: str, state: EventState, *, document: str | None = None, message: str | None = None
) -> None:
    connection.execute(
        update(inbox)
        .where(inbox.c.id == event, inbox.c.state == "waiting")
        .values(
            state=state, document=document, message=message, failure_kind=null(), next_try_at=null(),
            changed_at=db_now(),
        )
    )  # fmt: skip


def _read(row: object) -> ObjectEvent:
    fields = dict(row)  # type: ignore[call-overload]
    return ObjectEvent.model_validate({name: fields[name] for name in ObjectEvent.model_fields})


def _object(event: NewEvent) -> str:
    return _hash(event.owner or "", event.url)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()
