"""One Weaviate for a whole test session: on free ports, with its own key and folder, stopped by pid."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from devtools.weaviate import find_server, free_ports, start
from swatchbook.domain.errors import Configuration
from swatchbook_weaviate.index import DEFAULT_LAYOUT, WeaviateIndex
from swatchbook_weaviate.schema import Layout

WEAVIATE = pytest.param("weaviate", marks=pytest.mark.stack)
"""The parameter of a test that asks for the fixture `weaviate_server` when it runs."""


@dataclass(frozen=True)
class RunningWeaviate:
    url: str
    port: int
    grpc_port: int
    api_key: str

    def index(self, layout: Layout = DEFAULT_LAYOUT) -> WeaviateIndex:
        return WeaviateIndex(self.url, grpc_port=self.grpc_port, api_key=self.api_key, layout=layout)


@pytest.fixture(scope="session")
def weaviate_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWeaviate]:
    try:
        find_server()
    except Configuration as reason:
        pytest.skip(str(reason))
    port, grpc_port = free_ports(2)
    key = "a key for tests"
    server = start(tmp_path_factory.mktemp("weaviate"), port=port, grpc_port=grpc_port, api_key=key)
    yield RunningWeaviate(server.url, port, grpc_port, key)
    server.stop()
