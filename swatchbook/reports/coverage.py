"""How much of everybody's collection is embedded and searchable, and whose is not."""

from collections.abc import Sequence

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.queries import account as queries_account
from swatchbook.ledger.queries.account import Coverage
from swatchbook.ledger.queries.owners import OwnerAccount, owner_accounts
from swatchbook.records import Record


class CoverageReport(Record):
    """The whole, and every owner's account; who misses most comes first."""

    whole: Coverage
    owners: tuple[OwnerAccount, ...]


def coverage_report(ledger: Ledger) -> CoverageReport:
    """The ledger as it stands."""
    return CoverageReport(whole=queries_account.coverage(ledger), owners=tuple(owner_accounts(ledger)))


def as_markdown(report: CoverageReport) -> str:
    """The whole as Markdown."""
    whole = report.whole
    documents = " · ".join(f"{count} {status}" for status, count in whole.documents.items()) or "none yet"
    rows = [
        ("documents", documents),
        ("owners", len(report.owners)),
        ("images with vectors", f"{whole.with_embeddings} of {whole.total_images} ({whole.coverage_percentage:g} %)"),
        ("not yet searchable", whole.unpublished),
    ]
    parts = ["# Coverage", _table(("", ""), rows)]
    if whole.roles:
        figures = [(r.role, f"`{r.tag}`", r.wanted, r.done, r.pending, r.failed, r.rejected) for r in whole.roles]
        head = ("role", "made by", "wanted", "done", "pending", "failed", "rejected")
        parts += ["## What is made", _table(head, figures)]
    return "\n\n".join(parts)


def owner_rows(report: CoverageReport, most: int) -> list[dict[str, str | int]]:
    """One row an owner, for a table; a last one counts those that it leaves out."""
    rows: list[dict[str, str | int]] = [account.model_dump() for account in report.owners[:most]]
    if (more := len(report.owners) - most) > 0:
        rows.append({"owner": f"… and {more} more"})
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [_row(head), _row(["---", *["---:"] * (len(head) - 1)]), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
