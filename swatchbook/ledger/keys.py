"""By which of its keys an image's items of a role are kept."""

from collections.abc import Mapping

from sqlalchemy import Column, ColumnElement, case

from swatchbook.ledger.tables import images
from swatchbook.records import Role

_OTHERS: Mapping[str, Column[str]] = {Role.UNDERSTANDING: images.c.text_key, Role.MULTIMODAL: images.c.pair_key}
"""All else is made of the picture alone."""


def column_of(role: str) -> Column[str]:
    """The column of `images` that holds the key."""
    return _OTHERS.get(role, images.c.content_key)


def key_of(role: ColumnElement[str]) -> ColumnElement[str]:
    """The key, of a role that is known to the query alone."""
    return case(*((role == name, column) for name, column in _OTHERS.items()), else_=images.c.content_key)
