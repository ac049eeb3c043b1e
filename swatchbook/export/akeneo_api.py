"""Write products into an Akeneo PIM by its REST API. What it took is in the file, a line of JSON for each product, with
the cells of Akeneo's CSV.

Whatever happens, an export can be made again: a product is changed to what it should be, and a picture is sent only
where the PIM has no file of its name. A name is that of the content, so each picture is sent once.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from swatchbook.errors import Configuration, FileMissing, InvalidReference
from swatchbook.export.akeneo import Akeneo
from swatchbook.export.akeneo_connection import TOGETHER, Pim, Place, connected
from swatchbook.export.akeneo_values import PICTURES, PROPERTIES, Column, as_product, picture_names, read_column
from swatchbook.export.formats import Rows, Skipped
from swatchbook.export.offers import Offer, clean, offers
from swatchbook.export.shop_file import Contents, ShopRecord, only_changes, write_shop_file
from swatchbook.export.shop_mapping import NotExportable
from swatchbook.ledger.database import portions

Cells = dict[str, str]

_MAX_LINE: Final = 1 << 24  # bytes
_ADVICE = "Give a file that an export in this format wrote."


def write_akeneo_api(rows: Rows, out: BinaryIO) -> None:
    """Write products into the PIM of the settings; those that it refuses are skipped, with its reason.

    Raises Configuration, Authentication, ProviderError, ProviderTimeout, ProviderRejected, RateLimited, FilesDown,
    InvalidReference, DiskFull.
    """
    if rows.reach is None:
        raise Configuration(
            "akeneo-api sends to a server, and makes no file to download.", advice="Use `swatchbook export`."
        )
    csv, settings = Akeneo(rows.options), rows.reach.settings
    with connected(settings.akeneo, settings.retry_delays) as pim:
        form = AkeneoApi(csv, pim, rows.reach.picture)
        write_shop_file(form, rows, rows.options, out, name_left_out=csv.count_without_currency)
    if form.refused:
        _name_refused(csv, rows, form.refused)


class AkeneoApi:
    """The format. A record is a product without variants, or a variant. `refused`: key -> reason of the PIM."""

    key_name = "SKU"

    def __init__(self, csv: Akeneo, pim: Pim, picture: Callable[[str], bytes]) -> None:
        self._csv, self._pim, self._picture = csv, pim, picture
        self._stored = _StoredPictures()
        self.refused: dict[str, str] = {}

    def records(self, offer: Offer) -> list[ShopRecord]:
        rows = [{name: clean(value) for name, value in row.items() if value} for row in self._csv.rows(offer)]
        return [ShopRecord(row["sku"].casefold(), _dumped(row), row["sku"]) for row in rows]

    def keys(self, offer: Offer) -> list[str]:
        return self._csv.keys(offer)

    def read(self, file: BinaryIO) -> Iterator[ShopRecord]:
        for line in iter(lambda: file.readline(_MAX_LINE), b""):
            try:
                cells = json.loads(line)
                record = ShopRecord(cells["sku"].casefold(), _dumped(cells))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise InvalidReference("The earlier file is not one of akeneo-api.", advice=_ADVICE) from error
            if self._csv.is_gone(cells):
                raise only_changes()
            yield record

    def gone(self, content: str) -> str:
        """Return the product as disabled; nothing else of it is sent."""
        return _dumped({"sku": json.loads(content)["sku"], "enabled": "0"})

    def write(self, contents: Contents, out: BinaryIO, *, whole: bool) -> None:
        """Send the records by 100, and write those that were taken."""
        names = {name for _, content in contents for name in json.loads(content)}
        columns = {each: read_column(each, self._pim.attribute(each.partition("-")[0])) for each in names - PROPERTIES}
        for batch in portions(contents, TOGETHER):
            sent = [json.loads(content) for _, content in batch]
            for cells, reason in zip(sent, self._send(sent, columns), strict=True):
                if reason is None:
                    out.write(_dumped(cells).encode() + b"\n")
                else:
                    self.refused[cells["sku"].casefold()] = reason

    def _send(self, products: Sequence[Cells], columns: Mapping[str, Column]) -> list[str | None]:
        """Send products, then the pictures that the PIM does not have; return for each why it was refused."""
        wanted = [picture_names(cells, columns) for cells in products]
        attributes = sorted({each.place.attribute for each in columns.values() if each.kind in PICTURES})
        there: Mapping[str, Mapping[Place, Any]] = {}
        if attributes and any(wanted):
            there = self._pim.values([cells["sku"] for cells in products], attributes)
        missing = list[dict[Place, str]]()
        filled = list[dict[str, Any]]()
        for cells, names in zip(products, wanted, strict=True):
            held = there.get(cells["sku"].casefold(), {})
            known = {place: self._known(name, held.get(place)) for place, name in names.items()}
            missing.append({place: name for place, name in names.items() if known[place] is None})
            filled.append(as_product(cells, columns, {place: code for place, code in known.items() if code}))
        reasons = self._pim.patch_products(filled)
        for at, (cells, names) in enumerate(zip(products, missing, strict=True)):
            for place, name in names.items():
                if reasons[at] is None:
                    reasons[at] = self._store(cells, place, name)
        return reasons

    def _known(self, name: str, value: object) -> str | None:
        """Return the code of a picture that the PIM has: as the value of this product, or of one before."""
        if isinstance(value, str) and value.endswith(f"_{_sent_name(name)}"):
            self._stored.add(name, value)
        return self._stored.code(name)

    def _store(self, cells: Cells, place: Place, name: str) -> str | None:
        """Give a product its picture; return why that was refused, None if it was not."""
        if code := self._stored.code(name):  # another product of these hundred has it
            (reason,) = self._pim.patch_products([as_product(cells, {}, {place: code})])
            return reason
        try:
            data = self._picture(name)
        except FileMissing:
            return f"its picture {name} is missing in the file store"
        code, reason = self._pim.upload(cells["sku"], place, _sent_name(name), data)
        if code is None:
            return f"its picture {name}: {reason}"
        self._stored.add(name, code)
        return None


class _StoredPictures:
    """Pictures that the PIM has, name -> code, in a temporary file, as they may be a million."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("create table stored (name text primary key, code text) without rowid")

    def add(self, name: str, code: str) -> None:
        self._database.execute("insert or replace into stored values (?, ?)", (name, code))

    def code(self, name: str) -> str | None:
        found = self._database.execute("select code from stored where name = ?", (name,)).fetchone()
        return found[0] if found else None


def _sent_name(name: str) -> str:
    """Return the file name of a picture as it is sent: Akeneo replaces hyphens in the code of a file."""
    path = Path(name)
    return path.stem.replace("-", "") + path.suffix


def _dumped(cells: Mapping[str, str]) -> str:
    return json.dumps(cells, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _name_refused(csv: Akeneo, rows: Rows, refused: Mapping[str, str]) -> None:
    """Skip the products that the PIM refused; also those that it was to disable."""
    left = dict(refused)
    for offer in offers(rows.groups_newest_first(), rows.options):
        with suppress(NotExportable):
            for each, cells in zip(offer.variants or (offer,), csv.rows(offer), strict=True):
                if reason := left.pop(cells["sku"].casefold(), None):
                    rows.skip((each.row,), reason)
    for key, reason in left.items():
        rows.name_skipped(Skipped(id=key, name=key, reason=reason))
