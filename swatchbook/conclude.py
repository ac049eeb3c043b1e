"""A run's last word: its account, how far that can be trusted, and whether the document is done or tried again."""

from collections.abc import Sequence

from swatchbook.abridge import abridge
from swatchbook.catalogue import quality
from swatchbook.lab import Lab
from swatchbook.ledger import accounts, losses, runs
from swatchbook.ledger.timings import SlowStage, slow_stages
from swatchbook.memory import peak_memory_mb
from swatchbook.records import (
    PAGE_CUT,
    Description,
    Discovery,
    DocumentStatus,
    Extraction,
    LostPage,
    Plan,
    Reading,
    RunReport,
    Stage,
    Tables,
)
from swatchbook.working import Work

_SHOWN = 5
"""Dropped answers that a report names; the stages' kept results hold all."""


def close_account(
    lab: Lab,
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
    runs.reach(lab.ledger, work.run, Stage.COMPLETED)
    status, due = accounts.conclude(lab.ledger, work.document)
    message = None
    if (passing := {page.page for page in lost if page.passing}) and (again := losses.next_try(lab.ledger, work.run)):
        status, due = DocumentStatus.WAITING, again if due is None else min(due, again)
        message = f"{_pages(passing)} could not be worked off in time; the next run tries again."
    report = accounts.report(lab.ledger, work.document, run=work.run.token).model_copy(
        update={
            "status": status,
            "message": message,
            "confidence_score": round(_confidence(lab, work, reading, plan, lost), 4),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "warnings": (
                *filter(None, (discovery.note, _unproven(discovery, descriptions), _cut(discovery))),
                *reading.warnings,
                *extraction.warnings,
                *map(_slow, slow_stages(lab.ledger, work.run.token)),
            ),
            "blocks": work.blocks.given,
        }
    )
    status = runs.end(lab.ledger, work.run, status, message=message, due_at=due, report=report)
    return report.model_copy(update={"status": status})


def _confidence(lab: Lab, work: Work, reading: Reading, plan: Plan, lost: tuple[LostPage, ...]) -> float:
    """Pages that could not be read were never planned, but would have been: nobody knows what they show."""
    account = accounts.account(lab.ledger, document=work.document)
    planned = {*plan.shown, *(page.page for page in reading.lost)}
    return quality.confidence(
        [product.confidence for product in accounts.products(lab.ledger, work.document)],
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
    return f"{len(dropped)} answers of the language model were dropped: {'; '.join(abridge(dropped, _SHOWN))}"


def _cut(discovery: Discovery) -> str | None:
    """Pages of which a model has not seen the end."""
    cut = {each.page for each in discovery.rejected if each.rule == PAGE_CUT and each.page}
    return f"{_pages(cut)} held more text than the language model was shown to find products." if cut else None


def _slow(stage: SlowStage) -> str:
    one = "image" if stage.stage in (Stage.EMBEDDED, Stage.ASSEMBLED) else "page"
    each = stage.seconds / stage.units
    return (
        f"{stage.stage} took {stage.seconds:.1f} s: {each:.3g} s for one {one}, "
        f"{stage.times:.1f} × the usual {stage.usual:.3g} s."
    )


def _pages(numbers: set[int]) -> str:
    return f"Page {min(numbers)}" if len(numbers) == 1 else f"{len(numbers)} pages"
