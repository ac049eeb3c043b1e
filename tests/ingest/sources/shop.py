"""The collection of a shop, which is imported: pictures, and rows that name them, also in a PostgreSQL database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from swatchbook.domain.records import Role
from swatchbook.models.image_network import DIMENSIONS
from tests.ingest.sources.pictures import draw
from tests.postgres import RunningPostgres

COLUMNS = {"id": "nr", "user": "who", "status": "state", "file_path": "path", "title": "name", "vector": "emb"}

Row = dict[str, Any]


def unit(seed: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    vector = np.random.default_rng(seed).normal(size=DIMENSIONS[Role.VISUAL]).astype(np.float32)
    return vector / np.linalg.norm(vector)


def rows(folder: Path, count: int = 15, given: Mapping[int, Any] = {}, who: str = "anna") -> list[Row]:
    """Completed rows, each with a different picture; `given`: number -> the vector of that row."""
    made = list[Row]()
    for number in range(count):
        draw(folder / "root" / f"{number}.png", number)
        row = {"nr": number, "who": who, "state": "completed", "path": f"{number}.png", "name": f"Item {number}"}
        made.append(row | ({"emb": given[number]} if number in given else {}))
    return made


@pytest.fixture
def shop(postgres: RunningPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Sequence[Row]], str]]:
    """Put rows into the table of a shop on PostgreSQL, and return the source by which it is imported."""
    url = postgres.new_database("shop").replace("+psycopg", "")  # as people write it

    def fill(table: Sequence[Row]) -> str:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE pictures (nr int, who text, state text, path text, name text, emb real[])")
            values = [{"emb": None} | row for row in table]
            cursor.executemany(
                "INSERT INTO pictures VALUES (%(nr)s, %(who)s, %(state)s, %(path)s, %(name)s, %(emb)s)", values
            )
        monkeypatch.setenv("SHOP_DATABASE", url)
        return "env:SHOP_DATABASE"

    yield fill
    postgres.drop_database("shop")
