"""When a cached result of a pure stage may be used again: the version of each stage, and the options, settings, models
and prompts that its cache key covers. Whether its files still exist is checked in `tasks/results.py`.

The cache key of a result covers everything that the stage reads: the document's bytes, its own version and those of the
stages before it, the options and the limits. Raise a version whenever its stage may return another result for the same
input; `tests/ingest/test_cache_keys.py` pins each version to a hash of its modules as a reminder.
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

    `after` names the stages whose results it reads, `options` and `settings` the fields it depends on, `asks` the
    models and questions it uses with a language model (SWATCHBOOK_DISCOVERY), and `modules` its source files. Of
    `newer_settings` only those with another value than the default count, so that results without them keep their keys.
    """

    version: str
    after: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    newer_settings: tuple[str, ...] = ()
    asks: tuple[tuple[Literal["llm", "vision"], str], ...] = ()
    modules: tuple[str, ...] = ()  # glob patterns relative to the repository


_BASE = "packages/base/swatchbook_base"
_CATALOGUE = "packages/catalogue/swatchbook_catalogue"
_GEOMETRY = f"{_BASE}/geometry.py"
_PDF = (f"{_CATALOGUE}/pdf/*.py", _GEOMETRY, f"{_BASE}/truncate.py", f"{_BASE}/image_limits.py")


def _catalogue(*names: str) -> tuple[str, ...]:
    return (_GEOMETRY, *(f"{_CATALOGUE}/{name}.py" for name in names))


_LABELS = f"{_CATALOGUE}/*labels.toml"
_PRICES = f"{_BASE}/printed_prices.py"
_LLM = ("llm/excerpt", "llm/prompts", "llm/scans", "llm/discover_with_model")
_PAGE_LIMITS = ("max_pages", "max_document_mb", "page_seconds", "child_memory_mb")
_IMAGE_LIMITS = ("max_image_mb", "max_image_megapixels", "max_image_side")

_E5 = tuple(f"{_BASE}/{name}" for name in ("e5.py", "e5_file.py", "e5.onnx", "bert.py"))

PURE_STAGES: Mapping[str, PureStage] = {
    "read": PureStage(
        version="18", settings=(*_PAGE_LIMITS, "ocr", "ocr_languages"), newer_settings=("pdf_reader",), modules=_PDF
    ),
    "tables": PureStage(version="4", after=("read",), modules=_PDF),
    "discover": PureStage(
        version="51",
        after=("read",),
        options=("taught",),
        settings=("discovery",),
        asks=(("vision", "scan"), ("llm", "discover")),
        modules=(
            _LABELS,
            _PRICES,
            *_catalogue("discover", "name_candidates", "name_groups", "name_words", "choose_names", "judge_document"),
            *_catalogue(
                "attributes", "measures", "table_rows", "page_layout", "grid", "reading_order", "kinds", "cards"
            ),
            *_catalogue("bare_values", "name_labels", "bands", "sections", "running_text", "variants", "plan"),
            *_catalogue("categories"),
            *_catalogue(*_LLM, "llm/find_products"),
            f"{_CATALOGUE}/name_weights.json",
            *_E5,
            f"{_CATALOGUE}/offer_words.toml",
            f"{_CATALOGUE}/value_words.toml",
        ),
    ),
    "describe": PureStage(
        version="30",
        after=("discover", "tables"),
        asks=(("llm", "describe"),),
        modules=(
            _LABELS,
            _PRICES,
            *_catalogue("describe", "line_facts", "page_wide_facts", "placed_lines", "bands"),
            *_catalogue("variant_rows"),
            *_catalogue(
                "attributes", "measures", "color_words", "table_rows", "page_layout", "grid", "kinds", "running_text"
            ),
            f"{_CATALOGUE}/colors.toml",
            f"{_CATALOGUE}/fact_words.toml",
            *_catalogue(*_LLM, "llm/metadata", "llm/find_products"),
        ),
    ),
    "plan": PureStage(
        version="19",
        after=("discover",),
        options=("focus", "pages"),
        modules=(
            _LABELS,
            _PRICES,
            *_catalogue("plan", "attributes", "bands", "page_layout", "grid", "kinds", "cards", "running_text"),
        ),
    ),
    "chunk": PureStage(
        version="19",
        after=("plan", "tables"),
        modules=(
            _LABELS,
            _PRICES,
            *_catalogue(
                "chunk", "attributes", "page_layout", "grid", "kinds", "cards", "sections", "reading_order", "entities"
            ),
            *_catalogue("bands", "running_text"),
        ),
    ),
    "extract": PureStage(
        version="28",
        after=("plan",),
        settings=(*_PAGE_LIMITS, *_IMAGE_LIMITS),
        modules=(
            *_PDF,
            _LABELS,
            _PRICES,
            f"{_BASE}/picture_traits.py",
            *_catalogue("placements", "decoration", "attributes", "bands", "kinds", "running_text"),
            *_catalogue("extract"),
        ),
    ),
    # not cached: another version lets the next run give the items of unchanged folders their new titles and texts
    "items": PureStage(
        version="13",
        options=("categories",),
        modules=(
            *(f"swatchbook/ingest/sources/{name}.py" for name in ("folder", "view_names", "sidecar", "listed")),
            "swatchbook/domain/display_name.py",
        ),
    ),
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
