"""What searches have read is kept until any process commits, and no longer."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import insert

from swatchbook.ledger import read_cache
from swatchbook.ledger.database import Ledger, open_ledger
from swatchbook.ledger.read_cache import ReadCache
from swatchbook.ledger.tables import owner_seeds


def commit(ledger: Ledger, owner: str) -> None:
    with ledger.write() as connection:
        connection.execute(insert(owner_seeds).values(owner=owner, seed=owner))


def test_a_revision_lasts_until_anyone_commits(ledger: Ledger, url: str) -> None:
    first = ledger.revision()
    with ledger.read() as connection:
        connection.execute(owner_seeds.select()).all()
    assert ledger.revision() == first
    commit(ledger, "anna")
    second = ledger.revision()
    assert second != first
    other = open_ledger(url)
    commit(other, "bert")
    other.close()
    third = ledger.revision()
    assert third != second
    assert ledger.revision() == third


def test_with_a_lag_a_revision_changes_at_once_only_by_ones_own_writes(ledger: Ledger, url: str) -> None:
    first = ledger.revision()
    other = open_ledger(url)
    commit(other, "anna")
    assert ledger.revision(lag=3_600) == first
    commit(ledger.with_patience(1.0), "bert")
    second = ledger.revision(lag=3_600)
    assert second != first
    commit(other, "carla")
    other.close()
    assert ledger.revision(lag=3_600) == second
    assert ledger.revision() != second


def test_what_is_not_committed_is_no_revision(ledger: Ledger) -> None:
    first = ledger.revision()
    with ledger.write() as connection:
        connection.execute(insert(owner_seeds).values(owner="anna", seed="anna"))
        assert ledger.revision() == first
    assert ledger.revision() != first


def test_a_ledger_that_is_gone_has_no_revision_twice(new_sqlite: Callable[[], str]) -> None:
    ledger = open_ledger(new_sqlite())
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


def test_each_id_is_read_once_also_one_that_there_is_not(ledger: Ledger) -> None:
    known, asked = ReadCache(ledger, 1), list[str]()
    read = reading(asked)
    assert known.each(read, ["b", "none", "a"], "x") == {"b": "xb", "a": "xa"}
    assert known.each(read, ["none", "c", "a"], "x") == {"c": "xc", "a": "xa"}
    assert asked == ["b", "none", "a", "c"]
    assert known.each(read, ["a"], "y") == {"a": "ya"}


def test_none_is_remembered_like_any_value(ledger: Ledger) -> None:
    known, asked = ReadCache(ledger, 1), list[int]()
    for _ in range(2):
        assert known.once(lambda: asked.append(1), "key") is None
    assert asked == [1]


def test_it_is_full_one_day(ledger: Ledger) -> None:
    known = ReadCache(ledger, 1)
    known.each(reading([]), [str(n) for n in range(read_cache.MOST_VALUES)], "")
    assert not known.is_full
    known.once(lambda: 1, "one more")
    assert known.is_full
