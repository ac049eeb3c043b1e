"""How much of a provider's limit is used, and what faults cost: real HTTP, a real ledger, a clock ten times faster."""

import random
import tempfile
import threading
from typing import NamedTuple

from pydantic import SecretStr

from swatchbook.domain.errors import Failure
from swatchbook.models.providers.endpoint import Endpoint
from swatchbook.store.ledger.calls import CallContext
from swatchbook.store.ledger.database import open_ledger
from swatchbook_providers.chat import ProviderChat
from swatchbook_providers.wires import openai
from tests.models.providers.clocks import FastClock
from tests.models.providers.paying import AT_ONCE, PRICE, STAGE, Seen, ask_all
from tests.models.providers.standin import HARD, KEY, Provider, mixed, provider
from tests.store.ledger.scene import begun

SCALE = 10.0
LIMIT = 60  # calls a minute
MINUTES = 3
LATENCY, SPREAD = 1.5, 0.5  # seconds
FAULTY, QUESTIONS = 0.3, 1_000


class Measured(NamedTuple):
    """`goodput`: answers a minute ÷ the limit. Shares are of all calls sent."""

    goodput: float
    refused: float


class Stormed(NamedTuple):
    """What a mix of faults came to: shares of the calls and questions, and how many were paid for twice."""

    early: float
    twice: int
    named: int
    lost: int
    calls: int
    minutes: float


def goodput(*, told: bool) -> Measured:
    """Of a provider that takes LIMIT calls a minute; `told`: whether the settings say so, or only its Retry-After."""
    clock = FastClock(SCALE)
    with provider() as there:
        _prepare(there)
        there.calls_per_minute = LIMIT
        answers, minutes = _ask(there, LIMIT * MINUTES, clock, limit=LIMIT if told else 0)
        refused = sum(fault is not None for _, fault in there.asked) / len(there.asked)
    answered = sum(isinstance(answer, Seen) for answer in answers)
    return Measured(answered / minutes / LIMIT, refused)


def storm() -> Stormed:
    """QUESTIONS under a mix of faults, asked as the tasks do."""
    clock = FastClock(SCALE)
    with provider() as there:
        _prepare(there)
        there.faults = mixed(FAULTY, HARD)
        answers, minutes = _ask(there, QUESTIONS, clock, seconds=1.5)
        named = sum(not isinstance(answer, Seen) for answer in answers)
        return Stormed(
            early=len(there.early) / len(there.asked),
            twice=sum(times - 1 for times in there.paid.values()),
            named=named,
            lost=QUESTIONS - len(answers),
            calls=len(there.asked),
            minutes=minutes,
        )


def _prepare(there: Provider) -> None:
    there.scale, there.answer = SCALE, lambda asked: {"material": "oak", "finish": None}
    chance, turn = random.Random(7), threading.Lock()

    def latency() -> float:
        with turn:
            return chance.uniform(LATENCY - SPREAD, LATENCY + SPREAD)

    there.delay = latency


def _ask(
    there: Provider, count: int, clock: FastClock, *, limit: int = 0, seconds: float = 10
) -> tuple[list[Seen | Failure], float]:
    """What became of each question, and the minutes that all of them took."""
    where = Endpoint(
        "vision", there.openai_url, "seer", SecretStr(KEY), per_minute=limit, at_once=AT_ONCE,
        seconds=seconds,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(f"sqlite:///{folder}/ledger.sqlite")
        book, chat = CallContext(ledger, begun(ledger), STAGE), ProviderChat(where, openai, price=PRICE, clock=clock)
        began = clock.now()
        answers = ask_all(chat, book, range(count), clock)
        minutes = (clock.now() - began) / 60
        ledger.close()
    return list(answers.values()), minutes
