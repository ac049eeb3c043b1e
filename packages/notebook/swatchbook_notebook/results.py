"""Show search results, reports and statistics in a notebook as HTML, or as pandas frames.

The HTML contains thumbnails of at most 160 pixels a side (data URIs); everything else is escaped, and it has no
scripts.
"""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

from swatchbook.domain.errors import Failure
from swatchbook.domain.extras import require_extra
from swatchbook.domain.records import Coverage, Hit, Record, RunReport, SearchResults, page_name
from swatchbook.search import title_of_others
from swatchbook.store.ledger.queries.account import Account
from swatchbook.upkeep.reports.merged_failures import merge_roles
from swatchbook_base.one_line import one_line, shorten
from swatchbook_base.truncate import truncate

if TYPE_CHECKING:
    from pandas import DataFrame

THUMBNAIL_SIDE = 160
"""Most pixels of the longer side: a thumbnail takes a few kB of the notebook's file."""

_MAX_TEXT = 200  # characters of a text below a picture
_SHOWN_FAILURES = 10  # of each document

T = TypeVar("T", bound=Record)
Thumbnail = Callable[[str], bytes]
"""File-store key -> the picture as a small JPEG. Raises Failure."""


def as_frame(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> "DataFrame":
    """Return rows as a pandas frame. Raises MissingExtra if pandas is not installed."""
    require_extra("notebook", "A frame")
    from pandas import DataFrame

    return DataFrame(list(rows), columns=list(columns))


class Shown(list[T]):
    """Records that a notebook shows as HTML, and that are a frame with a column for each of `columns`."""

    columns: Sequence[str] = ()

    def frame(self) -> "DataFrame":
        """Return one row for each as a pandas frame."""
        return as_frame((record.model_dump(include=set(self.columns)) for record in self), self.columns)


class Results(Shown[Hit]):
    """Search results, best first. `unmatched`: of a search without results, the filters that nothing matches.

    `total`: how many there are, `next`: the offset of those after these.
    Those that are not `close` come last.
    """

    columns = (
        "id", "kind", "score", "title", "relevance", "close", "document", "document_id", "pages", "product",
        "product_id", "code", "price", "text", "images", "why",
    )  # fmt: skip

    def __init__(self, found: SearchResults, thumbnail: Thumbnail) -> None:
        super().__init__(found.hits)
        self.unmatched = found.unmatched
        self.total, self.next = found.total, found.next
        self._thumbnail = thumbnail

    def __repr__(self) -> str:
        lines = [f"{hit.score:.3f}  {shorten(one_line(hit.title), 80)}  {hit.id}" for hit in self]
        return "\n".join(self._with_title(lines, str) or [self._nothing()])

    def _repr_html_(self) -> str:
        if not self:
            return f"<p>{escape(self._nothing())}</p>"
        shown = self._with_title([*map(self._figure, self)], lambda title: f'<p style="flex-basis:100%">{title}</p>')
        return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{"".join(shown)}</div>'

    def _with_title(self, drawn: list[str], draw: Callable[[str], str]) -> list[str]:
        """Return the drawn results with a line above those that are not close."""
        close = sum(hit.close for hit in self)
        title = [draw(title_of_others(any_close=close > 0))] if close < len(drawn) else []
        return [*drawn[:close], *title, *drawn[close:]]

    def _nothing(self) -> str:
        return " ".join(["Nothing found.", *(each.sentence for each in self.unmatched)])

    def _figure(self, hit: Hit) -> str:
        place = hit.document + (f", page {page_name(hit.pages[0], hit.labels.get(hit.pages[0]))}" if hit.pages else "")
        lines = [place, *([f"score {hit.score:.3f}"] if hit.score else [])]
        if hit.kind == "chunk":
            lines.insert(0, shorten(one_line(hit.text or ""), _MAX_TEXT))
        return (
            f'<figure style="margin:0;width:{THUMBNAIL_SIDE}px;font-size:12px{"" if hit.close else ";opacity:.6"}">'
            f"{self._picture(hit)}"
            f"<figcaption><b>{escape(one_line(hit.title))}</b><br>"
            f"{'<br>'.join(escape(one_line(line)) for line in lines)}</figcaption></figure>"
        )

    def _picture(self, hit: Hit) -> str:
        if hit.file is None:
            return ""
        try:
            data = base64.b64encode(self._thumbnail(hit.file)).decode()
        except Failure as failure:
            return f"<p>{escape(str(failure))}</p>"
        return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(one_line(hit.title))}">'


class Reports(Shown[RunReport]):
    """The account of each document that was ingested."""

    columns = (
        "document_id", "name", "status", "images_found", "images_complete", "images_partial", "images_failed",
        "images_rejected", "images_pending", "products_discovered", "cost_usd", "failed_images", "doubts", "warnings",
    )  # fmt: skip

    def __repr__(self) -> str:
        return "\n".join(
            f"{one_line(r.name)}: {r.status}, {r.images_complete} of {r.images_found} images complete" for r in self
        )

    def _repr_html_(self) -> str:
        shown = (
            "name",
            "status",
            "images_found",
            "images_complete",
            "images_failed",
            "images_rejected",
            "images_pending",
        )
        failed = [line for report in self for line in truncate(_failures(report), _SHOWN_FAILURES)]
        rows = [[getattr(report, name) for name in shown] for report in self]
        return _table([name.replace("images_", "") for name in shown], rows) + "".join(
            f"<p>{escape(one_line(each))}</p>" for each in failed
        )


def _failures(report: RunReport) -> list[str]:
    """Return what failed, each once for all its roles, by its path or page."""
    failed = merge_roles((*report.failed_images, *report.other_failures))
    places = [f.place or (f"page {f.page_number}" if f.page_number else f.subject) for f in failed]
    return [f"{place}: {f.error}" for place, f in zip(places, failed, strict=True)]


class Overview(Record):
    """The searchable part of an owner's collection: the account of its images, and the coverage by role."""

    owner: str
    account: Account
    coverage: Coverage

    def frame(self) -> "DataFrame":
        """Return one row for each role and tag as a pandas frame."""
        roles = [role.model_dump(mode="json") for role in self.coverage.roles]
        return as_frame(roles, ("role", "tag", "wanted", "done", "failed", "rejected", "pending"))

    def _repr_html_(self) -> str:
        states = ("found", "complete", "partial", "failed", "rejected", "pending")
        roles = [role.model_dump(mode="json") for role in self.coverage.roles]
        share = f"{self.coverage.coverage_percentage:g} % of the images have vectors"
        return (
            f"<p>{escape(self.owner)}: {share if self.coverage.total_images else 'no images yet'}</p>"
            + _table(states, [[getattr(self.account, state) for state in states]])
            + _table(("role", "tag", "wanted", "done", "failed"), [
                [role[name] for name in ("role", "tag", "wanted", "done", "failed")] for role in roles
            ])
        )  # fmt: skip


def _table(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return an HTML table, all of it escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{escape(one_line(str(v)))}</td>' for v in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
