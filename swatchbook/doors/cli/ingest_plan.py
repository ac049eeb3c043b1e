"""Print the plan of an ingest (`swatchbook ingest --plan`): calls to providers, their cost, and how batches are read.

`ingest/estimate.py` computes the estimate, `ingest/sources/batch_plan.py` the plan of a batch.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import BatchPlan, IngestOptions, PlannedItem
from swatchbook.doors.cli.terminal import (
    COMPLETED,
    FAILED,
    OPEN,
    cell,
    duration,
    err,
    note,
    out,
    say_failure,
    say_json,
    table,
    worst,
)
from swatchbook.ingest.estimate import Estimate, estimate
from swatchbook.ingest.find_sources import Source
from swatchbook.ingest.sources.batch_plan import plan_batch
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import BATCH, PDF
from swatchbook_base.one_line import clean
from swatchbook_base.truncate import plural


def print_estimates(resources: Resources, sources: Sequence[Source], options: IngestOptions, *, as_json: bool) -> int:
    """Print the estimate of each PDF, and how each batch would be read. Return the exit code.

    A failed file does not stop the others.
    """
    estimates, plans, codes = list[Estimate](), list[BatchPlan](), [COMPLETED]
    for source in sources:
        file = source.path
        if source.kind == BATCH:
            plans.append(_plan(resources, file, options))
            if not as_json:
                out().print(draw_batch_plan(plans[-1]))
            codes.append(_code(plans[-1]))
            continue
        if source.kind != PDF:
            note(f"{file.name}: --plan reads PDFs and batches only; --max-usd limits the cost of any ingest.")
            continue
        try:
            with err().status(f"reading {clean(file.name)} …"):
                estimates.append(estimate(resources, file, options))
        except Failure as failure:
            codes.append(say_failure(failure, file.name))
            continue
        if not as_json:
            out().print(draw(estimates[-1]))
    if as_json:
        say_json(
            [each.model_dump(mode="json") | {"usd": each.usd} for each in estimates]
            + [plan.model_dump(mode="json") for plan in plans]
        )
    return worst(codes)


def _code(plan: BatchPlan) -> int:
    """Return what the ingest would exit with, as far as is known without its pictures."""
    if any(each.refused for each in plan.absent) or (plan.failing == plan.judged > 0 and not plan.more):
        return FAILED
    return OPEN if plan.failing or plan.lacking else COMPLETED


def _plan(resources: Resources, path: Path, options: IngestOptions) -> BatchPlan:
    settings = resources.settings
    return plan_batch(path, options.mapping, max_bytes=settings.max_document_mb << 20, folders=settings.picture_folders)


def draw(file: Estimate) -> RenderableType:
    """Return the estimate of one file: a row for each stage and model, and the total cost."""
    counts = (
        f"{file.pages} pages · {file.products} products by layout rules · {file.images} images · {file.chunks} chunks"
    )
    head = Text.assemble((clean(file.name), "bold"), f"  {counts}")
    if not file.planned:
        return Group(head, Text("No cost: all models run on this machine.", "dim"))
    columns = ("calls", "already done", "input tokens ≤", "output tokens ≤", "time ≈", "USD ≤")
    rows = table("stage", "model", *columns, right=columns)
    for each in file.planned:
        numbers = (each.calls, each.made, each.tokens_in, each.tokens_out)
        rows.add_row(
            cell(each.stage), cell(each.model), *(cell(f"{number:,}") for number in numbers),
            cell(duration(each.seconds)), cell("unknown" if each.usd is None else f"{each.usd:.4f}"),
        )  # fmt: skip
    return Group(head, rows, Text(f"{_total(file)} No call was sent."))


def _total(file: Estimate) -> str:
    """Return the total cost, whether a limit can be kept, and the age of the published prices in it."""
    unknown = sorted({each.model for each in file.planned if each.usd is None})
    if unknown:
        return (
            f"Total unknown: the price of {', '.join(unknown)} is not known, so that --max-usd is refused. "
            "SWATCHBOOK_PRICES sets it."
        )
    checked = [each.checked for each in file.planned if each.checked]
    published = f" Published prices as of {min(checked)}; SWATCHBOOK_PRICES goes first." if checked else ""
    return f"Total: at most ${file.usd:.4f}, failed calls not included.{published} --max-usd sets a limit."


_SHOWN_FIELDS, _SHOWN_PROBLEMS = 20, 10


def draw_batch_plan(plan: BatchPlan) -> RenderableType:
    """Return the plan of one batch: a row for each item, problems, fields that are not read, and the mapping."""
    rows = table("id", "title", "price", "brand", "category", "pictures", right=("pictures",))
    for item in plan.items:
        rows.add_row(*(cell(text) for text in _row(item)))
    parts: list[RenderableType] = [Text.assemble((clean(plan.name), "bold"), f"  {plan.format or 'unknown'}"), rows]
    looked_at = f"{'the first ' if plan.more else ''}{plural(plan.judged, 'item')} checked, no picture opened"
    counts = f"{plan.failing:,} would fail, {plan.lacking:,} without all of their pictures."
    parts.append(Text(f"{looked_at}: {counts}", "yellow" if plan.incomplete_items else "dim"))
    parts += [Text(clean(f"{each.item}: {each.problem}"), "yellow") for each in plan.incomplete_items[:_SHOWN_PROBLEMS]]
    if (more := plan.failing + plan.lacking - _SHOWN_PROBLEMS) > 0:
        parts.append(Text(f"… and {more:,} more", "yellow"))
    for each in plan.absent:
        parts.append(Text(clean(f"{each.problem}{' The ingest would be refused.' if each.refused else ''}"), "yellow"))
    parts += [Text(clean(each), "yellow") for each in plan.letters]
    if plan.unknown:
        parts.append(Text("Not understood:", "dim"))
        parts += [Text(clean(f"  {each.name}: {each.example}")) for each in plan.unknown[:_SHOWN_FIELDS]]
        if len(plan.unknown) > _SHOWN_FIELDS:
            parts.append(Text(f"  … and {len(plan.unknown) - _SHOWN_FIELDS} more", "dim"))
    parts.append(
        Text("\nNothing was ingested. To read it in another way, change this and give it with --mapping FILE:\n")
    )
    parts.append(Text(plan.mapping))
    return Group(*parts)


def _row(item: PlannedItem) -> tuple[str, ...]:
    data = item.metadata
    price = " ".join(filter(None, (data.get("price"), data.get("currency"))))
    return (
        item.item,
        item.title,
        price or "—",
        data.get("brand", "—"),
        data.get("category", "—"),
        _pictures(item.pictures),
    )


def _pictures(places: Sequence[str]) -> str:
    to_fetch = sum("://" in place for place in places)
    here = len(places) - to_fetch
    counted = [(here, "here"), (to_fetch, "to fetch")]
    return ", ".join(f"{count} {where}" for count, where in counted if count) or "0"
