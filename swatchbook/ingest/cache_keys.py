"""When a cached result of a pure stage may be used again: the version of each stage, and the options, settings, models
and prompts that its cache key covers. Whether its files still exist is checked in `tasks/results.py`.

The cache key of a result covers everything that the stage reads: the document's bytes, its own version and those of the
stages before it, the options and the limits. Raise a version whenever its stage may return another result for the same
input; `tests/ingest/test_cache_keys.py` pins each version to a hash of the modules that it imports as a reminder.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Literal

from swatchbook.catalogue_reader import catalogue_reader, reader_version
from swatchbook.domain.records import UNTAUGHT, IngestOptions, Record
from swatchbook.domain.settings import Settings
from swatchbook.teacher import teacher_version


class PureStage(Record):
    """A stage whose result depends on its input only.

    `after` names the stages whose results it reads, `options` and `settings` the fields it depends on, and `asks` the
    models and questions it uses with a language model (SWATCHBOOK_DISCOVERY). Of `newer_settings` only those with
    another value than the default count, so that results without them keep their keys.
    """

    version: str
    after: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    newer_settings: tuple[str, ...] = ()
    asks: tuple[tuple[Literal["llm", "vision"], str], ...] = ()


_PAGE_LIMITS = ("max_pages", "max_document_mb", "page_seconds", "child_memory_mb")
_IMAGE_LIMITS = ("max_image_mb", "max_image_megapixels", "max_image_side")

PURE_STAGES: Mapping[str, PureStage] = {
    "read": PureStage(version="18", settings=(*_PAGE_LIMITS, "ocr", "ocr_languages"), newer_settings=("pdf_reader",)),
    "tables": PureStage(version="4", after=("read",)),
    "discover": PureStage(
        version="52",
        after=("read",),
        options=("taught",),
        settings=("discovery",),
        asks=(("vision", "scan"), ("llm", "discover")),
    ),
    "describe": PureStage(version="32", after=("discover", "tables"), asks=(("llm", "describe"),)),
    "plan": PureStage(version="19", after=("discover",), options=("focus", "pages")),
    "chunk": PureStage(version="19", after=("plan", "tables")),
    "extract": PureStage(version="28", after=("plan",), settings=(*_PAGE_LIMITS, *_IMAGE_LIMITS)),
    # not cached: another version lets the next run give the items of unchanged folders their new titles and texts
    "items": PureStage(version="13", options=("categories",)),
}


def stage_key(
    stage: str, content: str, settings: Settings, options: IngestOptions, *, force: str | None, part: str = ""
) -> str:
    """Return the cache key of a pure stage's result, `<stage>-<content>-<recipe>[-<part>]`, usable as a file name.

    `content` is the SHA-256 of the document's bytes and `force` the last forced generation. `part` distinguishes
    several results of the stage: a hash of the product, or the document if the result contains ids.
    """
    return "-".join(filter(None, (stage, content, recipe(stage, settings, options, force=force), part)))


def recipe(stage: str, settings: Settings, options: IngestOptions, *, force: str | None) -> str:
    """Return a hash (32 hex digits) of all that a stage's result depends on, except the document's bytes."""
    reads = json.dumps([force, _reads(stage, settings, options)], sort_keys=True)
    return hashlib.sha256(reads.encode()).hexdigest()[:32]


class ResultName(Record):
    """The parts of a result's file name. Older names have no recipe; `part` is the rest of the name."""

    stage: str
    content: str
    recipe: str
    part: str


def read_result_name(name: str) -> ResultName | None:
    """Return the parts of a result's file name, or None if it is not the name of a stage's result."""
    match = _RESULT_NAME.fullmatch(name)
    return ResultName(**{part: text or "" for part, text in match.groupdict().items()}) if match else None


_RESULT_NAME = re.compile(
    rf"(?P<stage>{'|'.join(PURE_STAGES)})-(?P<content>[0-9a-f]{{64}})(-(?P<recipe>[0-9a-f]{{32}}))?(-(?P<part>.*))?"
)


def _reads(stage: str, settings: Settings, options: IngestOptions) -> list[object]:
    pure = PURE_STAGES[stage]
    chosen = options.model_dump(mode="json", include=set(pure.options))
    if "taught" in chosen:
        texts = options.taught.texts_only  # pictures are changed behind the cached stages
        chosen["taught"] = texts.key
        if texts != UNTAUGHT:
            chosen["teacher"] = teacher_version()
    limits = {name: getattr(settings, name) for name in pure.settings}
    limits |= settings.model_dump(mode="json", include=set(pure.newer_settings), exclude_defaults=True)
    asked = _asked(pure, settings) if settings.discovery != "layout" else ()
    before = [_reads(before, settings, options) for before in pure.after]
    read_by = [] if stage == "items" else [reader_version()]
    return [stage, pure.version, *read_by, chosen, limits, *asked, before]


def _asked(pure: PureStage, settings: Settings) -> list[tuple[str, str]]:
    """Return (model, prompt recipe) of each question. The address of the model does not count."""
    if not pure.asks:
        return []
    recipes = catalogue_reader().RECIPES
    return [(str(getattr(settings, part).model), recipes[question]) for part, question in pure.asks]
