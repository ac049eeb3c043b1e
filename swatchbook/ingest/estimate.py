"""Estimate the calls to providers that an ingest would make, with tokens, duration and highest cost (`ingest --plan`).

What is free is done; what costs money is only counted.
"""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from swatchbook.domain.records import COUNTED, Discovery, IngestOptions, Reading, Record, Role, Tables
from swatchbook.domain.settings import Settings
from swatchbook.ingest.cache_keys import stage_key
from swatchbook.ingest.hold_files import holding_files
from swatchbook.models import registry
from swatchbook.models.providers.costs import tokens_at_most, turn_tokens, usd
from swatchbook.models.providers.endpoint import Part
from swatchbook.models.providers.json_schema import schema_of
from swatchbook.models.providers.messages import ChatMessage
from swatchbook.models.providers.prices import known_price
from swatchbook.models.vision_analyst import INSTRUCTIONS, REPLY_TOKENS, Seen
from swatchbook.read_ahead import read_once
from swatchbook.resources import Resources
from swatchbook.store.files.file_store import Files, open_files
from swatchbook.store.ledger import claims
from swatchbook_base.chat import Question, Shape
from swatchbook_base.check_file import check_file

SECONDS: Final[Mapping[Part, float]] = {"llm": 20.0, "vision": 2.0, "text": 1.0}
"""Approximate seconds for an answer, by part."""

UNDERSTANDING_TOKENS: Final = 160  # the most tokens of one understanding text


class Planned(Record):
    """Calls of one stage to one model. Tokens and cost are upper bounds if no answer has to be repaired."""

    stage: str
    part: Part
    model: str
    calls: int
    made: int = 0  # answered before, so not paid for again
    tokens_in: int
    tokens_out: int
    seconds: float  # approximate duration of the calls
    usd: float | None  # None where the price is not known
    checked: date | None  # when the published price that it is based on was read; None: the settings have the price


class Estimate(Record):
    """The estimated cost of a document. Products are those that layout rules find; a language model may find more."""

    name: str
    pages: int
    products: int
    images: int
    chunks: int
    planned: tuple[Planned, ...]

    @property
    def usd(self) -> float | None:
        """Return the highest total cost; None if a price is not known."""
        costs = [each.usd for each in self.planned]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


class Tally:
    """A `PaidChat` that counts questions and gives empty answers. Threads may share it."""

    model = ""

    def __init__(self) -> None:
        self.calls = self.tokens_in = self.tokens_out = 0
        self._turn = threading.Lock()

    @property
    def counted(self) -> tuple[int, int, int]:
        """Return the calls, and the tokens in and out."""
        return self.calls, self.tokens_in, self.tokens_out

    def ask(self, question: Question, shape: type[Shape]) -> Shape:
        tokens = turn_tokens(ChatMessage(question=question, shape=schema_of(shape), name=shape.__name__))
        with self._turn:
            self.calls += 1
            self.tokens_in += tokens
            self.tokens_out += question.max_tokens
        return shape.model_validate({name: [] for name in shape.model_fields})


def estimate(resources: Resources, path: Path, options: IngestOptions) -> Estimate:
    """Estimate the cost of a file with these options. No provider is asked.

    Its pages are kept for an ingest that follows; pictures are extracted into a temporary folder.

    Raises what reading a document raises, and Configuration.
    """
    settings = resources.settings
    with holding_files(resources.ledger), TemporaryDirectory(prefix="swatchbook-plan-") as folder:
        key = stage_key("read", check_file(path, settings), settings, options, force=None)
        reading = read_once(path, resources.files, settings, key)
        files = open_files(folder)
        for file in reading.files:
            with resources.files.local(file) as local:
                files.put_file(local, suffix=Path(file).suffix)
        catalogue = resources.catalogue
        discovery = catalogue.discover(reading, files)
        tables = catalogue.read_tables(path, reading, settings)
        planned = catalogue.plan_pages(reading, files, discovery, focus=options.focus, taken=options.pages)
        chunks = catalogue.cut_chunks("", reading, files, planned, tables).chunks
        texts = {chunk.text_key: chunk.text for chunk in chunks if chunk.embed}
        extraction = catalogue.extract(path, "", reading, planned, files, settings)
        shown = {p.content_key for p in extraction.placements if p.state in COUNTED}
        discovering = list(_discovering(resources, files, reading, discovery, tables))
    return Estimate(
        name=path.name,
        pages=reading.page_count,
        products=len(discovery.products),
        images=len(shown),
        chunks=len(texts),
        planned=(
            *discovering,
            *_embedding(resources, options, sorted(shown), texts),
        ),
    )


def _discovering(
    resources: Resources, files: Files, reading: Reading, discovery: Discovery, tables: Tables
) -> Iterator[Planned]:
    """Count the questions of discovery: reading scanned pages, finding products, and describing each product."""
    settings, mode = resources.settings, resources.settings.discovery
    if mode == "layout":
        return
    vision, finding, describing = Tally(), Tally(), Tally()
    resources.catalogue.ask_all(
        reading, discovery, tables, files, mode=mode, llm=finding, describing=describing, vision=vision
    )
    if not finding.calls:
        return
    if vision.calls:
        yield _planned(settings, "discover", "vision", resources.models.vision.model, *vision.counted)
    model = resources.models.llm.model
    for stage, tally in (("discover", finding), ("describe", describing)):
        yield _planned(settings, stage, "llm", model, *tally.counted)


def _embedding(
    resources: Resources, options: IngestOptions, pictures: Sequence[str], texts: Mapping[str, str]
) -> Iterator[Planned]:
    """Count analyses of pictures, and text vectors of understanding texts and chunks."""
    settings = resources.settings
    wanted = {want.role: want.tag for want in registry.requested(settings, options.roles)}
    unseen = list(pictures)
    if Role.ANALYSIS in wanted and settings.analyst == "vision":
        seen = claims.done_keys(resources.ledger, Role.ANALYSIS, wanted[Role.ANALYSIS], pictures)
        unseen = [key for key in pictures if key not in seen]
        yield plan_analyses(settings, resources.models.vision.model, len(unseen), made=len(seen))
    if not settings.has_local_text_encoder and {Role.TEXT, Role.UNDERSTANDING} & set(wanted):
        known = claims.done_keys(resources.ledger, Role.TEXT, wanted.get(Role.TEXT, ""), list(texts))
        new = [text for key, text in texts.items() if key not in known and Role.TEXT in wanted]
        analyses = len(unseen) if Role.UNDERSTANDING in wanted else 0
        tokens = [*map(tokens_at_most, new), *[UNDERSTANDING_TOKENS] * analyses]
        yield plan_text_vectors(settings, tokens, made=len(known))


def plan_analyses(settings: Settings, model: str, count: int, *, made: int = 0) -> Planned:
    """Return the plan for `count` analyses by the vision model."""
    question = Question(instructions=INSTRUCTIONS, parts=(b"",), max_tokens=REPLY_TOKENS)
    tokens = turn_tokens(ChatMessage(question=question, shape=schema_of(Seen), name=Seen.__name__))
    return _planned(settings, "embed", "vision", model, count, count * tokens, count * REPLY_TOKENS, made=made)


def plan_text_vectors(settings: Settings, tokens: Collection[int], *, made: int = 0) -> Planned:
    """Return the plan for vectors of texts by the text model; `tokens`: at most, of each text."""
    return _planned(settings, "embed", "text", settings.text.model, len(tokens), sum(tokens), 0, made=made)


def _planned(
    settings: Settings, stage: str, part: Part, model: str, calls: int, tokens_in: int, tokens_out: int,
    *, made: int = 0,
) -> Planned:  # fmt: skip
    paced = getattr(settings, part).per_minute
    seconds = calls * SECONDS[part] / settings.provider_concurrency
    known = known_price(settings, part)
    return Planned(
        stage=stage, part=part, model=model, calls=calls, made=made, tokens_in=tokens_in, tokens_out=tokens_out,
        seconds=max(seconds, SECONDS[part] if calls else 0.0, 60 * calls / paced if paced else 0.0),
        usd=usd(known.price if known else None, tokens_in, tokens_out),
        checked=known.checked if known else None,
    )  # fmt: skip
