"""Products as Akeneo's API takes them, from the cells of its CSV: `name-en_US` is a value of the attribute `name` for
this locale. The type of the attribute decides what a value is: a text, a list, a number with its unit, a picture.
"""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from swatchbook.errors import InvalidReference
from swatchbook.export.akeneo_connection import Attribute, Place

PROPERTIES: Final = frozenset({"sku", "enabled", "family", "parent", "groups", "categories"})
"""Columns that are no attributes."""

PICTURES: Final = frozenset({"pim_catalog_image", "pim_catalog_file"})
"""Types of attributes whose value is a stored file."""

_LISTS = frozenset(
    {"pim_catalog_multiselect", "pim_assets_collection", "pim_catalog_asset_collection",
     "akeneo_reference_entity_collection", "pim_reference_data_multiselect"}
)  # fmt: skip
_PRICE, _MEASURE, _BOOLEAN = "pim_catalog_price_collection", "pim_catalog_metric", "pim_catalog_boolean"


class Column(NamedTuple):
    """A column of an attribute: where its value is, its type, and of a price the currency."""

    place: Place
    kind: str
    currency: str | None


def read_column(name: str, attribute: Attribute) -> Column:
    """Return what a column means: behind the code stand locale and channel, if the attribute has them, and currency.

    Raises InvalidReference for parts that the attribute does not have, or that are not given.
    """
    code, *parts = name.split("-")
    has = {"locale": attribute.has_locale, "channel": attribute.has_channel, "currency": attribute.kind == _PRICE}
    wanted = [each for each, needed in has.items() if needed]
    if len(parts) != len(wanted):
        right = "-".join([code, *(f"<{each}>" for each in wanted)])
        raise InvalidReference(
            f"The attribute {code!r} of the PIM is written as {right}, not as {name}.",
            advice="Change the mapping: docs/shops.md.",
        )
    given = dict(zip(wanted, parts, strict=True))
    return Column(Place(code, given.get("locale"), given.get("channel")), attribute.kind, given.get("currency"))


def picture_names(cells: Mapping[str, str], columns: Mapping[str, Column]) -> dict[Place, str]:
    """Return where a product has pictures, and the file name of each."""
    return {
        columns[name].place: PurePosixPath(value).name
        for name, value in cells.items()
        if value and name in columns and columns[name].kind in PICTURES
    }


def as_product(
    cells: Mapping[str, str], columns: Mapping[str, Column], pictures: Mapping[Place, str]
) -> dict[str, Any]:
    """Return a product in Akeneo's standard format. `pictures`: codes of stored files by their place."""
    product: dict[str, Any] = {"identifier": cells["sku"], "enabled": cells.get("enabled") not in ("0", "false")}
    for name in ("family", "parent"):
        if cells.get(name):
            product[name] = cells[name]
    for name in ("groups", "categories"):
        if cells.get(name):
            product[name] = _listed(cells[name])
    found: dict[Place, Any] = dict(pictures)
    for name, value in cells.items():
        column = columns.get(name)
        if column is None or not value or column.kind in PICTURES:
            continue
        if column.kind == _PRICE:
            found.setdefault(column.place, []).append({"amount": value, "currency": column.currency})
        else:
            found[column.place] = _data(column.kind, value)
    if found:
        product["values"] = _as_values(found.items())
    return product


def _as_values(found: Iterable[tuple[Place, Any]]) -> dict[str, list[dict[str, Any]]]:
    values = dict[str, list[dict[str, Any]]]()
    for place, data in found:
        values.setdefault(place.attribute, []).append({"locale": place.locale, "scope": place.channel, "data": data})
    return values


def _data(kind: str, value: str) -> Any:
    """Return a value as its type has it; a text that does not fit stays one, and the PIM says what it expects."""
    if kind in _LISTS:
        return _listed(value)
    if kind == _BOOLEAN and value.lower() in ("0", "1", "true", "false"):
        return value.lower() in ("1", "true")
    if kind == _MEASURE and len(words := value.split()) == 2:
        return {"amount": words[0], "unit": words[1]}
    return value


def _listed(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]
