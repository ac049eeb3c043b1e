"""The index server for tests of search."""

from tests.weaviate_server import weaviate_server

__all__ = ["weaviate_server"]
