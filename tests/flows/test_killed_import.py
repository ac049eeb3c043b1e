"""`swatchbook import` from a PostgreSQL database, killed (SIGKILL) at one step of its work after the other, and run
again: the end is that of an import without a kill, and nothing was made or paid for twice.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from swatchbook.domain.records import Role
from swatchbook.models.image_network import TAGS
from swatchbook.resources import Resources
from swatchbook.store.ledger.publishing import count_unpublished
from swatchbook.store.ledger.tables import calls, vectors
from swatchbook.upkeep.reports.collection_state import collect_statistics
from swatchbook.upkeep.verify import verify
from tests.command import run, run_json
from tests.dying import kills
from tests.fixtures import SOAK
from tests.flows.test_kills import settled
from tests.ingest.sources.shop import COLUMNS, Row, rows, shop, unit
from tests.ledger_audit import count_writes, writes
from tests.models.providers.standin import KEY, Provider, provider
from tests.new_collection import NewCollection, environment_of
from tests.upkeep.changing import asked_as_documents
from tests.upkeep.kept_collection import files, indexed

__all__ = ["shop"]

STRIDE = 20 if SOAK else 150
"""Steps from one kill to the next."""


@pytest.fixture
def voyage(home: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider that is paid for the vectors of texts, as the commands find it."""
    with provider() as there:
        for name, value in {"_ENCODER": "voyage", "__URL": there.openai_url, "__API_KEY": KEY}.items():
            monkeypatch.setenv(f"SWATCHBOOK_TEXT{name}", value)
        yield there


def made(resources: Resources) -> dict[str, Any]:
    """What a collection consists of, without what tells one run from another."""
    data = resources.ledger.execute(select(vectors.c.key, vectors.c.role, vectors.c.tag, vectors.c.data)).all()
    return {
        "vectors": {tuple(row[:3]): row.data for row in data},
        "files": files(resources),
        "index": indexed(resources),
        "record": settled(run_json("show", "mapping.yaml", "--owner", "anna", **environment_of(resources))),
    }


COLLECTIONS = [("postgresql", "weaviate"), *([("sqlite", "lance")] if SOAK else [])]
"""Ledger and index. On the other two, every run of the tests kills a restore (packages/backup/tests/test_kills.py)."""


@pytest.mark.parametrize(("ledger", "index"), COLLECTIONS)
def test_killed_import_goes_on_to_the_same_end(
    new_collection: NewCollection, shop: Callable[[Sequence[Row]], str], voyage: Provider, tmp_path: Path,
    ledger: str, index: str,
) -> None:  # fmt: skip
    given = {2: unit(2), 11: unit(11)}
    source = shop(rows(tmp_path, given={number: vector.tolist() for number, vector in given.items()}))
    config = tmp_path / "mapping.yaml"
    mapping = {"root": "root", "columns": COLUMNS, "model": TAGS[Role.VISUAL], "query": "SELECT * FROM pictures"}
    config.write_text(json.dumps(mapping))
    words = ["import", source, "--config", str(config)]
    undisturbed = new_collection()
    run(*words, **environment_of(undisturbed))
    voyage.asked.clear()

    resources, killed = new_collection(ledger, index), 0
    count_writes(resources.ledger)
    for _ in kills(words, resources, tmp_path, STRIDE):
        killed += 1
    assert killed > 2
    assert made(resources) == made(undisturbed)
    assert {vector.tobytes() for vector in given.values()} < set(made(resources)["vectors"].values())
    assert set(writes(resources.ledger).values()) == {1}
    assert paid_once(resources, voyage)
    there, here = (collect_statistics(each, "anna") for each in (undisturbed, resources))
    assert here.model_copy(update={"similarity": ()}) == there.model_copy(update={"similarity": ()})
    assert [each.mean for each in here.similarity] == pytest.approx([each.mean for each in there.similarity], abs=1e-3)
    assert count_unpublished(resources.ledger) == 0
    assert verify(resources, deep=True).sound


def paid_once(resources: Resources, voyage: Provider) -> bool:
    """Whether no text was sent again but those whose answer a kill has taken."""
    sent = asked_as_documents(voyage)
    states = Counter(resources.ledger.execute(select(calls.c.state)).scalars())
    return bool(sent) and sum(sent.values()) - len(sent) <= states["unknown"]
