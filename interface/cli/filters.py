"""`--where key=value`: filters of a search, as written on the command line."""

from collections.abc import Sequence

from pydantic import ValidationError

from swatchbook.index.base import Where

KEYS = {
    "document": "documents",
    "product": "products",
    "category": "category",
    "material": "material",
    "color": "colors",
    "page": "pages",
    "price_min": "price_min",
    "price_max": "price_max",
}
"""What may be written -> the filter's field. `document` is resolved by name or id; `product` is an id, or words of its
name.
"""

_SINGLE = {"price_min", "price_max"}


def parse_filters(written: Sequence[str]) -> tuple[Where, tuple[str, ...]]:
    """The filters, and the documents as they were written. A key given again means any of its values.

    Raises ValueError for an unknown key, a missing `=`, or a value of the wrong kind.
    """
    fields: dict[str, list[str]] = {}
    for part in written:
        key, sign, value = (piece.strip() for piece in part.partition("="))
        if not sign or not value or key not in KEYS:
            raise ValueError(f"{part!r}: write KEY=VALUE, KEY one of {', '.join(KEYS)}.")
        if key in _SINGLE and key in fields:
            raise ValueError(f"{key} is given twice.")
        fields.setdefault(KEYS[key], []).append(value)
    documents = tuple(fields.pop("documents", ()))
    try:
        where = Where.model_validate({name: v[0] if name in _SINGLE else v for name, v in fields.items()})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{first['loc'][0]}={first['input']}: {first['msg'].lower()}.") from error
    return where, documents
