"""Publishing in batches against the Weaviate client's object-by-object way, on a real server of our own."""

import tempfile
import time
from pathlib import Path
from statistics import median
from uuid import uuid4

import numpy as np
import weaviate

from devtools.weaviate import free_ports, start
from swatchbook.domain.records import Role
from swatchbook.index.contract import IndexObject, Payload, Space
from swatchbook.ingest.publish import ROWS
from swatchbook_weaviate.index import WeaviateIndex

OBJECTS = 400
DIMENSION = 384


def made(count: int) -> list[IndexObject]:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(count, DIMENSION)).astype(np.float32)
    payload = Payload(owner="bench", kind="image", documents=("d",), category=("Tiles",), pages=(1, 2), text="A tile.")
    return [IndexObject(str(uuid4()), v / np.linalg.norm(v), payload) for v in vectors]


def speedup(rounds: int) -> tuple[float, str]:
    """Median seconds of the per-object path ÷ of ours, for the same objects into equal collections."""
    port, grpc_port = free_ports(2)
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder), port=port, grpc_port=grpc_port)
        index = WeaviateIndex(server.url, grpc_port=grpc_port, api_key=None)
        client = weaviate.connect_to_local(port=port, grpc_port=grpc_port)
        try:
            ours, theirs = [], []
            for number in range(rounds):
                space = Space(role=Role.VISUAL, tag=f"bench@{number}/x", dimension=DIMENSION)
                other = Space(role=Role.COLOR, tag=f"bench@{number}/x", dimension=DIMENSION)
                index.ensure(space)
                index.ensure(other)
                objects = made(OBJECTS)
                started = time.perf_counter()
                for first in range(0, OBJECTS, ROWS):
                    assert not index.upsert(space, objects[first : first + ROWS])
                ours.append(time.perf_counter() - started)
                collection = client.collections.use(f"Swatchbook_{other.name}")
                started = time.perf_counter()
                for o in objects:
                    collection.data.insert(
                        {"owner": o.payload.owner, "text": o.payload.text}, uuid=o.id, vector=o.vector.tolist()
                    )
                theirs.append(time.perf_counter() - started)
        finally:
            client.close()
            index.close()
            server.stop()
    note = f"{OBJECTS} objects of {DIMENSION}, {median(ours):.2f} and {median(theirs):.2f} s"
    return median(theirs) / median(ours), note


if __name__ == "__main__":
    print(*speedup(5))
