"""Calls that cost: what they may come to, and each answer paid for once, whoever asks."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from swatchbook.errors import LedgerDown, ProviderDown, RunRevoked
from swatchbook.ledger import calls, runs
from swatchbook.ledger.calls import Answer, CallContext, CallRequest
from swatchbook.providers.client import Client, Usage, may_have_cost
from swatchbook.settings import Price

_LOOK_SECONDS: Final = 0.5  # between looks at a call that somebody else has in flight

Send = Callable[[Mapping[str, int]], Mapping[str, Answer]]
"""Sends what is ours, request -> number of the attempt; the answer to each, or a Failure raised for all."""


def tokens_at_most(text: str) -> int:
    """Of a text in any tokenizer that knows its script: two bytes a token are fewer than any makes of prose."""
    return len(text.encode()) // 2 + 8


def usd(price: Price | None, tokens_in: int | None, tokens_out: int | None) -> float | None:
    """Of so many tokens; None where the price or the tokens are not known."""
    if price is None or tokens_in is None or tokens_out is None:
        return None
    return (price.input * tokens_in + price.output * tokens_out) / 1_000_000


def cost(price: Price | None, usage: Usage) -> float | None:
    """US dollars of what a provider counted."""
    return usd(price, usage.tokens_in, usage.tokens_out)


def alive(context: CallContext) -> None:
    """A sign of life while we wait deliberately. Raises RunRevoked."""
    with suppress(LedgerDown):
        runs.record_alive(context.ledger.with_patience(0.0), context.run)


def ask_once(context: CallContext, client: Client, asks: Sequence[CallRequest], send: Send) -> dict[str, Any]:
    """The answer to each request: the one kept, the one that somebody else is waiting for, else the one we pay for.

    Raises what `send` raises, RunRevoked, BudgetExceeded, Configuration.
    """
    known = dict[str, Any]()
    while wanted := [ask for ask in asks if ask.request not in known]:
        found = calls.reserve(context, client.where.host, wanted)
        known |= found.answers
        if found.ours:
            known |= _pay(context, found.ours, send)
        elif found.elsewhere:
            alive(context)
            client.clock.sleep(_LOOK_SECONDS)
    return known


def _pay(context: CallContext, ours: Mapping[str, int], send: Send) -> dict[str, Any]:
    try:
        answers = send(ours)
    except BaseException as error:
        # whatever comes between, even an end of the process, is no reason to keep others waiting
        with suppress(LedgerDown):
            if isinstance(error, ProviderDown | RunRevoked) and error.__cause__ is None:  # in line, or told to wait
                calls.withdraw(context, ours)
            else:
                calls.record_failed(context, ours, cost_usd=None if may_have_cost(error) else 0.0)
        raise
    try:
        calls.record_answers(context, ours, answers)
    except LedgerDown:  # it went away in the middle: again, which waits for it
        calls.record_answers(context, ours, answers)
    return {request: answer.answer for request, answer in answers.items()}
