"""Stage the rows of an imported table in a SQLite file, so that a run needs neither the table nor its database.

The file has the rows of each document. The next import replaces it as a whole.
"""

import base64
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ulid import ULID

from swatchbook.domain.errors import FileMissing
from swatchbook.domain.records import NO_MAPPING, GivenVector, Role, sha256
from swatchbook.ingest.sources.batch import read_item
from swatchbook.ingest.sources.listed import ListedItem

_VECTOR = "given_vector"  # no field of an item has this name
_FOLDER, _SUFFIX = "imports", ".sqlite"


def staged_file(home: Path, content: str) -> Path:
    """Return the file with the rows of an imported table, by the content of its documents."""
    return home / _FOLDER / f"{sha256(content.encode())[:32]}{_SUFFIX}"


def unfinished_staging(home: Path) -> Iterator[Path]:
    """Yield the files of tables that are being staged, and of tables whose import was killed."""
    return (home / _FOLDER).glob(f"*{_SUFFIX}.*")


class Staging:
    """The writer of a table's rows to a new file; `keep` puts it in place of the former, else it is removed."""

    def __init__(self, file: Path, root: Path, *, only: str | None = None) -> None:
        """Begin without rows, or, if `only` one document is written, with those of the other documents.

        `root` is the folder of the pictures.
        """
        self._file, self._new, self._root = file, file.with_name(f"{file.name}.{ULID()}"), str(root)
        file.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(self._new)
        self._database.execute("PRAGMA journal_mode = OFF")  # it is read only when it is complete
        self._database.execute(
            "CREATE TABLE items (document TEXT, item TEXT, root TEXT, record TEXT, PRIMARY KEY (document, item)) "
            "WITHOUT ROWID"
        )
        if only and file.exists():
            self._database.execute("ATTACH ? AS before", [str(file)])
            self._database.execute("INSERT INTO items SELECT * FROM before.items WHERE document != ?", [only])

    def __enter__(self) -> Self:
        return self

    def add(self, document: str, item: str, record: Mapping[str, Any], vector: GivenVector | None) -> bool:
        """Add a row, and return whether it is new: False if its document already has a row with this id."""
        given = [vector.role, vector.tag, base64.b64encode(vector.data).decode()] if vector else None
        row = [document, item, self._root, json.dumps({**record, _VECTOR: given})]
        return self._database.execute("INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?)", row).rowcount > 0

    def keep(self) -> None:
        """Replace the former rows with these."""
        self._database.commit()
        self._database.close()
        self._new.replace(self._file)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._database.close()
        self._new.unlink(missing_ok=True)


def list_staged(file: Path, document: str) -> Iterator[ListedItem]:
    """Yield the items of a document of an imported table, by their ids. Raises FileMissing."""
    if not file.exists():
        raise FileMissing("The rows of the imported table are not on this machine.", advice="Import it again.")
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT item, root, record FROM items WHERE document = ? ORDER BY item", [document])
        for item, folder, row in rows:
            root, record = Path(folder), json.loads(row)
            given = record.pop(_VECTOR)
            vector = GivenVector(role=Role(given[0]), tag=given[1], data=base64.b64decode(given[2])) if given else None
            yield replace(read_item(root, root / "rows", item, record, NO_MAPPING, {}), vector=vector)


def count_staged(file: Path, document: str) -> int:
    """Return the number of items of a document of an imported table."""
    if not file.exists():
        return 0
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
        query = "SELECT count(*) FROM items WHERE document = ?"
        return int(database.execute(query, [document]).fetchone()[0])


def forget_staged(file: Path, document: str) -> None:
    """Remove the rows of a document that is deleted, and the file with its last one."""
    if not file.exists():
        return
    with closing(sqlite3.connect(file)) as database, suppress(sqlite3.OperationalError):  # a new import replaces it
        database.execute("PRAGMA secure_delete = ON")
        database.execute("DELETE FROM items WHERE document = ?", [document])
        is_empty = database.execute("SELECT 1 FROM items LIMIT 1").fetchone() is None
        database.commit()
        if is_empty:
            file.unlink(missing_ok=True)
