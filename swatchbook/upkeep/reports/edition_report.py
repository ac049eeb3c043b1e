"""Compare editions, in full or for a run's report (the first 20 differences), and write differences as lines.

`compare_editions.py` matches products.
"""

from collections.abc import Iterator

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import Difference, EditionDiff, EditionReport, ListedProduct, Stage
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_editions import read_edition
from swatchbook.store.ledger.queries.stage_times import stage_timings
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.upkeep.reports.compare_editions import compare

REPORTED = 20
"""The most differences that a report names; `swatchbook products A diff B` has all of them."""


def compare_documents(ledger: Ledger, before: str, after: str) -> EditionDiff:
    """Return how the products of two documents differ. Raises InvalidReference for an unknown one."""
    return compare(read_edition(ledger, before), read_edition(ledger, after))


def report_edition(ledger: Ledger, document: str, run: str) -> EditionReport | None:
    """Return how a document differs from the one that it is an edition of; None if it is of none that is here."""
    older = get_document(ledger, document).edition_of
    if older is None:
        return None
    try:
        diff = compare_documents(ledger, older, document)
    except InvalidReference:  # as in a collection restored from a backup without it
        return None
    return EditionReport(
        edition_of=diff.before,
        added=len(diff.added),
        removed=len(diff.removed),
        renamed=len(diff.renamed),
        changed=len(diff.changed),
        unchanged=diff.unchanged,
        pictures=diff.pictures,
        pictures_unchanged=diff.pictures_unchanged,
        pictures_embedded=sum(each.units for each in stage_timings(ledger, run) if each.stage is Stage.EMBEDDED),
        lines=tuple(difference_lines(diff))[:REPORTED],
    )


def difference_lines(diff: EditionDiff) -> Iterator[str]:
    """Yield a line for each difference."""
    for change in (*diff.changed, *diff.renamed):
        yield f"{change.after.name}: {'; '.join(map(describe_difference, change.differences))}{_page(change.after)}"
    yield from (f"{product.name}: added{_page(product)}" for product in diff.added)
    yield from (f"{product.name}: removed{_page(product)}" for product in diff.removed)


def describe_difference(one: Difference) -> str:
    """Return one difference of a product as text: "price € 82.50 → € 85.00"."""
    if one.field == "name":
        return f"renamed from {one.before}"
    of = f" of {one.variant}" if one.variant else ""
    return f"{one.field}{of} {one.before or 'none'} → {one.after or 'none'}"


def count_line(**counts: int) -> str:
    """Return counts by name in one line, without those that are 0: "1 added, 1 removed, 9 unchanged"."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none"


def picture_line(pictures: int, unchanged: int) -> str:
    """Return how many pictures of an edition the older one has too."""
    return f"{unchanged:,} of {pictures:,} unchanged: their vectors are kept"


def _page(product: ListedProduct) -> str:
    return f" (page {product.page})" if product.page else ""
