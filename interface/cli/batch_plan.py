"""Print the plan of a scraped batch (`swatchbook ingest --plan`), which `sources/batch_plan.py` makes.

It has the first items as they would be read, the fields that were not understood, and a mapping to change.
"""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import cell, clean, table
from swatchbook.sources.batch_plan import BatchPlan, PlannedItem

_SHOWN_FIELDS = 20


def draw_batch_plan(plan: BatchPlan) -> RenderableType:
    """Return the plan of one batch: a row for each item, problems, fields that are not read, and the mapping."""
    rows = table("id", "title", "price", "brand", "category", "pictures", right=("pictures",))
    for item in plan.items:
        rows.add_row(*(cell(text) for text in _row(item)))
    parts: list[RenderableType] = [Text.assemble((clean(plan.name), "bold"), f"  {plan.format or 'unknown'}"), rows]
    parts += [Text(clean(f"{item.item}: {item.problem}"), "yellow") for item in plan.items if item.problem]
    if plan.unknown:
        parts.append(Text("Not understood:", "dim"))
        parts += [Text(clean(f"  {each.name}: {each.example}")) for each in plan.unknown[:_SHOWN_FIELDS]]
        if len(plan.unknown) > _SHOWN_FIELDS:
            parts.append(Text(f"  … and {len(plan.unknown) - _SHOWN_FIELDS} more", "dim"))
    parts.append(
        Text("\nNothing was ingested. To read it in another way, change this and give it with --mapping FILE:\n")
    )
    parts.append(Text(plan.mapping))
    return Group(*parts)


def _row(item: PlannedItem) -> tuple[str, ...]:
    data = item.metadata
    price = " ".join(filter(None, (data.get("price"), data.get("currency"))))
    return (
        item.item,
        item.title,
        price or "—",
        data.get("brand", "—"),
        data.get("category", "—"),
        _pictures(item.pictures),
    )


def _pictures(places: Sequence[str]) -> str:
    to_fetch = sum("://" in place for place in places)
    here = len(places) - to_fetch
    counted = [(here, "here"), (to_fetch, "to fetch")]
    return ", ".join(f"{count} {where}" for count, where in counted if count) or "0"
