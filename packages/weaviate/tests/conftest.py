"""Fixtures of `tests/index`: the indexes, and a space of one's own in them."""

from tests.index.conftest import index, space, weaviate_server

__all__ = ["index", "space", "weaviate_server"]
