"""Write the coverage report: how much of the collection is embedded and searchable, in all and by owner.

It also has the stage times of the last week. The figures are from `coverage.py`, `owners.py` and `timings.py` in
`ledger/queries/`.
"""

from collections.abc import Sequence

from swatchbook.ledger.database import Ledger
from swatchbook.ledger.queries.coverage import count_coverage
from swatchbook.ledger.queries.owners import OwnerAccount, owner_accounts
from swatchbook.ledger.queries.timings import stage_weeks
from swatchbook.records import Coverage, Record, StageWeek
from swatchbook.reports.markdown import table
from swatchbook.reports.stages import STAGE_HEADER, stage_rows
from swatchbook.reports.stale import StaleRole, stale_roles
from swatchbook.settings import Settings


class CoverageReport(Record):
    """Coverage of the whole collection, and the account of each owner; those with the most missing images first."""

    whole: Coverage
    owners: tuple[OwnerAccount, ...]
    stale: tuple[StaleRole, ...] = ()
    stages: tuple[StageWeek, ...] = ()


def coverage_report(ledger: Ledger, settings: Settings) -> CoverageReport:
    """Read the current coverage from the ledger. `settings`: they name the models that vectors should be of."""
    return CoverageReport(
        whole=count_coverage(ledger),
        owners=tuple(owner_accounts(ledger)),
        stale=stale_roles(ledger, settings),
        stages=tuple(stage_weeks(ledger)),
    )


def as_markdown(report: CoverageReport) -> str:
    """Return the coverage of the whole collection as Markdown."""
    whole = report.whole
    documents = " · ".join(f"{count} {status}" for status, count in whole.documents.items()) or "none yet"
    rows = [
        ("documents", documents),
        ("owners", len(report.owners)),
        ("images with vectors", whole.share),
        ("not yet searchable", whole.unpublished),
    ]
    parts = ["# Coverage", table(("", ""), rows)]
    if whole.roles:
        counts = [(r.role, f"`{r.tag}`", r.wanted, r.done, r.pending, r.failed, r.rejected) for r in whole.roles]
        header = ("role", "tag", "requested", "done", "pending", "failed", "rejected")
        parts += ["## Roles", table(header, counts)]
    if report.stale:
        parts += ["## Stale", "\n".join(f"- {each.line}" for each in report.stale)]
    if report.stages:
        parts += ["## Stage times", *_slower_lines(report.stages), table(STAGE_HEADER, stage_rows(report.stages))]
    return "\n\n".join(parts)


def _slower_lines(stages: Sequence[StageWeek]) -> list[str]:
    slower = [f"- **Slower**: {each.line}" for each in stages if each.is_slower]
    return ["\n".join(slower)] if slower else []


def owner_rows(report: CoverageReport, most: int) -> list[dict[str, str | int]]:
    """Return one table row per owner, at most `most`, and a last row with the number of owners left out."""
    rows: list[dict[str, str | int]] = [account.model_dump() for account in report.owners[:most]]
    if (more := len(report.owners) - most) > 0:
        rows.append({"owner": f"… and {more} more"})
    return rows
