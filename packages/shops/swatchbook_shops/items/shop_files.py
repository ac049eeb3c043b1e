"""The reader of files of shops and scrapers, and of records of any shape: what the core finds by its entry point.

Rows that follow each other with one id and alike titles are one record with variants.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, takewhile
from pathlib import Path

from swatchbook.domain.records import BatchMapping
from swatchbook.ingest.sources.field_words import flat
from swatchbook.ingest.sources.item_files import ID, FileKind, FileRecord, ItemFiles, is_empty
from swatchbook_shops.items.batch_facts import MOST_VARIANTS
from swatchbook_shops.items.batch_file import SUFFIX_OF, SUFFIXES, SURE_SUFFIXES, kind_of_file, read_records
from swatchbook_shops.items.batch_mapping import read_batch_mapping
from swatchbook_shops.items.batch_names import NAMES
from swatchbook_shops.items.batch_record import read_record
from swatchbook_shops.items.batch_rows import rows_as_variants
from swatchbook_shops.items.mapping_fit import check_mapping_fits
from swatchbook_shops.items.plan_batch import plan_batch
from swatchbook_shops.items.price_columns import settle_prices
from swatchbook_shops.items.text_file import doubts_of, open_utf8
from swatchbook_shops.items.unread_fields import ShopColumns


class ShopFiles(ItemFiles):
    """JSON, JSON lines, tables, XML and Excel with fields of any names, in several languages."""

    suffixes = SUFFIXES
    reads_any_shape = True
    sure_suffixes = SURE_SUFFIXES
    formats = "JSON, JSON lines, CSV, TSV, XML or Excel (.xlsx)"
    lacking = "it has no columns or fields"

    def kind_of(self, file: Path) -> FileKind | None:
        kind = kind_of_file(file)
        return FileKind(kind.format, SUFFIX_OF[kind.format]) if kind else None

    def settle(self, read: Callable[[], Iterator[FileRecord]], mapping: BatchMapping) -> Iterator[FileRecord]:
        return _with_variants(settle_prices(read, mapping), mapping)

    read = staticmethod(read_records)
    read_record = staticmethod(read_record)
    plan = staticmethod(plan_batch)
    read_mapping = staticmethod(read_batch_mapping)
    check_mapping_fits = staticmethod(check_mapping_fits)
    check_columns = ShopColumns
    open_text = staticmethod(open_utf8)
    doubts_of = staticmethod(doubts_of)


def _with_variants(records: Iterable[FileRecord], mapping: BatchMapping) -> Iterator[FileRecord]:
    together = list[FileRecord]()
    for found in chain(records, [None]):
        if together and (found is None or not _is_variant(found, together, mapping)):
            rows = [each.record for each in together]
            yield together[0] if len(rows) == 1 else replace(together[0], record=rows_as_variants(rows))
            together = []
        together += [found] if found else []


def _is_variant(found: FileRecord, of: Sequence[FileRecord], mapping: BatchMapping) -> bool:
    """Return whether a row repeats the id of the rows before it, and has their title or one that begins like it."""
    record, first = found.record, of[0].record
    if not (found.of_table and isinstance(record, dict) and isinstance(first, dict)) or "variants" in first:
        return False
    by_name = {flat(str(name)): name for name in first}
    column = next(iter(mapping.names.get(ID, ())), None) or next(filter(None, map(by_name.get, NAMES[ID])), None)
    if column is None or is_empty(first.get(column)) or record.get(column) != first[column] or len(of) >= MOST_VARIANTS:
        return False
    titles = [(read_record(each, mapping).title or "").casefold() for each in (first, record)]
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*titles, strict=False)))
    return alike >= min(map(len, titles)) / 2
