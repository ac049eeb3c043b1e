"""Asking many questions as the tasks do: `python -m tests.models.providers.paying LEDGER PROVIDER FIRST COUNT` is
killed."""

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import SecretStr

from swatchbook.domain.errors import Failure, Policy
from swatchbook.domain.setting_values import Price
from swatchbook.ingest.run import keep_alive
from swatchbook.models.providers.endpoint import Endpoint
from swatchbook.store.ledger.calls import CallContext
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook_base.chat import Question
from swatchbook_base.reply_shapes import ReplyShape
from swatchbook_providers.chat import ProviderChat
from swatchbook_providers.client import Clock
from swatchbook_providers.wires import openai
from tests.models.providers.clocks import FastClock
from tests.models.providers.standin import KEY
from tests.store.ledger.scene import begun

AT_ONCE = 8
PRICE = Price(input=1, output=4)
STAGE = "IMAGES_EMBEDDED"
_TRIES, _PAUSES = 4, (2.0, 4.0, 8.0)


class Seen(ReplyShape):
    """What is asked for."""

    material: str
    finish: str | None = None


def question(number: int) -> Question:
    return Question(instructions="Say what you see.", parts=(f"picture {number}", b"\xff\xd8 jpeg"), max_tokens=100)


def chat_at(url: str, *, clock: Clock | None = None, seconds: float = 10) -> ProviderChat:
    where = Endpoint("vision", url, "seer", SecretStr(KEY), at_once=AT_ONCE, seconds=seconds)
    return ProviderChat(where, openai, price=PRICE, clock=clock)


def ask_all(
    chat: ProviderChat, context: CallContext, numbers: Sequence[int], clock: Clock
) -> dict[int, Seen | Failure]:
    """Each question until it is answered, or named by its failure: retried in the run, and by later runs."""

    def ask(number: int) -> Seen | Failure:
        tries = 0
        while True:
            try:
                return chat.ask(question(number), Seen, context)
            except Failure as failure:
                if failure.policy in {Policy.OUTAGE, Policy.WAIT}:  # no attempt
                    clock.sleep(10)
                    continue
                if failure.policy in {Policy.NEVER, Policy.BLOCKED} or tries == 2 * _TRIES:
                    return failure
                clock.sleep(_PAUSES[min(tries, 2)])
                tries += 1

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return dict(zip(numbers, threads.map(ask, numbers), strict=True))


def work(ledger: Ledger, provider: str, first: int, count: int) -> None:
    """A run that asks so many questions from the first one on, until somebody kills it."""
    clock = FastClock(10)
    run = begun(ledger, content=f"killed {first}")
    with keep_alive(ledger, run):
        ask_all(chat_at(provider, clock=clock), CallContext(ledger, run, STAGE), range(first, first + count), clock)
    threading.Event().wait()


if __name__ == "__main__":
    work(open_ledger(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
