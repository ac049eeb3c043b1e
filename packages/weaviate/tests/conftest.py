"""The server for the tests of Weaviate."""

from tests.weaviate_server import weaviate_server

__all__ = ["weaviate_server"]
