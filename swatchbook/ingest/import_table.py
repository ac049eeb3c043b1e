"""Stage the rows of an imported table for the documents of their owners, and count what is taken and what is left out.

Vectors are taken over if they have the right length and are from a model that the ingest requests and that works from
pixels; other pictures are embedded. `ingest/sources/table.py` has the rules which rows are taken.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from swatchbook.domain.errors import InvalidModelOutput
from swatchbook.domain.records import (
    DEFAULT_OWNER,
    PIXEL_ROLES,
    DocumentStatus,
    GivenVector,
    IngestOptions,
    Record,
)
from swatchbook.domain.runtime.disk import keep_reserve
from swatchbook.ingest.delete import finish_delete
from swatchbook.ingest.register import build_request, spaces_to_serve
from swatchbook.ingest.sources.staged import Staging, staged_file
from swatchbook.ingest.sources.table import (
    SQL,
    USER,
    LeftRow,
    TableMapping,
    TakenRow,
    judge_rows,
    letters_in_doubt,
    read_vector,
)
from swatchbook.resources import Resources
from swatchbook.store.ledger.owners import id_of_document
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import TABLE, documents_of

MAX_NAMED = 1_000
"""The most rows that are named in each list."""


class NamedRow(Record):
    """The id of a row, and why it was left or its vector not taken over."""

    id: str
    reason: str


class TableCounts(Record):
    """Counts of a table: rows = taken + not_completed + left_out + of_others.

    `of_others`: rows of other owners than the one that was asked for. `given` vectors = taken_over + refused. The lists
    name the first 1,000 rows. `letters` are what to check of a file that is not UTF-8.
    """

    source: str
    rows: int = 0
    taken: int = 0
    not_completed: int = 0
    left_out: int = 0
    of_others: int = 0
    given: int = 0
    taken_over: int = 0
    refused: int = 0
    owners: Mapping[str, int] = {}
    not_completed_rows: tuple[NamedRow, ...] = ()
    left_out_rows: tuple[NamedRow, ...] = ()
    refused_vectors: tuple[NamedRow, ...] = ()
    letters: tuple[str, ...] = ()


def content_of(source: str, config: Path) -> Path:
    """Return the name of a table in the ids of its documents: its file, or for a database the mapping's file."""
    return (config if source.startswith(SQL) else Path(source)).resolve()


def stage_table(
    resources: Resources,
    source: str,
    config: Path,
    mapping: TableMapping,
    *,
    owner: str | None,
    options: IngestOptions,
    dry_run: bool,
    progress: Callable[[int], None],
) -> TableCounts:
    """Read all rows, some at a time in memory, and stage those that are taken; a dry run only counts them.

    `owner`: take the rows of this user only; whose they all are, if there is no column with the user. `progress` gets
    the number of rows read so far. Raises InvalidReference, UnreadableDocument, Configuration, DiskFull.
    """
    keep_reserve(resources.settings.home)
    content = str(content_of(source, config))
    if not dry_run:
        for document in documents_of(resources.ledger, TABLE, content):
            if document.status is DocumentStatus.DELETING:  # it would remove what is staged for it now
                finish_delete(resources, document.id)
    only = only_owner(mapping, owner)
    count = _Counter(_Vectors(resources, options))
    documents = dict[str, str]()
    file = staged_file(resources.settings.home, content)
    with Staging(file, mapping.root, only=only and id_of_document(resources.ledger, only, content)) as staging:
        for number, row in enumerate(judge_rows(source, mapping), 1):
            if number % _PROGRESS == 0:
                progress(number)
            if isinstance(row, LeftRow):
                count.leave(row)
                continue
            whose = row.owner or only or DEFAULT_OWNER
            if only not in (None, whose):
                count.of_others += 1
                continue
            if whose not in documents:
                documents[whose] = id_of_document(resources.ledger, whose, content)
            vector, problem = count.vectors.take(row)
            if staging.add(documents[whose], row.item, row.record, vector):
                count.take(whose, row, vector, problem)
            else:
                count.leave(LeftRow(row.item, f"The id {row.item} occurs once more."))
        if not dry_run:
            staging.keep()
    return count.result(source)


def only_owner(mapping: TableMapping, owner: str | None) -> str | None:
    """Return the only owner whose rows are imported; None if each row names its owner, and all are imported."""
    return owner if USER in mapping.columns else owner or DEFAULT_OWNER


def owners_with_rows(resources: Resources, content: Path, only: str | None, counts: TableCounts) -> list[str]:
    """Return the owners of whom there are rows, or were some before: their documents are to be run."""
    known = {document.owner for document in documents_of(resources.ledger, TABLE, str(content))}
    return sorted(each for each in known | counts.owners.keys() if only in (None, each))


_PROGRESS = 1_000  # rows between two reports of progress


class _Vectors:
    """The models whose vectors an ingest takes over, by tag."""

    def __init__(self, resources: Resources, options: IngestOptions) -> None:
        requested = build_request(resources.settings, options).requested
        pairs = [*requested, *spaces_to_serve(resources, requested, options)]
        self._resources = resources
        self._pairs = {pair.tag: pair for pair in pairs if pair.role in PIXEL_ROLES}
        self._dimensions = {each.pair: each.space.dimension for each in registered(resources.ledger)}

    def take(self, row: TakenRow) -> tuple[GivenVector | None, str | None]:
        """Return the vector of a row, or why it cannot be taken over; neither if the row gives none."""
        if row.vector is None:
            return None, None
        pair = self._pairs.get(row.model or "")
        if pair is None:
            known = ", ".join(sorted(self._pairs)) or "none"
            return None, f"Its vector is of an unknown model, {row.model or 'none'}. Known: {known}."
        try:
            if pair not in self._dimensions:
                self._dimensions[pair] = self._resources.models_of(pair).encoder.dimensions[pair.role]
            vector = read_vector(row.vector, self._dimensions[pair])
        except InvalidModelOutput as error:
            return None, f"Its vector is not taken over: {error.message}."
        return GivenVector(role=pair.role, tag=pair.tag, data=vector.astype("<f4").tobytes()), None


class _Counter:
    """Counts of the rows read so far."""

    def __init__(self, vectors: _Vectors) -> None:
        self.vectors, self.of_others = vectors, 0
        self._owners, self._taken_over = dict[str, int](), 0
        self._open, self._left, self._refused = _Named(), _Named(), _Named()

    def leave(self, row: LeftRow) -> None:
        (self._open if row.open else self._left).add(row.item, row.reason)

    def take(self, owner: str, row: TakenRow, vector: GivenVector | None, problem: str | None) -> None:
        self._owners[owner] = self._owners.get(owner, 0) + 1
        self._taken_over += vector is not None
        if problem:
            self._refused.add(row.item, problem)

    def result(self, source: str) -> TableCounts:
        taken = sum(self._owners.values())
        return TableCounts(
            source=source,
            rows=taken + self._open.count + self._left.count + self.of_others,
            taken=taken,
            not_completed=self._open.count,
            left_out=self._left.count,
            of_others=self.of_others,
            given=self._taken_over + self._refused.count,
            taken_over=self._taken_over,
            refused=self._refused.count,
            owners=dict(sorted(self._owners.items())),
            not_completed_rows=tuple(self._open.rows),
            left_out_rows=tuple(self._left.rows),
            refused_vectors=tuple(self._refused.rows),
            letters=letters_in_doubt(source),
        )


class _Named:
    """A count of rows, of which the first are named."""

    def __init__(self) -> None:
        self.count, self.rows = 0, list[NamedRow]()

    def add(self, item: str, reason: str) -> None:
        self.count += 1
        if len(self.rows) < MAX_NAMED:
            self.rows.append(NamedRow(id=item, reason=reason))
