"""What one of several writing processes does. Imports little: each of them starts anew."""

from multiprocessing.synchronize import Barrier
from pathlib import Path

from swatchbook.index.contract import Index, Space
from tests.index.objects import made


def write_six_hundred(
    barrier: Barrier, space: Space, seed: int, folder: Path | None, server: tuple[str, int, str]
) -> None:
    """600 objects by the same ids as the other writers', in batches of 100, all starting together."""
    index = opened(folder, server)
    objects = made(600, seed=seed, text=f"by {seed}")
    index.count(space)
    barrier.wait(120)
    for start in range(0, 600, 100):
        assert index.upsert(space, objects[start : start + 100]) == {}
    index.close()


def opened(folder: Path | None, server: tuple[str, int, str]) -> Index:
    """LanceDB in the folder; without one Weaviate at (URL, gRPC port, key)."""
    if folder is not None:
        from swatchbook.index.lance import LanceIndex

        return LanceIndex(folder)
    from swatchbook.index.weaviate import WeaviateIndex

    url, grpc_port, key = server
    return WeaviateIndex(url, grpc_port=grpc_port, api_key=key)
