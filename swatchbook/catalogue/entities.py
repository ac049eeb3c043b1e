"""Entities: specification tables and certificates, apart from products."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from swatchbook.catalogue.attributes import Attribute, key_of
from swatchbook.catalogue.layout import tidy
from swatchbook.records import Entity, Table, entity_id

FEWEST_KEYS = 3
"""So many different known labels make a specification of loose lines."""


def specifications(
    document_id: str, tables: Sequence[Table], loose: Mapping[int, Sequence[Attribute]], names: Mapping[int, str]
) -> list[Entity]:
    """One entity a specification table; a page without one but with several known labels gives one of these.

    `loose` holds the known labels of a page outside its tables, `names` what its specification is called.
    """
    found: dict[int, list[Table]] = defaultdict(list)
    for table in tables:
        if is_specification(table):
            found[table.page].append(table)
    for page, attributes in loose.items():
        known = [a for a in attributes if a.known]
        if page not in found and len({a.key for a in known}) >= FEWEST_KEYS:
            found[page].append(
                Table(page=page, bbox=None, rows=tuple((a.label, tidy(a.value)) for a in known), header=False)
            )
    return [
        Entity(
            id=entity_id(document_id, "specification", page, ordinal),
            kind="specification",
            page=page,
            name=names.get(page, "Specification"),
            data=_data(table),
            table=table,
        )
        for page, of_page in sorted(found.items())
        for ordinal, table in enumerate(of_page)
    ]


def _data(table: Table) -> dict[str, str]:
    """Label -> value of a table's rows of two; values of a repeated label are joined by "; "."""
    data: dict[str, str] = {}
    for row in table.rows:
        label = tidy(row[0]).rstrip(" :：") if len(row) == 2 else ""
        value = tidy(row[1]) if label else ""
        if label and value and value not in data.get(label, "").split("; "):
            data[label] = f"{data[label]}; {value}" if label in data else value
    return data


def is_specification(table: Table) -> bool:
    """Whether a table's first row or column holds known labels: two of them, or one in a table of two columns."""
    if len(table.rows) < 2:
        return False
    top = sum(key_of(tidy(cell)) is not None for cell in table.rows[0])
    side = sum(bool(row) and key_of(tidy(row[0])) is not None for row in table.rows)
    return top >= 2 or side >= 2 or (side == 1 and all(len(row) == 2 for row in table.rows))


def certificates(document_id: str, named: Mapping[str, Sequence[int]]) -> list[Entity]:
    """One entity a certificate, on the first page that names it; `named` is certificate -> pages, in order."""
    ordinals: Counter[int] = Counter()
    made = []
    for name, pages in named.items():
        made.append(
            Entity(
                id=entity_id(document_id, "certificate", pages[0], ordinals[pages[0]]),
                kind="certificate",
                page=pages[0],
                name=name,
                data={"pages": ", ".join(map(str, dict.fromkeys(pages)))},
            )
        )
        ordinals[pages[0]] += 1
    return made
