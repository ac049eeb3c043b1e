"""Print the results of `search`."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from interface.cli.terminal import cell, clean, table
from swatchbook.one_line import shorten
from swatchbook.records import Hit
from swatchbook.truncate import page_numbers


def draw_hits(hits: Sequence[Hit], *, explain: bool) -> RenderableType:
    """Return search results as a table, best first."""
    if not hits:
        return Text("No results. `swatchbook coverage` shows what is searchable.", "dim")
    scored = any(hit.score for hit in hits)  # none has one where nothing was searched for
    measure = "score" if hits[0].relevance is None else "relevant"
    measured = [measure] if scored else []
    columns = ["#", *measured, "result", "product", "code", "price", "document", "pages", "text"]
    rows = table(*columns, *(["roles"] if explain else []), right=("#", *measured, "pages"))
    for rank, hit in enumerate(hits, start=1):
        row = [
            cell(rank),
            *([cell(f"{hit.score if hit.relevance is None else hit.relevance:.0%}")] if scored else []),
            Text.assemble((clean(hit.title), "bold"), "\n", (f"{hit.id[:8]}{_alike(hit)}{_missing(hit)}", "dim")),
            cell(hit.product if hit.product != hit.title else ""),
            cell(hit.code or ""),
            cell(hit.price or ""),
            cell(hit.document),
            cell(page_numbers(hit.pages, hit.labels)),
            cell(shorten(hit.text or "", 90), "dim"),
        ]
        rows.add_row(*row, *([_explanation(hit)] if explain else []))
    return rows


def _alike(hit: Hit) -> str:
    return f"  +{len(hit.alike)} alike" if hit.alike else ""


def _missing(hit: Hit) -> str:
    return f"  without {', '.join(map(clean, hit.missing))}" if hit.missing else ""


def _explanation(hit: Hit) -> Text:
    parts = [
        f"{role} #{part['rank']:.0f} ({part['score']:.3f}) {part['share'] / hit.score:.0%}"
        for role, part in sorted(hit.why.items(), key=lambda pair: -pair[1]["share"])
    ]
    return Text("\n".join(parts), "dim")
