"""Find entities: specifications (tables with two known labels, or three labels outside tables) and certificates.

`kinds.py` has the words that are certificates.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from swatchbook_base.records import Entity, Table, entity_id, normalise_line
from swatchbook_catalogue.attributes import Attribute, key_of

FEWEST_KEYS = 3  # the fewest different known labels outside tables that are a specification


def find_specifications(
    document_id: str, tables: Sequence[Table], loose: Mapping[int, Sequence[Attribute]], names: Mapping[int, str]
) -> list[Entity]:
    """Return an entity for each specification table, and each page with only `loose` labels; `names` are the pages'."""
    by_page: dict[int, list[Table]] = defaultdict(list)
    for table in tables:
        if is_specification(table):
            by_page[table.page].append(table)
    for page, attributes in loose.items():
        known = [a for a in attributes if a.known]
        if page not in by_page and len({a.key for a in known}) >= FEWEST_KEYS:
            by_page[page].append(
                Table(page=page, bbox=None, rows=tuple((a.label, normalise_line(a.value)) for a in known), header=False)
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
        for page, tables_of_page in sorted(by_page.items())
        for ordinal, table in enumerate(tables_of_page)
    ]


def _data(table: Table) -> dict[str, str]:
    """Return label -> value from a table's rows of two cells; values of a repeated label are joined by "; "."""
    data: dict[str, str] = {}
    for row in table.rows:
        label = normalise_line(row[0]).rstrip(" :：") if len(row) == 2 else ""
        value = normalise_line(row[1]) if label else ""
        if label and value and value not in data.get(label, "").split("; "):
            data[label] = f"{data[label]}; {value}" if label in data else value
    return data


def is_specification(table: Table) -> bool:
    """Whether a table's first row or column has two known labels, or one if the table has two columns."""
    if len(table.rows) < 2:
        return False
    top = sum(key_of(normalise_line(cell)) is not None for cell in table.rows[0])
    side = sum(bool(row) and key_of(normalise_line(row[0])) is not None for row in table.rows)
    return top >= 2 or side >= 2 or (side == 1 and all(len(row) == 2 for row in table.rows))


def find_certificates(document_id: str, pages_by_certificate: Mapping[str, Sequence[int]]) -> list[Entity]:
    """Return an entity for each certificate, on its first page. The pages of a certificate are in order."""
    ordinals: Counter[int] = Counter()
    entities = []
    for name, pages in pages_by_certificate.items():
        entities.append(
            Entity(
                id=entity_id(document_id, "certificate", pages[0], ordinals[pages[0]]),
                kind="certificate",
                page=pages[0],
                name=name,
                data={"pages": ", ".join(map(str, dict.fromkeys(pages)))},
            )
        )
        ordinals[pages[0]] += 1
    return entities
