"""Pay for each answer only once.

A kept answer is used, and one that another process has requested is waited for; else the call is reserved and sent, and
its answer is kept. `reserved_calls.py` has the rows and the budget.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import httpx

from swatchbook.domain.errors import Failure, LedgerDown, ProviderDown, ProviderTimeout, RateLimited, RunRevoked
from swatchbook.domain.tracing import within
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.calls import CallContext
from swatchbook_providers.client import Client
from swatchbook_providers.reserved_calls import Answer, CallRequest, record_answers, record_failed, reserve, withdraw

_POLL_SECONDS: Final = 0.5  # seconds between looks while another process has the same call in flight

Send = Callable[[Mapping[str, int]], Mapping[str, Answer]]
"""Send the calls reserved for us (request -> number of the attempt); return each request's answer, or raise for all."""


def record_alive(context: CallContext) -> None:
    """Record in the ledger that the run is alive while it waits. Raises RunRevoked."""
    with suppress(LedgerDown):
        runs.record_alive(context.ledger.with_patience(0.0), context.run)


def ask_once(context: CallContext, client: Client, asks: Sequence[CallRequest], send: Send) -> dict[str, Any]:
    """Return request -> answer: a kept one, one that another process has requested, else one that we request and pay.

    `context` is charged for the calls. Raises what `send` raises, RunRevoked, BudgetExceeded, Configuration.
    """
    answers = dict[str, Any]()
    while missing := [ask for ask in asks if ask.request not in answers]:
        reserved = reserve(context, client.where.host, missing)
        answers |= reserved.answers
        if reserved.ours:
            answers |= _pay(context, reserved.ours, send)
        elif reserved.elsewhere:
            record_alive(context)
            client.clock.sleep(_POLL_SECONDS)
    return answers


def _pay(context: CallContext, ours: Mapping[str, int], send: Send) -> dict[str, Any]:
    try:
        with within(context.span):
            answers = send(ours)
    except BaseException as error:
        # However the call ends, even with the process, other processes must not wait for its answer.
        with suppress(LedgerDown):
            never_sent = isinstance(error, ProviderDown | RateLimited | RunRevoked) and error.__cause__ is None
            if never_sent:
                withdraw(context, ours)
            else:
                record_failed(context, ours, cost_usd=None if may_have_cost(error) else 0.0)
        raise
    try:
        record_answers(context, ours, answers)
    except LedgerDown:  # try once more, which waits for the connection
        record_answers(context, ours, answers)
    return {request: answer.answer for request, answer in answers.items()}


def may_have_cost(error: BaseException) -> bool:
    """Return whether the provider may have charged for a failed call: it was sent, but no complete reply came back."""
    if not isinstance(error, Failure):  # the process is ending, or an unexpected error
        return True
    cause = error.__cause__
    unsent = (httpx.ConnectError, httpx.ConnectTimeout)
    return isinstance(error, ProviderTimeout) or (cause is not None and not isinstance(cause, unsent))
