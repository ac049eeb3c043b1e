"""Describe the state of a document for people, with a word, a sentence and a severity, the same in all interfaces.

No state is `good` while something waits or has failed.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Literal

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.product_doubts import NO_PRODUCTS, is_doubtful
from swatchbook.domain.records import (
    PROGRESS,
    DocumentStatus,
    ImageCounts,
    ItemCounts,
    Record,
    RunReport,
    ShownProgress,
    ShownState,
    Stage,
    overall_percent,
    stage_reached,
)
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.coverage import completed_with_rest, count_documents
from swatchbook.store.ledger.run_queries import LiveRun
from swatchbook.store.ledger.stored_documents import PDF, Document, get_document
from swatchbook.upkeep.reports.merged_failures import merge_roles
from swatchbook_base.truncate import truncate


class Outcome(Record):
    """Counts of a document's items if it is a folder or batch, else of its images.

    `failed`: all that lack something for good; of images also `partial` and `rejected` of them, as the account has
    them. `lacking`: items without all of their pictures. `other`: failures of pages, texts and the index. `doubts`:
    what a person should look at.
    """

    unit: Literal["image", "item"] = "image"
    found: int = 0
    failed: int = 0
    partial: int = 0
    rejected: int = 0
    lacking: int = 0
    waiting: int = 0
    other: int = 0
    doubts: tuple[str, ...] = ()


LOOK_AT_IT: Final = "completed, look at it"


def outcome_of_report(report: RunReport | None) -> Outcome:
    """Return the outcome in a report; None without one."""
    if report is None:
        return Outcome()
    other = sum(each.subject != "item" for each in report.other_failures)
    if report.items is not None and report.items.total_items:
        return outcome_of_items(report.items).model_copy(update={"other": other, "doubts": report.doubts})
    counts = _count_images(
        ImageCounts(**{name: getattr(report, f"images_{name}") for name in ImageCounts.model_fields})
    )
    if not counts["failed"] and not counts["waiting"]:  # what the index refused is no state of an image
        other += len(report.failed_images)
    return Outcome.model_validate(counts | {"other": other, "doubts": report.doubts})


def outcome_of_items(items: ItemCounts) -> Outcome:
    """Return the outcome of a folder or batch."""
    lacking = items.partial_items + items.bare_items
    return Outcome(
        unit="item", found=items.total_items, failed=items.failed_items, lacking=lacking, waiting=items.pending_items
    )


def outcome_of_account(document: Document, account: ImageCounts) -> Outcome:
    """Return the outcome of a document whose images were counted now; the rest is that of its last report."""
    last = outcome_of_report(document.report)
    return last.model_copy(update=_count_images(account)) if last.unit == "image" else last


def _count_images(account: ImageCounts) -> dict[str, int]:
    """Return the fields of an outcome that an account has."""
    failed = account.partial + account.failed + account.rejected
    states = {"partial": account.partial, "rejected": account.rejected}
    return {"found": account.found, "failed": failed, "waiting": account.pending, **states}


def describe_state(
    status: DocumentStatus, outcome: Outcome, *, now: float, next_try: float | None = None, progress: str | None = None
) -> ShownState:
    """Return what people are shown. Times are Unix seconds; `progress`: what its live run does, in words."""
    match status:
        case DocumentStatus.QUEUED:
            first = "It starts within a minute, or after the documents before it."
            return ShownState(word="queued", sentence=first, severity="neutral")
        case DocumentStatus.RUNNING:
            return ShownState(word="running", sentence=progress or "It is about to begin.", severity="active")
        case DocumentStatus.WAITING:
            return ShownState(word="waiting", sentence=_waiting(outcome, next_try, now), severity="warning")
        case DocumentStatus.BLOCKED:
            again = f"; next try {format_moment(next_try, now)}" if next_try is not None else ""
            return ShownState(word="blocked", sentence=f"A person must act first{again}.", severity="bad")
        case DocumentStatus.FAILED:
            return ShownState(word="failed", sentence="It will not be tried again by itself.", severity="bad")
        case DocumentStatus.CANCELLED:
            return ShownState(word="cancelled", sentence="A person stopped it.", severity="neutral")
        case DocumentStatus.DELETING:
            return ShownState(word="deleting", sentence="It is being deleted.", severity="neutral")
        case DocumentStatus.COMPLETED:
            return _completed(outcome)


def _completed(outcome: Outcome) -> ShownState:
    if outcome.waiting:  # asked for since, so that its next run makes it
        return ShownState(word="waiting", sentence=_waiting(outcome, None, 0.0), severity="warning")
    if not outcome.failed and not outcome.other:
        if not outcome.lacking and not outcome.doubts:
            return ShownState(word="completed", sentence="All done.", severity="good")
        first = _lacking(outcome) if outcome.lacking else outcome.doubts[0]
        more = len(outcome.doubts) - (not outcome.lacking)
        sentence = f"{first}{f' And {more} more.' if more else ''}"
        return ShownState(word=LOOK_AT_IT, sentence=sentence, severity="warning")
    sentence = f"Failures: {failures_in_words(outcome)}."
    if outcome.found and outcome.failed >= outcome.found:
        return ShownState(word="failed", sentence=sentence, severity="bad")
    return ShownState(word="completed with failures", sentence=sentence, severity="warning")


def failures_in_words(outcome: Outcome) -> str:
    """Return what has failed: "3 of 46 images (2 partial, 1 rejected), 2 pages or texts"."""
    states = f" ({', '.join(_states(outcome))})" if outcome.partial or outcome.rejected else ""
    parts = [f"{outcome.failed:,} of {_units(outcome)}{states}"] if outcome.failed else []
    if outcome.other:
        parts.append(f"{outcome.other:,} {'page or text' if outcome.other == 1 else 'pages or texts'}")
    return ", ".join(parts)


def _states(outcome: Outcome) -> list[str]:
    """Return what has failed by state, as the account counts it: ["2 partial", "1 failed"]."""
    failed = outcome.failed - outcome.partial - outcome.rejected
    states = (("partial", outcome.partial), ("failed", failed), ("rejected", outcome.rejected))
    return [f"{count:,} {state}" for state, count in states if count]


def _lacking(outcome: Outcome) -> str:
    return f"{outcome.lacking:,} of {_units(outcome)} without all of their pictures."


def _waiting(outcome: Outcome, next_try: float | None, now: float) -> str:
    """Return what waits, what has failed for good, and the next try: "Waiting: 14 of 46 images, next try 21:15 UTC"."""
    parts = [f"{outcome.waiting:,} of {_units(outcome)}"] if outcome.waiting else []
    parts += _states(outcome)
    parts.append(f"next try {format_moment(next_try, now)}" if next_try is not None else "next try soon")
    return f"Waiting: {', '.join(parts)}."


def _units(outcome: Outcome) -> str:
    return f"{outcome.found:,} {outcome.unit}{'' if outcome.found == 1 else 's'}"


def format_moment(moment: float, now: float) -> str:
    """Return a time in UTC, to the minute: with its date if it is another day, "now" if it has come."""
    if moment <= now:
        return "now"
    when, today = datetime.fromtimestamp(moment, UTC), datetime.fromtimestamp(now, UTC)
    return when.strftime("%H:%M UTC" if when.date() == today.date() else "%Y-%m-%d %H:%M UTC")


def describe_report(report: RunReport, *, now: float, next_try: float | None = None) -> ShownState:
    """Return what people are shown of the document of a report; the next try, if it waits, is the document's."""
    return describe_state(report.status, outcome_of_report(report), now=now, next_try=next_try)


_REASONS: Final = 3
"""Failures whose reasons a retry names."""


def describe_retry(before: Document, report: RunReport | None, *, force: bool, starts: bool = True) -> str:
    """Return what a retry does to a document, `before` as it was; `report`: of one with nothing to do.

    `starts`: whether something starts documents that are due.
    """
    if report is None:
        return _describe_again(before, starts=starts)
    failed = merge_roles((*report.failed_images, *report.other_failures))
    if not failed:
        return "Nothing to do: nothing failed."
    places = ((each.path or (f"page {each.page_number}" if each.page_number else each.subject)) for each in failed)
    reasons = [f"{place}: {each.error}" for place, each in zip(places, failed, strict=True)]
    can_force = report.images_rejected and not force
    advice = " With `force` rejected pictures are tried again whose file could be read." if can_force else ""
    outcome = outcome_of_report(report)
    words = f"{failed_words} failed for good." if (failed_words := failures_in_words(outcome)) else _lacking(outcome)
    return (
        f"Nothing is tried again: {words} "
        f"{' '.join(truncate(reasons, _REASONS))} Correct the source and ingest it again.{advice}"
    )


def _describe_again(before: Document, *, starts: bool) -> str:
    if before.status is DocumentStatus.RUNNING:
        return "It is being processed. What can be tried again is tried by this run or the next."
    again = "The document will be processed again."
    if not starts:
        again = "The document is due, but nothing starts it now: `swatchbook doctor` and `GET /health` say why."
    if before.message and before.status is DocumentStatus.FAILED:
        return (
            f"{again} It was rejected before: {before.message} It will be rejected again unless a setting has changed; "
            "a corrected file has to be ingested."
        )
    if before.message and before.status is DocumentStatus.BLOCKED:
        return f"{again} It was blocked before: {before.message} It will be blocked again unless that is mended."
    return again


def describe_end(ledger: Ledger, report: RunReport) -> ShownState:
    """Return what people are shown of a document whose run has ended with this report; it may be deleted by now."""
    next_try = None
    with suppress(InvalidReference):
        next_try = get_document(ledger, report.document_id).due_at
    return describe_report(report, now=ledger.now(), next_try=next_try)


def describe_account(
    document: Document, account: ImageCounts, *, now: float, progress: str | None = None
) -> ShownState:
    """Return what people are shown of a document whose images were counted now; the rest is that of its last report."""
    outcome = outcome_of_account(document, account)
    return describe_state(document.status, outcome, now=now, next_try=document.due_at, progress=progress)


def describe_document(document: Document, *, now: float, progress: str | None = None) -> ShownState:
    """Return what people are shown of a document, by its last report."""
    outcome = outcome_of_report(document.report)
    return describe_state(document.status, outcome, now=now, next_try=document.due_at, progress=progress)


def count_states(ledger: Ledger, owner: str | None = None) -> dict[str, int]:
    """Return the word for a state -> the number of documents of an owner, or of all, that are in it."""
    counts = Counter(count_documents(ledger, owner))
    for each in completed_with_rest(ledger, owner):
        outcome = Outcome(**each._asdict() | {"doubts": ("",) * each.doubts})
        counts[DocumentStatus.COMPLETED] -= 1
        counts[describe_state(DocumentStatus.COMPLETED, outcome, now=0.0).word] += 1
    return {word: count for word, count in counts.items() if count}


_HOW: Final = "(swatchbook teach), or ask a language model (SWATCHBOOK_DISCOVERY=llm)."
_IF_DOUBTFUL: Final = (
    f"It may offer some: show two names on a page {_HOW}",
    f"Check its names before you use them. If they are wrong, show two right ones on a page {_HOW}",
)
"""What to do about a doubtful document without products, and with some."""


def describe_sureness(sure: float | None, products: int) -> str | None:
    """Return how sure the products of a document are, and what to do if it is doubtful; None if it is not known."""
    if sure is None:
        return None
    advice = f" {_IF_DOUBTFUL[bool(products)]}" if is_doubtful(sure) else ""
    if not products:
        return f"{NO_PRODUCTS}{advice}" if advice else f"No products found ({100 * sure:.0f} % sure)."
    return f"Are these its products? {100 * sure:.0f} % likely.{advice}"


def percent_done(document: Document, outcome: Outcome, run: LiveRun | None = None) -> float:
    """Return how much of a document's work is done, 0 to 100; all only where nothing of it waits."""
    if run is not None and run.stage is not None:
        return overall_percent(run.stage, run.done, run.total)
    stage = stage_reached(document.stage, document.status, outcome.waiting)
    if stage is Stage.EXTRACTED:
        return overall_percent(Stage.EMBEDDED, outcome.found - outcome.waiting, outcome.found)
    return PROGRESS[stage][1]


def describe_progress(run: LiveRun | None) -> ShownProgress:
    """Return what a live run does; without a run, or before its first stage, that it starts."""
    if run is None or run.stage is None:
        return ShownProgress(step="Starting", unit="", done=0, total=0, sentence="Starting")
    return describe_step(run.source, run.stage, run.done, run.total, run.note)


def describe_step(kind: str, stage: Stage, done: int = 0, total: int = 0, note: str | None = None) -> ShownProgress:
    """Return the work that leads to a stage of a document of this kind, in words."""
    of_items = {Stage.EXTRACTED: ("Scanning", "item"), Stage.ASSEMBLED: ("Adding to the search", "")}
    step, unit = _STEPS[stage] if kind == PDF else of_items.get(stage, _STEPS[stage])
    current = min(done + 1, total)  # the one at work
    if not total:
        sentence = step
    elif stage is Stage.READ:
        sentence = f"Reading page {current:,} of {total:,}"
    elif unit in ("page", "item"):
        sentence = f"{step}: {unit} {current:,} of {total:,}"
    else:
        sentence = f"{step}: {done:,} of {total:,}"
    if note:
        sentence += f", {note}"
    return ShownProgress(step=step, unit=unit, done=done, total=total, sentence=sentence)


_STEPS: Final[Mapping[Stage, tuple[str, str]]] = {
    Stage.REGISTERED: ("Starting", ""),
    Stage.READ: ("Reading pages", "page"),
    Stage.DISCOVERED: ("Finding products", "page"),
    Stage.PLANNED: ("Choosing pages", ""),
    Stage.CHUNKED: ("Preparing texts", ""),
    Stage.EXTRACTED: ("Extracting pictures", "page"),
    Stage.EMBEDDED: ("Making pictures searchable", "picture"),
    Stage.ASSEMBLED: ("Linking products", ""),
    Stage.COMPLETED: ("Writing the report", ""),
}
