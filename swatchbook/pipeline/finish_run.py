"""A run's last word: its account, how far that can be trusted, and whether the document is done or tried again."""

from collections.abc import Sequence

from swatchbook.catalogue import quality
from swatchbook.ledger import page_failures, runs
from swatchbook.ledger.queries import account as queries_account
from swatchbook.ledger.queries.document import read_products
from swatchbook.ledger.queries.timings import SlowStage, slow_stages
from swatchbook.pipeline.run import Work
from swatchbook.records import (
    PAGE_CUT,
    Description,
    Discovery,
    DocumentStatus,
    Extraction,
    FailedPage,
    Plan,
    Reading,
    RunReport,
    Stage,
    Tables,
)
from swatchbook.resources import Resources
from swatchbook.runtime.memory import peak_memory_mb
from swatchbook.truncate import truncate

_SHOWN = 5
"""Dropped answers that a report names; the stages' kept results hold all."""


def finish_run(
    resources: Resources,
    work: Work,
    *,
    reading: Reading,
    discovery: Discovery,
    descriptions: Sequence[Description],
    tables: Tables,
    plan: Plan,
    extraction: Extraction,
) -> RunReport:
    """Close the account and end the run: the document is completed, or waits for what is still due.

    Pages whose loss may pass are due again for a few runs; then they stay named. Raises RunRevoked.
    """
    described = (lost for description in descriptions for lost in description.lost)
    lost = (*reading.lost, *discovery.lost, *described, *tables.lost, *extraction.lost)
    runs.reach_stage(resources.ledger, work.run, Stage.COMPLETED)
    status, due = queries_account.next_status(resources.ledger, work.document)
    message = None
    if (transient := {page.page for page in lost if page.transient}) and (
        again := page_failures.next_try(resources.ledger, work.run)
    ):
        status, due = DocumentStatus.WAITING, again if due is None else min(due, again)
        message = f"{_pages(transient)} could not be worked off in time; the next run tries again."
    report = queries_account.document_report(resources.ledger, work.document, run=work.run.token).model_copy(
        update={
            "status": status,
            "message": message,
            "confidence_score": round(_confidence(resources, work, reading, plan, lost), 4),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "warnings": (
                *filter(None, (discovery.note, _unproven(discovery, descriptions), _cut(discovery))),
                *reading.warnings,
                *extraction.warnings,
                *_small_batches(resources, work),
                *map(_slow, slow_stages(resources.ledger, work.run.token)),
            ),
            "blocks": work.blocks.given,
        }
    )
    status = runs.end(resources.ledger, work.run, status, message=message, due_at=due, report=report)
    return report.model_copy(update={"status": status})


def _confidence(resources: Resources, work: Work, reading: Reading, plan: Plan, lost: tuple[FailedPage, ...]) -> float:
    """Pages that could not be read were never planned, but would have been: nobody knows what they show."""
    account = queries_account.account(resources.ledger, document=work.document)
    planned = {*plan.shown, *(page.page for page in reading.lost)}
    return quality.confidence(
        [product.confidence for product in read_products(resources.ledger, work.document)],
        planned=len(planned),
        lost=len(planned & {page.page for page in lost}),
        complete=account.complete,
        found=account.found,
    )


def _unproven(discovery: Discovery, descriptions: Sequence[Description]) -> str | None:
    """What a model said and no page does, in a line."""
    said = [*discovery.rejected, *(each for description in descriptions for each in description.rejected)]
    dropped = [f"{each.text} ({each.rule})" for each in said if each.detail.get("model") and each.text]
    if not dropped:
        return None
    return f"{len(dropped)} answers of the language model were dropped: {'; '.join(truncate(dropped, _SHOWN))}"


def _cut(discovery: Discovery) -> str | None:
    """Pages of which a model has not seen the end."""
    cut = {each.page for each in discovery.rejected if each.rule == PAGE_CUT and each.page}
    return f"{_pages(cut)} held more text than the language model was shown to find products." if cut else None


def _small_batches(resources: Resources, work: Work) -> tuple[str, ...]:
    """Why its batches were small, if this process made any; shards on the pool say it in their logs alone."""
    fit = resources.fits.get(work.run.token)
    return fit.warnings(resources.settings.memory_pause_percent) if fit else ()


def _slow(stage: SlowStage) -> str:
    one = "image" if stage.stage in (Stage.EMBEDDED, Stage.ASSEMBLED) else "page"
    each = stage.seconds / stage.units
    return (
        f"{stage.stage} took {stage.seconds:.1f} s: {each:.3g} s for one {one}, "
        f"{stage.times:.1f} × the usual {stage.usual:.3g} s."
    )


def _pages(numbers: set[int]) -> str:
    return f"Page {min(numbers)}" if len(numbers) == 1 else f"{len(numbers)} pages"
