"""Damage to a ledger's file."""

import sqlite3
from contextlib import closing
from pathlib import Path

PAGE_BYTES = 4096


def overwrite_pages(ledger: Path) -> None:
    """Overwrite six pages of an SQLite file that no process has open, spread over all of it."""
    with closing(sqlite3.connect(ledger)) as connection:  # its log would still have some of these pages
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(ledger.read_bytes())
    pages = len(content) // PAGE_BYTES
    for number in range(1, 7):
        start = number * (pages - 1) // 6 * PAGE_BYTES
        content[start : start + PAGE_BYTES] = b"\xa7" * PAGE_BYTES
    ledger.write_bytes(content)
