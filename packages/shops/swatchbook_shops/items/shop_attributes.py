"""Keep the attributes of a product as its shop has them, so that an export to the same kind of shop gives them back.

Their facts, by which products of all sources are compared, have other names and are texts (`batch_facts.py`).
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from swatchbook.domain.records import Record

ANY = "Any"
"""The value of an option of a variant that is for any value. WooCommerce's files have an empty cell there."""


class ShopAttribute(Record):
    """An attribute of a product in its shop. `shared`: all products share it, so that they can be filtered by it.

    `default`: the value that is chosen before a customer chooses one.
    """

    name: str
    values: tuple[str, ...]
    visible: bool = False
    shared: bool = False
    default: str = ""


_ATTRIBUTES = TypeAdapter(tuple[ShopAttribute, ...])
_NAME = re.compile(r"attribute(\d+)name")


def attributes_in_columns(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return the attributes in a row of WooCommerce's as JSON, "" without any. `names`: flat name -> column."""
    found = list[ShopAttribute]()
    for number in (match[1] for key in names if (match := _NAME.fullmatch(key))):
        name, values, visible, shared, default = (
            row.get(names.get(f"attribute{number}{part}", "")) or ""
            for part in ("name", "values", "visible", "global", "default")
        )
        if name and values:
            found.append(
                ShopAttribute(
                    name=str(name),
                    values=tuple(map(str, values if isinstance(values, list) else [values])),
                    visible=str(visible) == "1",
                    shared=str(shared) == "1",
                    default=str(default),
                )
            )
    return _ATTRIBUTES.dump_json(tuple(found), exclude_defaults=True).decode() if found else ""


def stored_attributes(text: str) -> tuple[ShopAttribute, ...]:
    """Return the attributes in such a JSON text, none of any other text."""
    try:
        return _ATTRIBUTES.validate_json(text)
    except ValidationError:
        return ()


def as_shop_attributes(value: Any) -> str | None:
    """Return a JSON text of attributes as it is, None for any other value."""
    return value if isinstance(value, str) and stored_attributes(value) else None
