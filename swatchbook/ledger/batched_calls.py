"""Calls that a provider answers in a batch: queued, sent once, taken in, and what waits for them made due again.

A call's row holds its answer, as of any call (`calls.py`); a batch's row says where its calls are:

    open → sending → sent → ended      open: calls may be added; sending: the provider may have it already
    call: queued → batched → answered | failed | unknown

`upkeep/send_batches.py` sends, polls and takes in; `providers/wires/` has the formats.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    tuple_,
    update,
)
from ulid import ULID

from swatchbook.errors import InBatch
from swatchbook.ledger.calls import BATCH_SECONDS, Answer, CallContext, CallRequest, new_row, require_budget
from swatchbook.ledger.database import Ledger, db_now, portions, select_in
from swatchbook.ledger.requested import requested_items
from swatchbook.ledger.runs import require_live
from swatchbook.ledger.tables import calls, documents, items, provider_batches
from swatchbook.records import DocumentStatus, ItemState, Record

FULL_SECONDS = 600.0
"""A batch is sent this many seconds after its first call, though calls are still being added."""

_HELD_SECONDS = 1_200.0
"""How long a process may hold a batch: longer than it takes to send the largest one, or to take it in."""

_IN_FLIGHT_SECONDS = 60.0  # until a call is queued again that the budget may allow

_TAKEN_TOGETHER = 200

_HERE = ("answered", "queued", "batched", "reserved")
"""States of a call that is not sent a second time now. One that its dead run reserved is sent by itself."""

_ENDED_SECONDS = 3_600.0
"""What waits for a batch is looked for this long after its end: a run that asked before may record it only then."""

State = Literal["open", "sending", "sent", "ended"]


class ProviderBatch(Record):
    """A batch. `api`: whose format; `remote`: the provider's id; times are Unix seconds, sizes bytes."""

    id: str
    url: str
    api: str
    model: str
    state: State
    remote: str | None
    calls: int
    bytes: int
    created_at: float
    sending_at: float | None
    expires_at: float | None
    look_at: float | None
    ended_at: float | None
    message: str | None


class Queued(Record):
    """A call to queue. `body`: key of the request in the file store; `size`: its bytes; `most_*`: of its batch."""

    ask: CallRequest
    provider: str
    url: str
    api: str
    body: str
    size: int
    most_calls: int
    most_bytes: int


# --- queue ------------------------------------------------------------------------------------------------------------


def is_to_queue(ledger: Ledger, request: str) -> bool:
    """Return whether a call may be queued: not if it is answered or under way.

    Nor if a batch brought no usable answer to it: it is then sent by itself.
    """
    failed = calls.c.state.in_(("failed", "unknown")) & calls.c.batch.is_not(None)
    known = select(calls.c.request).where(calls.c.request == request, or_(calls.c.state.in_(_HERE), failed))
    with ledger.read() as connection:
        return connection.execute(known.limit(1)).first() is None


def queue(context: CallContext, queued: Queued) -> None:
    """Add a call to an open batch of its provider and model; nothing is added if it is under way already.

    Raises RunRevoked, BudgetExceeded, InBatch (the budget is taken up by batches) and Configuration.
    """
    with context.ledger.write() as connection:
        require_live(connection, context.run)
        attempts = connection.execute(
            select(calls.c.attempt, calls.c.state).where(calls.c.request == queued.ask.request)
        ).all()
        if any(row.state in _HERE for row in attempts):
            return
        if not require_budget(connection, context.run, [queued.ask]):
            raise InBatch("It waits until it is known what calls in flight cost.", seconds=_IN_FLIGHT_SECONDS)
        batch = _open_batch(connection, queued)
        row = new_row(context, queued.provider, queued.ask, 1 + max((row.attempt for row in attempts), default=0))
        connection.execute(insert(calls).values({**row, "state": "queued", "batch": batch, "body": queued.body}))


def _open_batch(connection: Connection, queued: Queued) -> str:
    """Count a call in an open batch that has room for it, else in a new one; return its id."""
    same = (
        provider_batches.c.url == queued.url,
        provider_batches.c.api == queued.api,
        provider_batches.c.model == queued.ask.model,
    )
    has_room = and_(
        provider_batches.c.calls < queued.most_calls, provider_batches.c.bytes + queued.size <= queued.most_bytes
    )
    batch = connection.execute(
        select(provider_batches.c.id)
        .where(provider_batches.c.state == "open", *same, has_room)
        .order_by(provider_batches.c.id)
        .limit(1)
    ).scalar()
    if batch is not None:
        grown = update(provider_batches).where(provider_batches.c.id == batch)
        more = {"calls": provider_batches.c.calls + 1, "bytes": provider_batches.c.bytes + queued.size}
        connection.execute(grown.values(**more, filled_at=db_now()))
        return str(batch)
    batch = str(ULID())
    connection.execute(
        insert(provider_batches).values(
            id=batch, url=queued.url, api=queued.api, model=queued.ask.model, state="open", calls=1,
            bytes=queued.size, created_at=db_now(), filled_at=db_now(),
        )
    )  # fmt: skip
    return batch


def waiting_calls(ledger: Ledger, document: str, stage: str) -> int:
    """Return how many calls of a document's stage are queued or in a batch."""
    here = (calls.c.document == document, calls.c.stage == stage, calls.c.state.in_(("queued", "batched")))
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(calls).where(*here)).scalar_one()


def waits_until(ledger: Ledger, document: str) -> float | None:
    """Return until when, at the latest, answers to a document's calls are in batches; None if there are none."""
    until = func.max(func.coalesce(provider_batches.c.expires_at, provider_batches.c.created_at + BATCH_SECONDS))
    query = select(until).join_from(calls, provider_batches, provider_batches.c.id == calls.c.batch)
    with ledger.read() as connection:
        here = (calls.c.document == document, calls.c.state.in_(("queued", "batched")))
        return connection.execute(query.where(*here)).scalar()


# --- send -------------------------------------------------------------------------------------------------------------


def due_batches(ledger: Ledger, *, settle_seconds: float, at_once: bool) -> list[str]:
    """Return the batches to send or look at now, oldest first, that no process holds.

    An open one is sent when no call was added for `settle_seconds`, or after FULL_SECONDS. `at_once`: also those that
    are to be looked at later.
    """
    settled = or_(
        provider_batches.c.filled_at <= db_now() - settle_seconds,
        provider_batches.c.created_at <= db_now() - FULL_SECONDS,
    )
    of_state = or_(provider_batches.c.state.in_(("sending", "sent")), and_(provider_batches.c.state == "open", settled))
    due = or_(provider_batches.c.look_at.is_(None), provider_batches.c.look_at <= db_now())
    query = select(provider_batches.c.id).where(of_state, _is_free(), *([] if at_once else [due]))
    with ledger.read() as connection:
        return list(connection.execute(query.order_by(provider_batches.c.id)).scalars())


def _is_free() -> ColumnElement[bool]:
    return or_(provider_batches.c.held_until.is_(None), provider_batches.c.held_until <= db_now())


def hold(ledger: Ledger, batch: str) -> ProviderBatch | None:
    """Hold a batch, so that no other process sends it or takes it in; return it, None where another one was first."""
    held = update(provider_batches).where(provider_batches.c.id == batch, provider_batches.c.state != "ended")
    with ledger.write() as connection:
        row = connection.execute(
            held.where(_is_free()).values(held_until=db_now() + _HELD_SECONDS).returning(provider_batches)
        ).mappings()
        found = row.one_or_none()
        return None if found is None else _read(found)


def _read(row: RowMapping) -> ProviderBatch:
    return ProviderBatch.model_validate({name: row[name] for name in ProviderBatch.model_fields})


def start_sending(ledger: Ledger, batch: str) -> None:
    """Record that the provider may have the batch from now on: no call is added or taken out any more."""
    with ledger.write() as connection:
        this = update(provider_batches).where(provider_batches.c.id == batch)
        connection.execute(this.values(state="sending", sending_at=db_now()))
        queued = update(calls).where(calls.c.batch == batch, calls.c.state == "queued")
        connection.execute(queued.values(state="batched", at=db_now()))


def requests_of(ledger: Ledger, batch: str) -> dict[str, str | None]:
    """Return request -> key of its body in the file store, of the calls that the batch has yet to answer."""
    query = select(calls.c.request, calls.c.body).where(calls.c.batch == batch, calls.c.state == "batched")
    with ledger.read() as connection:
        return {row.request: row.body for row in connection.execute(query.order_by(calls.c.request))}


def record_sent(ledger: Ledger, batch: str, remote: str, *, expires_at: float | None) -> None:
    """Record the provider's id of a batch that it has accepted."""
    with ledger.write() as connection:
        this = update(provider_batches).where(provider_batches.c.id == batch)
        connection.execute(this.values(state="sent", remote=remote, expires_at=expires_at, message=null()))


def drop_bodies(ledger: Ledger, batch: str) -> None:
    """Forget the requests of a batch that need not be sent again; garbage collection deletes their files."""
    with ledger.write() as connection:
        connection.execute(update(calls).where(calls.c.batch == batch).values(body=null()))


def look_later(ledger: Ledger, batch: str, seconds: float, *, message: str | None = None, again: bool = False) -> None:
    """Let go of a batch, which is looked at again in so many seconds. `again`: it is to be sent again by then."""
    values: dict[str, Any] = {"held_until": null(), "look_at": db_now() + seconds, "message": message}
    if again:
        values |= {"state": "sending", "remote": null(), "expires_at": null()}
    with ledger.write() as connection:
        connection.execute(update(provider_batches).where(provider_batches.c.id == batch).values(values))


# --- take in ----------------------------------------------------------------------------------------------------------


def take_in(ledger: Ledger, batch: str, answers: Iterable[tuple[str, Answer | None]]) -> int:
    """Store the answers of a batch, by request; None: there is none, and nothing is charged. Return how many were new.

    Requests that the batch does not have are left out, and those that it has answered before.
    """
    taken = 0
    this = (calls.c.batch == batch, calls.c.state == "batched")
    for portion in portions(answers, _TAKEN_TOGETHER):
        with ledger.write() as connection:
            for request, answer in portion:
                values = (
                    {"state": "failed", "cost_usd": 0.0}
                    if answer is None
                    else {
                        "state": "failed" if answer.answer is None else "answered", "answer": answer.answer,
                        "tokens_in": answer.tokens_in, "tokens_out": answer.tokens_out, "cost_usd": answer.cost_usd,
                    }
                )  # fmt: skip
                stored = update(calls).where(calls.c.request == request, *this).values(at=db_now(), **values)
                taken += connection.execute(stored).rowcount
    return taken


def end(ledger: Ledger, batch: str, *, message: str, left: Literal["again", "lost", "gone", "failed"]) -> int:
    """End a batch, and make due what waited for it. Return for how many of its calls it brought nothing.

    `left`: what these are: to be asked `again` (nothing was charged), `failed` (refused, and not charged), `lost` (they
    may have been charged; each is sent by itself), or `gone` (so are all; they go into the next batch).
    """
    unanswered = (calls.c.batch == batch, calls.c.state.in_(("queued", "batched")))
    lost = {"state": "unknown", **({"batch": null()} if left == "gone" else {})}
    with ledger.write() as connection:
        waiting = connection.execute(select(calls.c.document).where(calls.c.batch == batch).distinct()).scalars().all()
        connection.execute(update(calls).where(calls.c.batch == batch).values(body=null()))
        if left == "again":
            count = connection.execute(delete(calls).where(*unanswered)).rowcount
        else:
            values = {"state": "failed", "cost_usd": 0.0} if left == "failed" else lost
            count = connection.execute(update(calls).where(*unanswered).values(at=db_now(), **values)).rowcount
        said = f"{message} Calls without an answer: {count}.".strip() if count else message
        this = update(provider_batches).where(provider_batches.c.id == batch)
        ended = {"state": "ended", "ended_at": db_now(), "held_until": null(), "message": said or None}
        connection.execute(this.values(ended))
        for document in waiting:
            _make_due(connection, document)
    return count


def release_late(ledger: Ledger) -> None:
    """Make due what waits for batches that have just ended: it may have been recorded after their end."""
    just = and_(provider_batches.c.state == "ended", provider_batches.c.ended_at > db_now() - _ENDED_SECONDS)
    with ledger.read() as connection:
        query = select(calls.c.document).join(provider_batches, provider_batches.c.id == calls.c.batch).where(just)
        waiting = connection.execute(query.distinct()).scalars().all()
        late = [document for document in waiting if _pausing(connection, document)]
    if late:
        with ledger.write() as connection:
            for document in late:
                _make_due(connection, document)


def _pausing(connection: Connection, document: str) -> list[tuple[str, str, str]]:
    """Return the items of a document that wait for a batch."""
    rows = requested_items(document)
    query = (
        select(items.c.key, items.c.role, items.c.tag)
        .join(rows, and_(rows.c.key == items.c.key, rows.c.role == items.c.role, rows.c.tag == items.c.tag))
        .where(items.c.state == ItemState.PENDING, items.c.next_retry_at > db_now())
        .where(items.c.failure["kind"].as_string() == InBatch.kind)
        .distinct()
    )
    return [(row.key, row.role, row.tag) for row in connection.execute(query)]


def _make_due(connection: Connection, document: str) -> None:
    for some in portions(_pausing(connection, document), 300):
        this = tuple_(items.c.key, items.c.role, items.c.tag).in_(some)
        connection.execute(update(items).where(this).values(next_retry_at=null()))
    waits = (documents.c.id == document, documents.c.run.is_(None), documents.c.status == DocumentStatus.WAITING)
    connection.execute(update(documents).where(*waits, documents.c.due_at > db_now()).values(due_at=db_now()))


# --- look -------------------------------------------------------------------------------------------------------------


def list_batches(ledger: Ledger, limit: int = 100) -> list[ProviderBatch]:
    """Return the last batches, newest first."""
    query = select(provider_batches).order_by(provider_batches.c.id.desc()).limit(limit)
    with ledger.read() as connection:
        return [_read(row) for row in connection.execute(query).mappings()]


def known_remotes(ledger: Ledger, remotes: Collection[str]) -> set[str]:
    """Return those of the provider's ids that the ledger has."""
    query = select(provider_batches.c.remote)
    with ledger.read() as connection:
        return {row.remote for row in select_in(connection, query, provider_batches.c.remote, remotes)}


def withdraw_queued(ledger: Ledger) -> Sequence[str]:
    """End all open batches, whose calls were not sent: what waits for them asks again, each call by itself."""
    with ledger.read() as connection:
        open_ones = connection.execute(select(provider_batches.c.id).where(provider_batches.c.state == "open"))
        found = list(open_ones.scalars())
    return [batch for batch in found if hold(ledger, batch) and end(ledger, batch, message="", left="again") >= 0]
