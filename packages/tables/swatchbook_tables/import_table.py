"""Stage the rows of an imported table for the documents of their owners, and count what is taken and what is left out.

Vectors are taken over if they have the right length and are from a model that the ingest requests and that works from
pixels; other pictures are embedded. `rows.py` has the rules which rows are taken.
"""

from collections import Counter
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
from swatchbook.resources import Resources
from swatchbook.store.ledger.owners import id_of_document
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import TABLE, documents_of
from swatchbook_tables.rows import (
    SQL,
    USER,
    LeftRow,
    TableMapping,
    TakenRow,
    judge_rows,
    letters_in_doubt,
    read_vector,
)

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
    only, vectors = only_owner(mapping, owner), _Vectors(resources, options)
    documents, owners, taken_over, of_others = dict[str, str](), Counter[str](), 0, 0
    not_completed, left_out, refused = _Named(), _Named(), _Named()
    file = staged_file(resources.settings.home, content)
    with Staging(file, mapping.root, only=only and id_of_document(resources.ledger, only, content)) as staging:
        for number, row in enumerate(judge_rows(source, mapping), 1):
            if number % _PROGRESS == 0:
                progress(number)
            if isinstance(row, LeftRow):
                (not_completed if row.open else left_out).add(row.item, row.reason)
                continue
            whose = row.owner or only or DEFAULT_OWNER
            if only not in (None, whose):
                of_others += 1
                continue
            if whose not in documents:
                documents[whose] = id_of_document(resources.ledger, whose, content)
            vector, problem = vectors.take(row)
            if not staging.add(documents[whose], row.item, row.record, vector):
                left_out.add(row.item, f"The id {row.item} occurs once more.")
                continue
            owners[whose] += 1
            taken_over += vector is not None
            if problem:
                refused.add(row.item, problem)
        if not dry_run:
            staging.keep()
    return TableCounts(
        source=source,
        rows=owners.total() + not_completed.count + left_out.count + of_others,
        taken=owners.total(),
        not_completed=not_completed.count,
        left_out=left_out.count,
        of_others=of_others,
        given=taken_over + refused.count,
        taken_over=taken_over,
        refused=refused.count,
        owners=dict(sorted(owners.items())),
        not_completed_rows=tuple(not_completed.rows),
        left_out_rows=tuple(left_out.rows),
        refused_vectors=tuple(refused.rows),
        letters=letters_in_doubt(source),
    )


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


class _Named:
    """A count of rows, of which the first are named."""

    def __init__(self) -> None:
        self.count, self.rows = 0, list[NamedRow]()

    def add(self, item: str, reason: str) -> None:
        self.count += 1
        if len(self.rows) < MAX_NAMED:
            self.rows.append(NamedRow(id=item, reason=reason))
