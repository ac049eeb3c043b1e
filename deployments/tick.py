"""The loop that brings everything back: one round looks at what is due and sees to it that somebody works on it."""

import asyncio
import logging

from swatchbook.lab import Lab
from swatchbook.records import Record

log = logging.getLogger(__name__)

EVERY_SECONDS = 30.0
"""Between two rounds."""


class Ticked(Record):
    """What one round did."""

    launched: int = 0


async def tick(lab: Lab) -> Ticked:
    """One round."""
    return Ticked()


async def keep_ticking(lab: Lab, every: float = EVERY_SECONDS) -> None:
    """A round every `every` seconds until cancelled. One that fails is logged, and the next comes all the same."""
    while True:
        try:
            await tick(lab)
        except Exception:  # the isolation boundary between rounds
            log.exception("a round of the loop failed")
        await asyncio.sleep(every)
