"""End a run after its last stage: set its document's status, and when it is due again, and write its report.

It is due at the first next try of its items (`store/ledger/queries/account.py`). `run.py` ends a run after a failure.
"""

from collections.abc import Iterator

from ulid import ULID

from swatchbook.domain.product_doubts import NO_PRODUCTS, is_doubtful, tell_unclear, unclear_prices
from swatchbook.domain.records import (
    PAGE_CUT,
    DocumentStatus,
    ItemCounts,
    RunReport,
    Scan,
    Stage,
    StageResults,
    stage_reached,
)
from swatchbook.domain.runtime.memory import peak_memory_mb
from swatchbook.ingest.run import Work
from swatchbook.resources import Resources
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.page_findings import next_try_of_failed_pages
from swatchbook.store.ledger.queries.account import account, next_status
from swatchbook.store.ledger.queries.document import read_products
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.source_items import count_items
from swatchbook.store.ledger.stored_documents import TABLE, Document, get_document
from swatchbook.upkeep.reports.edition_report import report_edition
from swatchbook.upkeep.reports.stale import stale_roles
from swatchbook_base.truncate import truncate

_SHOWN_ANSWERS = 5
"""Dropped answers that a report names; the kept results of the stages have all of them."""


def finish_run(resources: Resources, work: Work, results: StageResults | Scan | None) -> RunReport:
    """Close the account, end the run and return its report. Raises RunRevoked.

    `results`: None of a run that only made items; what the report says of pages is then that of the last run.
    The document is completed, or waits for what is still due. Pages whose failure may be transient are due again in the
    next few runs; after that they stay named in the report.
    """
    ledger = resources.ledger
    runs.reach_stage(ledger, work.run, Stage.COMPLETED)
    status, due_at = next_status(ledger, work.document)
    message, items, sure = None, None, None
    document = get_document(ledger, work.document)
    if results is None:
        last = document.report
        sure, doubts, warnings = (last.sure, last.doubts, last.warnings) if last else (None, (), ())
    elif isinstance(results, StageResults):
        transient = {page.page for page in results.failed_pages if page.transient}
        if transient and (next_try := next_try_of_failed_pages(ledger, work.run)):
            status, due_at = DocumentStatus.WAITING, next_try if due_at is None else min(due_at, next_try)
            message = f"{_pages(transient)} could not be finished; the next run tries again."
        sure = results.discovery.sure
        answers = filter(None, (results.discovery.note, _dropped_answers(results), _truncated_pages(results)))
        doubts, warnings = tuple(_doubts(resources, work, results)), (*answers, *results.warnings)
    else:
        items = count_items(ledger, work.document, skipped=results.skipped)
        doubts, warnings = results.doubts, tuple(tell_gone_items(items, results, work.kind))
    report = document_report(ledger, work.document, run=work.run.token)
    waited = _waited_seconds(document, work.run, ledger.now())
    if items is not None:
        items = items.model_copy(update={"duration_seconds": waited})
    fit = resources.batch_sizes.get(work.run.token)
    report = report.model_copy(
        update={
            "edition": report_edition(ledger, work.document, work.run.token),
            "status": status,
            "stage": stage_reached(Stage.COMPLETED, status, report.images_pending),
            "message": message,
            "total_seconds": waited,
            "confidence_score": round(_confidence(resources, work, results), 4),
            "sure": None if sure is None else round(sure, 4),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "doubts": doubts,
            "warnings": tuple(
                dict.fromkeys(
                    (  # those of the last run have some of these lines already
                        *warnings,
                        *(fit.warnings() if fit else ()),
                        *(each.line for each in stale_roles(ledger, resources.settings, work.owner)),
                    )
                )
            ),
            "blocks": work.blocks.chosen,
            "items": items,
        }
    )
    status = runs.end(ledger, work.run, status, message=message, due_at=due_at, report=report)
    return report.model_copy(update={"status": status})


def _waited_seconds(document: Document, run: runs.Run, now: float) -> float:
    """Return the seconds since the document was asked for; since the run began if an earlier run had completed that."""
    since, last = document.commanded_at or document.created_at, document.report
    if last and last.run and last.status is DocumentStatus.COMPLETED and _began(last.run) > since:
        since = _began(run.token)
    return round(max(now - since, 0.0), 3)


def _began(run: str) -> float:
    return ULID.from_str(run).timestamp


def _doubts(resources: Resources, work: Work, results: StageResults) -> Iterator[str]:
    """Yield what a person should look at in a catalogue: print that was not read, products that may be missing, and
    prices that can be read in two ways.
    """
    yield from results.reading.doubts
    found = read_products(resources.ledger, work.document)
    if not found and (results.reading.doubts or is_doubtful(results.discovery.sure)):
        yield NO_PRODUCTS
    if unclear := [price for each in found for price in unclear_prices(each.metadata, each.variants)]:
        yield tell_unclear(unclear)


def _confidence(resources: Resources, work: Work, results: StageResults | Scan | None) -> float:
    """Return how far the account can be trusted, 0 to 1; 0 without products.

    It is the mean of the products' confidences × the share of planned pages that were not lost × the share of found
    images that are complete (1 where no page was planned or no image found). Pages that could not be read are in no
    plan, but count as planned: they may show products. The items of a folder are products beyond doubt.
    """
    counts = account(resources.ledger, document=work.document)
    images = counts.complete / counts.found if counts.found else 1.0
    if isinstance(results, Scan):
        return images
    products = [product.confidence for product in read_products(resources.ledger, work.document)]
    if not products:
        return 0.0
    planned, failed = set[int](), set[int]()  # a run that only makes items has no failed pages
    if results:
        planned = {*results.plan.shown, *(page.page for page in results.reading.lost)}
        failed = {page.page for page in results.failed_pages}
    pages = 1 - len(planned & failed) / len(planned) if planned else 1.0
    return sum(products) / len(products) * pages * images


def tell_gone_items(counts: ItemCounts, scan: Scan, kind: str) -> Iterator[str]:
    """Yield lines about items that were moved, and items that are no longer in their source, which is of this kind."""
    if scan.moved:
        yield f"Items that were moved, their pictures are at another place now: {scan.moved}."
    if scan.removed:
        yield f"Items that are no longer in their source and were removed: {scan.removed}."
    if counts.left_items:
        command = "import" if kind == TABLE else "ingest-images"
        gone = f"Items that are no longer in their source: {counts.left_items}"
        yield f"{gone}; `swatchbook {command} --mirror` removes them."


def _dropped_answers(results: StageResults) -> str | None:
    """Return a line about answers of the language model that no page confirms."""
    described = (evidence for description in results.descriptions for evidence in description.rejected)
    rejected = [*results.discovery.rejected, *described]
    dropped = [f"{each.text} ({each.rule})" for each in rejected if each.detail.get("model") and each.text]
    if not dropped:
        return None
    return f"{len(dropped)} answers of the language model were dropped: {'; '.join(truncate(dropped, _SHOWN_ANSWERS))}"


def _truncated_pages(results: StageResults) -> str | None:
    """Return a line about pages whose end the language model was not shown."""
    cut = {each.page for each in results.discovery.rejected if each.rule == PAGE_CUT and each.page}
    return f"{_pages(cut)} held more text than the language model was shown to find products." if cut else None


def _pages(numbers: set[int]) -> str:
    return f"Page {min(numbers)}" if len(numbers) == 1 else f"{len(numbers)} pages"
