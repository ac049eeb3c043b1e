"""The database itself counts how often each vector and analysis is written: the proof that nothing is made twice."""

from collections import Counter

from sqlalchemy import text

from swatchbook.store.ledger.database import Ledger

TABLES = {"vectors": "NEW.key, NEW.role, NEW.tag", "analyses": "NEW.key, 'analysis', NEW.tag"}


def count_writes(ledger: Ledger) -> None:
    """From now on every insert and update of a made thing is noted, by whatever process."""
    with ledger.write() as connection:
        connection.execute(text("CREATE TABLE written (key TEXT, role TEXT, tag TEXT)"))
        notes = _on_postgresql if connection.dialect.name == "postgresql" else _on_sqlite
        for table, columns in TABLES.items():
            for statement in notes(table, f"INSERT INTO written VALUES ({columns});"):
                connection.exec_driver_sql(statement)


def writes(ledger: Ledger) -> Counter[tuple[str, str, str]]:
    """(key, role, tag) -> times written since `count_writes`."""
    with ledger.read() as connection:
        return Counter(tuple(row) for row in connection.execute(text("SELECT key, role, tag FROM written")))


def _on_sqlite(table: str, note: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_{event} AFTER {event} ON {table} BEGIN {note} END" for event in ("INSERT", "UPDATE")
    ]


def _on_postgresql(table: str, note: str) -> list[str]:
    body = f"BEGIN {note} RETURN NEW; END"
    return [
        f"CREATE FUNCTION note_{table}() RETURNS trigger AS '{body.replace(chr(39), chr(39) * 2)}' LANGUAGE plpgsql",
        f"CREATE TRIGGER note_{table} AFTER INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION note_{table}()",
    ]
