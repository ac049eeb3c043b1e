"""A whole ingest whose models are elsewhere and slow, against the same calls one after the other."""

import tempfile
import time
from typing import NamedTuple

from samples.generate import BUILD, build
from tests.models.providers import attentive
from tests.models.providers.standin import KEY, Asked, provider

METADATA_SECONDS, IMAGE_SECONDS = 20.0, 2.0  # a call
AT_ONCE = 10


class Measured(NamedTuple):
    whole: float  # seconds, the command from start to end
    sequential: float  # seconds that its calls take one after the other
    products: int
    images: int


def measure(command: str) -> Measured:
    """Ingest the large sample once, in real time. Raises where it does not come to an end without failures."""
    from benchmarks.commands import prefect_server, timed

    with provider() as there, prefect_server() as url, tempfile.TemporaryDirectory() as home:
        there.answer = _slowly
        environment = {
            "SWATCHBOOK_HOME": home, "PREFECT_API_URL": url, "SWATCHBOOK_DISCOVERY": "llm",
            "SWATCHBOOK_ANALYST": "vision", "SWATCHBOOK_PROVIDER_CONCURRENCY": str(AT_ONCE),
        }  # fmt: skip
        for part in ("LLM", "VISION"):
            given = {"URL": there.openai_url, "MODEL": "attentive", "API_KEY": KEY}
            environment |= {f"SWATCHBOOK_{part}__{name}": value for name, value in given.items()}
        whole = timed([command, "ingest", str(build(BUILD))], environment)
        seconds = [_seconds(asked) for asked, _ in there.asked]
        return Measured(
            whole, sum(seconds), seconds.count(METADATA_SECONDS) - 1, seconds.count(IMAGE_SECONDS)
        )  # one names the products


def _seconds(asked: Asked) -> float:
    return IMAGE_SECONDS if asked.pictures else METADATA_SECONDS


def _slowly(asked: Asked) -> object:
    time.sleep(_seconds(asked))
    return attentive.answer(asked.texts, asked.pictures)
