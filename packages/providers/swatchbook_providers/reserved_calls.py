"""Reserve each call to a provider before it is sent, within the budget (`--max-usd`), and store its answer and cost.

- Under a budget, no call is reserved that could exceed it, or whose model has no price.
- The costs of a document include its failed calls; answers reused from other documents cost nothing.
- A reservation is void when its run is dead, or after 20 minutes.

    reserved → answered   stored for all owners: no run pays for it again
             → failed     no usable answer; it may be sent again, as the next attempt
             → unknown    its run died meanwhile; it may have been paid for

Each attempt has its own row, so that no cost is lost. At most one row of a request is reserved by a live run.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, case, delete, func, insert, null, select, update

from swatchbook.domain.errors import BudgetExceeded, Configuration
from swatchbook.domain.records import Record, Sha256
from swatchbook.domain.runtime.process import Process, is_dead
from swatchbook.store.ledger.calls import CallContext, at_most
from swatchbook.store.ledger.database import db_now, execute_in, select_in
from swatchbook.store.ledger.dead_runs import process_of
from swatchbook.store.ledger.runs import Run, writing
from swatchbook.store.ledger.tables import calls, documents, runs

STALE_SECONDS = 1_200.0
"""A reservation older than this is void: longer than any call with all the waiting that a provider asks for."""

_ROUNDING = 1e-9  # USD: sums of floats

_holds = func.coalesce(
    (runs.c.state == "live") & (runs.c.lease_until > db_now()) & (calls.c.at > db_now() - STALE_SECONDS), False
)
"""The condition that the run of a reserved call is live by its lease."""


class CallRequest(Record):
    """A call to be made. `at_most_usd` is None where the model's price is not known."""

    request: Sha256
    model: str
    at_most_usd: float | None
    truncated: bool = False


class Answer(Record):
    """A provider's answer as JSON, complete enough to be used again, with its tokens and cost."""

    answer: Any
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None


class Reservation(Record):
    """By request: stored answers, calls for the caller to send (with the number of the attempt), and calls to wait for.

    Calls in `elsewhere` are reserved by a live run, or must wait until the budget left by calls in flight is known.
    """

    answers: dict[str, Any]
    ours: dict[str, int]
    elsewhere: frozenset[str]


def reserve(context: CallContext, provider: str, asks: Sequence[CallRequest]) -> Reservation:
    """Return stored answers and reserve the other calls that no live run has reserved, in one transaction.

    Raises RunRevoked; BudgetExceeded when the document may not spend that much; Configuration when it has a budget and
    the price is not known. Nothing is reserved then.
    """
    with writing(context.ledger, context.run) as connection:
        attempts, answers, elsewhere = dict[str, int](), dict[str, Any](), set[str]()
        for row in _attempts(connection, [ask.request for ask in asks]):
            attempts[row["request"]] = max(row["attempt"], attempts.get(row["request"], 0))
            if row["state"] == "answered" and row["answer"] is not None:
                answers[row["request"]] = row["answer"]
            elif row["state"] == "reserved" and row["holds"] and not is_dead(process_of(row)):
                elsewhere.add(row["request"])
            elif row["state"] == "reserved":
                _set_state(connection, row["request"], row["attempt"], state="unknown")
        wanted = [ask for ask in asks if ask.request not in answers and ask.request not in elsewhere]
        if wanted and not _may_spend(connection, context.run, wanted):
            return Reservation(answers=answers, ours={}, elsewhere=frozenset(elsewhere | {a.request for a in wanted}))
        ours = {ask.request: attempts.get(ask.request, 0) + 1 for ask in wanted}
        run = context.run
        of = {"run": run.token, "document": run.document, "generation": run.generation, "stage": context.stage}
        for ask in wanted:
            new = {**dict(ask), **of, "provider": provider, "attempt": ours[ask.request], "state": "reserved"}
            connection.execute(insert(calls).values(**new, at=db_now()))
        return Reservation(answers=answers, ours=ours, elsewhere=frozenset(elsewhere))


def record_answers(context: CallContext, ours: Mapping[str, int], answers: Mapping[str, Answer]) -> None:
    """Store the answers to reserved calls, also of a run that was revoked meanwhile: they are paid for."""
    with context.ledger.write() as connection:
        for request, answer in answers.items():
            _set_state(
                connection, request, ours[request], state="answered", answer=answer.answer, tokens_in=answer.tokens_in,
                tokens_out=answer.tokens_out, cost_usd=answer.cost_usd,
            )  # fmt: skip


def record_failed(context: CallContext, ours: Mapping[str, int], *, cost_usd: float | None) -> None:
    """Record that reserved calls failed. `cost_usd`: 0 if the provider rejected them, None if the cost is unknown."""
    with context.ledger.write() as connection:
        for request, attempt in ours.items():
            _set_state(connection, request, attempt, state="failed", cost_usd=cost_usd)


def withdraw(context: CallContext, ours: Mapping[str, int]) -> None:
    """Delete the reservations of calls that were never sent."""
    with context.ledger.write() as connection:
        for request, attempt in ours.items():
            one = (calls.c.request == request) & (calls.c.attempt == attempt)
            connection.execute(delete(calls).where(one, calls.c.state == "reserved"))


def discard_answers(context: CallContext, requests: Iterable[str]) -> None:
    """Drop stored answers that are not usable, so that they are requested again; their costs stay."""
    with context.ledger.write() as connection:
        answered_calls = update(calls).where(calls.c.state == "answered")
        execute_in(connection, answered_calls.values(state="failed", answer=null()), calls.c.request, requests)


def _attempts(connection: Connection, requests: Iterable[str]) -> list[RowMapping]:
    """Return all attempts at these requests, each with the process of its run."""
    query = select(
        calls.c.request, calls.c.attempt, calls.c.state, calls.c.answer, _holds.label("holds"),
        *(runs.c[name] for name in Process.model_fields),
    ).join_from(calls, runs, runs.c.token == calls.c.run, isouter=True)  # fmt: skip
    return [row._mapping for row in select_in(connection, query, calls.c.request, requests)]


def _set_state(connection: Connection, request: str, attempt: int, **values: Any) -> None:
    one = (calls.c.request == request) & (calls.c.attempt == attempt)
    still_open = calls.c.state.in_(("reserved", "unknown"))
    connection.execute(update(calls).where(one, still_open).values(at=db_now(), **values))


def _may_spend(connection: Connection, run: Run, asks: Sequence[CallRequest]) -> bool:
    """Return whether the budget allows these calls now; False if it may once the calls in flight are known."""
    options = connection.execute(select(documents.c.options).where(documents.c.id == run.document)).scalar_one()
    is_fill = bool(run.pairs)
    if (budget := run.max_usd if is_fill else options.get("max_usd")) is None:
        return True
    if unpriced := next((ask.model for ask in asks if ask.at_most_usd is None), None):
        raise Configuration(
            f"The price of {unpriced} is not known, so the budget of {budget:g} USD cannot be kept.",
            advice=f'Set SWATCHBOOK_PRICES={{"{unpriced}": {{"input": …, "output": …}}}}, in USD per million tokens.',
        )
    next_ones = sum(ask.at_most_usd or 0 for ask in asks)
    in_flight = case(((calls.c.state == "reserved") & _holds, at_most), else_=0.0)
    spent, flying = connection.execute(
        select(func.coalesce(func.sum(at_most), 0.0), func.coalesce(func.sum(in_flight), 0.0))
        .join_from(calls, runs, runs.c.token == calls.c.run, isouter=True)
        .where(calls.c.generation == run.generation, *([] if is_fill else [calls.c.document == run.document]))
    ).one()
    if spent - flying + next_ones > budget + _ROUNDING:
        raise BudgetExceeded(
            f"{spent - flying:.4g} of {budget:g} USD are spent, and the next call may cost {next_ones:.4g}.",
            advice="Run it again with a larger --max-usd: it continues from here.",
        )
    return bool(spent + next_ones <= budget + _ROUNDING)
