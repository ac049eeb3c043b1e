"""Record for people the rounds of the background loop in which something was done or went wrong."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select, update
from ulid import ULID

from swatchbook.ledger.database import Ledger, db_now
from swatchbook.ledger.tables import rounds
from swatchbook.records import Round


def record_round(ledger: Ledger, done: Mapping[str, Any]) -> None:
    """Record what a round did. One that equals the last recorded one is only counted with it, as during an outage."""
    newest = select(rounds.c.id, rounds.c.done).order_by(rounds.c.ended_at.desc(), rounds.c.id.desc()).limit(1)
    with ledger.write() as connection:
        last = connection.execute(newest).one_or_none()
        if last is not None and last.done == done:
            again = update(rounds).where(rounds.c.id == last.id)
            connection.execute(again.values(count=rounds.c.count + 1, ended_at=db_now()))
        else:
            row = {"id": str(ULID()), "count": 1, "done": dict(done)}
            connection.execute(insert(rounds).values(**row, began_at=db_now(), ended_at=db_now()))


def last_rounds(ledger: Ledger, limit: int) -> list[Round]:
    """Return the last recorded rounds, newest first."""
    told = (rounds.c.began_at, rounds.c.ended_at, rounds.c.count, rounds.c.done)
    query = select(*told).order_by(rounds.c.ended_at.desc(), rounds.c.id.desc()).limit(limit)
    with ledger.read() as connection:
        return [Round.model_validate(dict(row)) for row in connection.execute(query).mappings()]
