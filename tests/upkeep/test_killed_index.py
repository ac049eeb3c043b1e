"""A Weaviate server that is killed loses the vectors that it took in last; the loop finds and writes them again."""

from pathlib import Path

import pytest

from devtools.weaviate import Server, start
from swatchbook.resources import Resources
from swatchbook.store.ledger.space_registry import registered
from swatchbook.upkeep.verify import IndexWatch, verify
from swatchbook_weaviate.index import WeaviateIndex
from tests.flows.test_outage import weaviate
from tests.ingest.test_delete import make
from tests.upkeep.test_verify import assert_whole

__all__ = ["weaviate"]

pytestmark = pytest.mark.stack


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


def test_what_a_killed_server_lost_is_written_again(
    weaviate: list[Server], home: Path, resources: Resources, tmp_path: Path
) -> None:
    make(resources, *(f"picture {number}" for number in range(60)))
    watch = IndexWatch()
    assert (watch.repair(resources), lost(resources)) == (0, set())
    weaviate[-1].process.kill()
    weaviate[-1].process.wait()
    weaviate.append(start(tmp_path / "weaviate", port=weaviate[-1].port, grpc_port=weaviate[-1].grpc_port))
    assert lost(resources), "the objects are there, and no search finds them"
    assert not verify(resources).sound
    assert watch.repair(resources) > 0
    assert lost(resources) == set()
    assert_whole(resources)
    assert watch.repair(resources) == 0
