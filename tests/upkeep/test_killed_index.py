"""A Weaviate server that is killed loses the vectors that it took in last; the loop finds and writes them again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.weaviate import Server, free_ports, start
from swatchbook.index.weaviate import WeaviateIndex
from swatchbook.ledger.space_registry import registered
from swatchbook.resources import Resources
from swatchbook.upkeep.verify import RestartWatch, verify
from tests.upkeep.test_verify import assert_whole, make

pytestmark = pytest.mark.stack


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Server]]:
    """A server of this test's own, in a list, so that another one can take its place."""
    port, grpc_port = free_ports(2)
    running = [start(tmp_path / "weaviate", port=port, grpc_port=grpc_port)]
    monkeypatch.setenv("SWATCHBOOK_INDEX", "weaviate")
    monkeypatch.setenv("SWATCHBOOK_WEAVIATE_URL", running[0].url)
    monkeypatch.setenv("SWATCHBOOK_WEAVIATE_GRPC_PORT", str(grpc_port))
    yield running
    running[-1].stop()


def lost(resources: Resources) -> set[str]:
    """Ids of the objects that a search by their own vector does not find in some space."""
    assert isinstance(resources.index, WeaviateIndex)
    found = set[str]()
    for space in [each.space for each in registered(resources.ledger)]:
        objects = resources.index.fetch(space, [*resources.index.ids(space)])
        by_search = {
            each for each, found in objects.items() if each not in
            {match.id for match in resources.index.search(space, found.vector, 100)}
        }  # fmt: skip
        assert by_search == {*resources.index.lost_vectors(space)}
        found |= by_search
    return found


def test_what_a_killed_server_lost_is_found_and_written_again(
    server: list[Server], home: Path, resources: Resources, tmp_path: Path
) -> None:
    make(resources, *(f"picture {number}" for number in range(60)))
    watch = RestartWatch()
    assert (watch.repair(resources), lost(resources)) == (0, set())
    server[-1].process.kill()
    server[-1].process.wait()
    server.append(start(tmp_path / "weaviate", port=server[-1].port, grpc_port=server[-1].grpc_port))
    assert lost(resources), "the objects are there, and no search finds them"
    assert not verify(resources).sound
    assert watch.repair(resources) > 0
    assert lost(resources) == set()
    assert_whole(resources)
    assert watch.repair(resources) == 0
