"""Print the tables of `swatchbook stats` and `swatchbook near-duplicates`."""

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.coverage_tables import draw_coverage
from interface.cli.terminal import cell, clean, facts, plural, table
from swatchbook.records import ImageState, NearDuplicates, Statistics
from swatchbook.truncate import page_numbers

_STATES = (ImageState.COMPLETE, ImageState.PARTIAL, ImageState.FAILED, ImageState.REJECTED, ImageState.PENDING)


def draw_statistics(statistics: Statistics) -> RenderableType:
    """Return images by state, by role and model, and by kind of failure, and how alike a sample of them is."""
    images = statistics.images
    states = " + ".join(f"{getattr(images, state.value):,} {state.value}" for state in _STATES)
    parts: list[RenderableType] = [facts([("images", f"{images.found:,} = {states}")])]
    parts.append(draw_coverage(statistics.coverage))
    if statistics.failures:
        kinds = table("failure", "images", right=("images",))
        for kind, count in statistics.failures.items():
            kinds.add_row(cell(kind, "red"), cell(f"{count:,}"))
        parts.append(kinds)
    if statistics.similarity:
        rows = table("role", "nearest neighbour", "of", right=("nearest neighbour",))
        for each in statistics.similarity:
            mean = None if each.mean is None else f"{each.mean:.2f}"
            rows.add_row(cell(each.role, "bold"), cell(mean), cell(plural(each.sample, "object"), "dim"))
        parts += [rows, Text("nearest neighbour: mean cosine similarity of a sample; 1.00 means equal ones.", "dim")]
    return Group(*parts)


def draw_near_duplicates(found: NearDuplicates) -> RenderableType:
    """Return the groups as a table, one image a row, the largest picture of each group first."""
    if not found.groups:
        return Text("No images show nearly the same picture.", "dim")
    rows = table("group", "image", "product", "document", "pages", right=("group", "pages"))
    for number, group in enumerate(found.groups, start=1):
        for place, hit in enumerate(group):
            rows.add_row(
                cell("" if place else number),
                Text.assemble((clean(hit.title), "bold"), "  ", (hit.id[:8], "dim")),
                cell(hit.product if hit.product != hit.title else ""),
                cell(hit.document),
                cell(page_numbers(hit.pages, hit.labels)),
            )
    more = [Text(f"… and {plural(found.more, 'more group')}: --limit lists them.", "dim")] if found.more else []
    return Group(rows, *more)
