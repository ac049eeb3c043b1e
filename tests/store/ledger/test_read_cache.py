"""What searches have read is kept until any process commits, and no longer."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from sqlalchemy import insert

from swatchbook.store.ledger import read_cache
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.read_cache import ReadCache
from swatchbook.store.ledger.tables import owner_seeds
from tests.store.ledger.scene import put


def commit(ledger: Ledger, owner: str) -> None:
    put(ledger, owner_seeds, owner=owner)


@pytest.mark.gate
def test_a_revision_lasts_until_anyone_commits(ledger: Ledger, url: str) -> None:
    first = ledger.revision()
    ledger.execute(owner_seeds.select()).all()
    assert ledger.revision() == first
    with ledger.write() as connection:
        connection.execute(insert(owner_seeds).values(owner="anna", seed="anna"))
        assert ledger.revision() == first, "what is not committed is no revision"
    second = ledger.revision()
    assert second != first
    other = open_ledger(url)
    commit(other, "bert")
    other.close()
    third = ledger.revision()
    assert third != second
    assert ledger.revision() == third


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_missing_ledger_has_no_revision(ledger: Ledger) -> None:
    ledger.close()
    file = Path(ledger.url.database or "")
    file.unlink()
    assert ledger.revision() != ledger.revision()
    assert not file.exists()


def reading(asked: list[str]) -> Callable[[Ledger, str, Sequence[str]], Mapping[str, str]]:
    def read(ledger: Ledger, prefix: str, ids: Sequence[str]) -> Mapping[str, str]:
        asked.extend(ids)
        return {id: prefix + id for id in ids if id != "none"}

    return read


def test_each_value_is_read_once(ledger: Ledger) -> None:
    known, asked = ReadCache(ledger, 1), list[str]()
    read = reading(asked)
    assert known.each(read, ["b", "none", "a"], "x") == {"b": "xb", "a": "xa"}
    assert known.each(read, ["none", "c", "a"], "x") == {"c": "xc", "a": "xa"}
    assert asked == ["b", "none", "a", "c"]
    assert known.each(read, ["a"], "y") == {"a": "ya"}
    for _ in range(2):
        assert known.once(lambda: asked.append("once"), "key") is None
    assert asked.count("once") == 1
    full = ReadCache(ledger, 1)
    full.each(reading([]), [str(n) for n in range(read_cache.MOST_VALUES)], "")
    assert not full.is_full
    full.once(lambda: 1, "one more")
    assert full.is_full
