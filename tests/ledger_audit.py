"""The database itself counts how often each vector and analysis is written: the proof that nothing is made twice."""

from collections import Counter

from sqlalchemy import text

from swatchbook.ledger.database import Ledger

TABLES = {"vectors": "NEW.key, NEW.role, NEW.tag", "analyses": "NEW.key, 'analysis', NEW.tag"}


def count_writes(ledger: Ledger) -> None:
    """From now on every insert and update of a made thing is noted, by whatever process."""
    with ledger.write() as connection:
        connection.execute(text("CREATE TABLE written (key TEXT, role TEXT, tag TEXT)"))
        for table, columns in TABLES.items():
            for event in ("INSERT", "UPDATE"):
                connection.execute(
                    text(
                        f"CREATE TRIGGER {table}_{event} AFTER {event} ON {table} BEGIN "
                        f"INSERT INTO written VALUES ({columns}); END"
                    )
                )


def writes(ledger: Ledger) -> Counter[tuple[str, str, str]]:
    """(key, role, tag) -> times written since `count_writes`."""
    with ledger.read() as connection:
        return Counter(tuple(row) for row in connection.execute(text("SELECT key, role, tag FROM written")))
