"""Write the file of a shop from products one by one, or only what is new, changed or gone since an earlier file.

A format makes records of a product, texts that are the same as long as the product is. They wait in a temporary SQLite
file, so that a million products need no memory, no key occurs twice, and the columns are known before the first record
is written. Where products of two documents have the same key, that of the newer one counts: it has today's price.
"""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from swatchbook.domain.errors import DiskFull, InvalidReference, reason_of
from swatchbook.upkeep.export.formats import Changes, Rows, Skipped, grouped
from swatchbook.upkeep.export.product_rows import ProductRow
from swatchbook.upkeep.export.shop_mapping import ShopOptions
from swatchbook_shops.offers import Offer, offers
from swatchbook_shops.shop_fields import NotExportable, with_common_names

_PER_DOCUMENT = 1 << 40
"""More places in the file than the records of a document need."""


class Change(StrEnum):
    """What happened to a record since the earlier file; without one, all are new."""

    NEW = "new"
    CHANGED = "update"
    GONE = "delete"


class ShopRecord(NamedTuple):
    """A record of a file: an offer, or a product with its variants. `key` is its identity in the shop.

    `written`: that key as it is in the file, where the shop ignores its case. `unpriced`: the product is not on sale
    in the file, only because a price of it is not known.
    """

    key: str
    content: str
    written: str = ""
    unpriced: bool = False


def only_changes() -> InvalidReference:
    """Return the failure of an earlier file that is not a whole export: what it lacks would not be known as gone."""
    return InvalidReference("The earlier file has only changes.", advice="Give a whole export, made without --since.")


class ShopFormat(Protocol):
    """The format of a shop's file. `key_name`: what the shop calls the key of a record.

    `common_names`: columns of the format that a mapping may name instead of the common field with the same content,
    since rows refer to each other by these fields. `has_private`: it has variants that are not sold; else they are
    left out.
    """

    key_name: str = "SKU"
    common_names: Mapping[str, str] = {}
    has_private: bool = False

    def __init__(self, options: ShopOptions) -> None:
        """Raise InvalidReference for a mapping that the format cannot use."""

    def records(self, offer: Offer) -> list[ShopRecord]:
        """Return the records of a product. Raises NotExportable."""

    def keys(self, offer: Offer) -> list[str]:
        """Return the keys that the records of a product have. Raises NotExportable only where it has none."""

    def other_keys(self, offer: Offer) -> list[str]:
        """Return by what else two documents are known to have the same product."""
        return []

    def name_left_out(self, rows: Rows, offer: Offer) -> None:
        """Name what the format leaves out of a product that it has."""
        return

    def read(self, file: BinaryIO) -> Iterator[ShopRecord]:
        """Yield the records of a file that `write` made of a whole export.

        Raises InvalidReference for any other file, and for one of changes, where it differs from a whole one.
        """

    def gone(self, content: str) -> str:
        """Return a record of the earlier file so that the shop no longer sells what it is of."""

    def write(self, contents: "Contents", out: BinaryIO, *, whole: bool) -> None:
        """Write a file of records; `whole`: of all, not only of what changed."""


def write_shop_file(make: type[ShopFormat], rows: Rows, out: BinaryIO) -> None:
    """Write the products of rows in a format; those that it cannot hold are skipped, with their reason.

    With an earlier file in the options, only what is new or changed is written, and what is gone. Raises
    InvalidReference, DiskFull.
    """
    options = with_common_names(rows.options, make.common_names)
    form, since = make(options), options.since
    with _contents(rows.folder, form.key_name) as contents:
        if since:
            try:
                with since.open("rb") as earlier:
                    contents.add_earlier(form.read(earlier))
            except OSError as error:
                raise InvalidReference(f"{since}: {reason_of(error)}.", advice="Give an earlier export.") from error
        for offer in offers(rows.groups_newest_first(), options):
            group = (offer.row, *(variant.row for variant in offer.variants))
            if older := contents.find_older(offer.row, [*_keys(form, [offer]), *form.other_keys(offer)]):
                rows.skip(group, older.reason, name=older.name)
                continue
            try:
                offer.require_sold_here()
                sold = offer if form.has_private else offer.with_sold_variants()
                records = form.records(sold)
                contents.add(records)
                if len(sold.variants) < len(offer.variants):
                    _name_private(rows, offer)
                if any(each.unpriced for each in records):
                    rows.name_unpriced(Skipped(id=sold.row.id, name=sold.row.name, reason=sold.why_unpriced))
                form.name_left_out(rows, sold)
            except NotExportable as refused:
                rows.skip(group, str(refused))
        if since:
            elsewhere, unfinished = rows.outside
            keys = _keys(form, offers(grouped(elsewhere), options))
            rows.changes = contents.compare(form, keys, accept_gone=options.accept_gone, unfinished=unfinished)
        form.write(contents, out, whole=since is None)


def _name_private(rows: Rows, offer: Offer) -> None:
    for each in offer.variants:
        if each.off_sale:
            rows.skip([each.row.model_copy(update={"name": each.values["name"]})], f"its status is {each.off_sale}")


def _keys(form: ShopFormat, found: Iterable[Offer]) -> Iterator[str]:
    for offer in found:
        with suppress(NotExportable):
            yield from form.keys(offer)


class Contents:
    """The records of a file that is being written, to be read as often as wanted, and those of an earlier file."""

    def __init__(self, database: sqlite3.Connection, key_name: str) -> None:
        self._database, self._key_name = database, key_name
        database.executescript(
            "pragma journal_mode = off; pragma synchronous = off;"
            "create table earlier (place integer primary key, key text unique, content text);"
            "create table now (place integer primary key, key text unique, content text, change text, written text);"
            "create table taken (key text primary key, document_id text, document text) without rowid;"
        )
        self._document, self._place = "", _PER_DOCUMENT

    def find_older(self, row: ProductRow, keys: Iterable[str]) -> Skipped | None:
        """Return a product as one that is left out if a document that came before its own has one of its keys.

        The newest document comes first. Its keys are taken also where the format cannot hold its product, such as one
        that is not on sale any more.
        """
        if row.document_id != self._document:  # the records of the oldest document are the first in the file
            self._document, self._place = row.document_id, (self._place // _PER_DOCUMENT - 1) * _PER_DOCUMENT
        older, run = None, self._database.execute
        for key in filter(None, keys):
            run("insert or ignore into taken values (?, ?, ?)", (key, row.document_id, row.document))
            newer, name = run("select document_id, document from taken where key = ?", (key,)).fetchone()
            if newer != row.document_id and older is None:
                own = row.document
                if own == name:
                    own, name = f"{own} ({row.document_id[:8]})", f"{name} ({newer[:8]})"
                why = f"{name} has the {self._key_name} {key}, too, and is newer"
                older = Skipped(id=row.id, name=f"{row.name} of {own}", reason=why)
        return older

    def add(self, records: list[ShopRecord]) -> None:
        """Add the records of a product. Raises NotExportable, and adds none, if another product has such a key."""
        for at, record in enumerate(records):
            self._place += 1
            own = record.written or record.key
            row = (self._place, record.key, record.content, Change.NEW.value, own)
            try:
                self._database.execute("insert into now values (?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as error:
                self._database.executemany("delete from now where key = ?", [(each.key,) for each in records[:at]])
                (taken,) = self._database.execute("select written from now where key = ?", (record.key,)).fetchone()
                same = "too" if own == taken else f"and its own, {own}, differs only in case"
                raise NotExportable(f"another product has the {self._key_name} {taken}, {same}") from error

    def add_earlier(self, records: Iterator[ShopRecord]) -> None:
        """Add the records of the earlier file; of two with the same key the later one counts."""
        self._database.executemany(
            "insert or replace into earlier (key, content) values (?, ?)", (each[:2] for each in records)
        )

    def compare(
        self, form: ShopFormat, elsewhere: Iterator[str], *, accept_gone: bool, unfinished: Sequence[str]
    ) -> Changes:
        """Leave only what differs from the earlier file, and add what is gone, as the format names that.

        `elsewhere`: keys of products outside this export, which are not gone. Raises InvalidReference where more than
        half of the others are gone, or any while documents are `unfinished`, unless that is accepted.
        """
        run = self._database.execute
        run("create table lost (place integer primary key, key text unique, content text)")
        run("insert into lost select * from earlier where key not in (select key from now)")
        kept = 0
        if run("select count(*) from lost").fetchone() != (0,):
            kept = sum(run("delete from lost where key = ?", (key,)).rowcount for key in elsewhere)
        earlier, lost = run("select (select count(*) from earlier), (select count(*) from lost)").fetchone()
        if lost * 2 > earlier - kept and not accept_gone:
            raise InvalidReference(
                f"{lost} of {earlier - kept} records of the earlier file would be gone from the shop: more than half.",
                advice="Check that it is of the same collection and was made with the same mapping, and that the "
                "sources have been read as before: one may lack a column now. If they are to be gone, add --yes (in "
                "Python accept_gone=True).",
            )
        if lost and unfinished and not accept_gone:
            raise InvalidReference(
                f"{lost} of {earlier - kept} records of the earlier file would be gone from the shop, but "
                f"{unfinished[0]} is not completed: they may be among what is still missing.",
                advice="Wait for it (`swatchbook status` says why). If they are to be gone, add --yes (in Python "
                "accept_gone=True).",
            )
        unchanged = run(
            "delete from now where content = (select content from earlier where earlier.key = now.key)"
        ).rowcount
        changed = run(
            "update now set change = ? where key in (select key from earlier)", (Change.CHANGED.value,)
        ).rowcount
        (new,) = run("select count(*) from now where change = ?", (Change.NEW.value,)).fetchone()
        gone = 0
        for key, content in run("select key, content from lost order by place"):
            ended = form.gone(content)
            if ended != content:  # else the earlier file says already that it is gone
                run("insert into now (key, content, change) values (?, ?, ?)", (key, ended, Change.GONE.value))
                gone += 1
        return Changes(new=new, changed=changed, gone=gone, unchanged=unchanged, elsewhere=kept)

    def __iter__(self) -> Iterator[tuple[Change, str]]:
        """Yield the records in order, each with what happened to it."""
        for change, content in self._database.execute("select change, content from now order by place"):
            yield Change(change), content


@contextmanager
def _contents(folder: Path, key_name: str) -> Iterator[Contents]:
    """Yield contents in a temporary file. Raises DiskFull."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        database = sqlite3.connect(Path(temporary) / "records.sqlite", isolation_level=None)
        try:
            yield Contents(database, key_name)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            raise DiskFull(f"The disk is full: {folder}.", advice="Free some space.") from error
        finally:
            database.close()
