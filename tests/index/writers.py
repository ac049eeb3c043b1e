"""What one of several writing processes does. It imports little."""

import os
from multiprocessing.synchronize import Barrier
from pathlib import Path

from swatchbook.index.contract import Index, IndexObject, Space
from tests.index.objects import made, number_id


def write_six_hundred(
    barrier: Barrier,
    space: Space,
    seed: int,
    folder: Path | None,
    server: tuple[str, int, str],
    environment: dict[str, str],
) -> None:
    """600 objects by the same ids as the other writers', in batches of 100, all starting together."""
    os.environ |= environment  # the server that forks them may have begun before a bucket was named
    index = opened(folder, server)
    objects = made(600, seed=seed, text=f"by {seed}")
    index.count(space)
    barrier.wait(120)
    for start in range(0, 600, 100):
        assert index.upsert(space, objects[start : start + 100]) == {}
    index.close()


def opened(folder: Path | None, server: tuple[str, int, str]) -> Index:
    """LanceDB in the folder, or at the URL with the folder as home; without one Weaviate at (URL, gRPC port, key)."""
    if folder is not None and server[0]:
        return at_url(server[0], folder)
    if folder is not None:
        from swatchbook.index.lance import LanceIndex

        return LanceIndex(folder)
    from swatchbook_weaviate.index import WeaviateIndex

    url, grpc_port, key = server
    return WeaviateIndex(url, grpc_port=grpc_port, api_key=key)


def at_url(url: str, home: Path, ledger_url: str | None = None) -> Index:
    """LanceDB in an object store, as processes with this home and ledger open it."""
    from swatchbook.domain.settings import Settings
    from swatchbook.index.lance import open_index

    return open_index(Settings(home=home, index_url=url, ledger_url=ledger_url))


def write_until_killed(space: Space, number: int, place: tuple[str, Path, str | None], batches: int) -> None:
    """Write batches of 10 objects that all writers share and 10 of its own, and note each that was acknowledged."""
    url, home, ledger_url = place
    index = at_url(url, home, ledger_url)
    with (home / f"acknowledged-{number}").open("a", buffering=1) as notes:
        for batch in range(batches):
            objects = made(20, seed=number * 1_000 + batch, text=f"by {number}-{batch}")
            ids = own_ids(number, batch)
            own = [IndexObject(id, each.vector, each.payload) for id, each in zip(ids, objects[10:], strict=True)]
            assert index.upsert(space, [*objects[:10], *own]) == {}
            notes.write(f"{batch}\n")
    index.close()


def build_until_killed(url: str, home: Path) -> None:
    """Build the vector indexes that are due, once it is noted that this has begun."""
    from swatchbook.index.lance import LanceIndex

    index = at_url(url, home)
    assert isinstance(index, LanceIndex)
    index.spaces()
    (home / "begun").touch()
    index.build_due()


def own_ids(number: int, batch: int) -> list[str]:
    return [number_id(10_000 * (number + 1) + 10 * batch + i) for i in range(10)]
