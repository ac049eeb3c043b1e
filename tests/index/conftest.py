"""The two indexes, the one of a plugin, and a space of one's own in them."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from swatchbook.domain.plugins import Kind, find
from swatchbook.domain.records import Role
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import Index, Space
from swatchbook.index.lance import LanceIndex, open_index
from swatchbook.index.plugin_index import open_plugin
from swatchbook_weaviate.schema import Layout
from tests.plugins.conftest import CODE, install
from tests.weaviate_server import WEAVIATE

__all__ = ["install"]

numbers = count()
_NIGHTLY = [
    *(pytest.param(name, marks=[pytest.mark.stack, pytest.mark.nightly]) for name in ("minio", "tenants")),
    pytest.param("plugin", marks=pytest.mark.nightly),
]


@pytest.fixture(params=["lance", WEAVIATE, *_NIGHTLY])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    made: Index
    if request.param == "lance":
        made = LanceIndex(tmp_path / "index")
    elif request.param == "minio":
        bucket = request.getfixturevalue("minio_bucket")
        made = open_index(Settings(home=tmp_path, index_url=f"{bucket.url}/shop/index"))
    elif request.param == "plugin":
        request.getfixturevalue("install")(CODE["open_index"], {Kind.INDEX: {"mine": "open_index"}})
        made = open_plugin(find(Kind.INDEX, "mine"), Settings(home=tmp_path))
    else:
        layout = Layout(tenants=request.param == "tenants")
        made = request.getfixturevalue("weaviate_server").index(layout)
    yield made
    made.close()


@pytest.fixture
def space(index: Index) -> Iterator[Space]:
    own = Space(role=Role.VISUAL, tag=f"test@{next(numbers)}/plain", dimension=8)
    index.ensure(own)
    yield own
    index.drop(own)
