"""Print `swatchbook facets` (at most 12 values of a field), and the note under a search without results.

The note names the filter that matches nothing, with the nearest values, or the nearest result.
"""

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import cell, clean, table
from swatchbook.one_line import one_line
from swatchbook.records import Facet, Facets, Hit, Unmatched, page_name

MOST_SHOWN = 12
"""Values of a field in the terminal; `--json` has up to 100."""


def draw_facets(facets: Facets) -> RenderableType:
    """Return a table with a row for each field: its most frequent values, with counts."""
    plural = "" if facets.total == 1 else "s"
    parts: list[RenderableType] = [Text(f"{facets.total} {facets.by}{plural}", "bold")]
    if not facets.total:
        return parts[0]
    rows = table("--where", "values")
    for field, facet in facets.fields.items():
        if facet.values:
            rows.add_row(cell("--owner" if field == "owner" else f"{field}=", "bold"), cell(_values(facet)))
    if facets.price:
        price = facets.price
        span = f"{price.lowest:g} to {price.highest:g} {' or '.join(price.currencies)}".rstrip() + f" ({price.count})"
        rows.add_row(cell("price_min=, price_max=", "bold"), cell(span))
    return Group(*parts, rows)


def _values(facet: Facet) -> str:
    shown = facet.values[:MOST_SHOWN]
    others = len(facet.values) - len(shown) + facet.more
    listed = [f"{each.name or each.value} ({each.count})" for each in shown]
    return " · ".join([*listed, *([f"and {others} more"] if others else [])])


def describe_unmatched(missed: Unmatched) -> str:
    """Return one line: the filter, and the nearest values."""
    if missed.field == "price":
        filter_ = f"price {' and '.join(missed.asked)}"
    else:
        filter_ = " or ".join(f"{missed.field}={each}" for each in missed.asked)
    return f"Nothing has {filter_}. " + (f"Nearest: {' · '.join(missed.nearest)}." if missed.nearest else "")


def describe_nearest(hit: Hit) -> str:
    """Return one line: that nothing answers the question, and the result that has most to do with it."""
    page = f", page {page_name(hit.pages[0], hit.labels.get(hit.pages[0]))}" if hit.pages else ""
    return clean(f"Nothing close; the nearest is {one_line(hit.title)} ({hit.document}{page}).")
