"""A collection on this machine, `Swatchbook`.

It calls what the commands call and adds no rules. An ingest runs in a child process with the settings of the
collection, as from a terminal: collections with different homes can be open at the same time, and the notebook needs
neither Prefect nor torch for it.
"""

import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, Unpack, get_args

from pydantic import ValidationError

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import (
    DEFAULT_OWNER,
    OWNER_ADVICE,
    DocumentStatus,
    EditionDiff,
    IngestOptions,
    NearDuplicates,
    ResultKind,
    Role,
    is_owner,
)
from swatchbook.domain.settings import Settings, load_settings
from swatchbook.doors.cli.ingest import expand, local_path
from swatchbook.doors.cli.shared_arguments import login_name
from swatchbook.index.contract import FilterArguments
from swatchbook.previews import Thumbnail, make_preview
from swatchbook.resources import Resources
from swatchbook.search import MAX_RESULTS
from swatchbook.store.files.upload_buffer import temporary_file
from swatchbook.store.ledger.owners import known_owners, require_owner
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.image import image_ids
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import BATCH, PDF, Document, all_documents, find_document, get_document
from swatchbook.teacher import find_teacher
from swatchbook_base.arrays import Vectors
from swatchbook_notebook.ingest import Child, child_environment, ingest, process_again
from swatchbook_notebook.results import THUMBNAIL_SIDE, Overview, Reports, Results

if TYPE_CHECKING:
    from PIL.Image import Image
    from pyarrow import Table

    from swatchbook.doors.export import Exported
    from swatchbook.ingest.estimate import Estimate

_TEACHING = "Teaching by example"


class Embedded(NamedTuple):
    """Ids, sorted, and the vector of each: a row of length 1, (n, dimension) float32."""

    ids: list[str]
    matrix: Vectors


class Swatchbook:
    """The collection of one owner on this machine; use it in a `with` block, or close it. See `open`."""

    def __init__(self, settings: Settings, *, owner: str, environment: Mapping[str, str]) -> None:
        """`environment`: of its child processes, which read the same settings from it."""
        self.owner = owner
        self._child = Child(Path.cwd(), environment)  # where it finds the same .env file
        self._tools: Resources | None = Resources(settings)

    @classmethod
    def open(cls, *, owner: str = DEFAULT_OWNER, **settings: Any) -> Self:
        """Open the collection of an owner; a home that does not exist is created.

        `settings`: any of `swatchbook config` in lower case, without SWATCHBOOK_, such as `home="collection"`; they go
        before the environment and the .env file. Raises Configuration, InvalidReference, LedgerDown.
        """
        if not is_owner(owner):
            raise InvalidReference(f"{owner!r} is not a valid name of an owner.", advice=OWNER_ADVICE)
        loaded = load_settings(**settings)
        loaded = loaded.model_copy(update={"home": loaded.home.absolute()})
        book = cls(loaded, owner=owner, environment=child_environment(settings, loaded.home))
        try:
            known_owners(book._resources.ledger)  # a ledger that cannot be opened is named here
        except BaseException:
            book.close()
            raise
        return book

    def close(self) -> None:
        """Close the collection; results that were shown stay."""
        if self._tools is not None:
            self._tools.close()
            self._tools = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Swatchbook of {self.owner}, {self._tools.settings.home if self._tools else 'closed'}>"

    # what comes in

    def ingest(
        self,
        *paths: str | Path,
        roles: Collection[Role | str] = (),
        max_usd: float | None = None,
        force: bool = False,
        mirror: bool = False,
        edition_of: str | None = None,
    ) -> Reports:
        """Ingest PDFs, pictures, scraped batches and folders of all; return the report of each when all are over.

        A path may be the URL of an object store, such as `s3://bucket/prefix`. What is unchanged is not worked on
        again. `roles`, `max_usd`, `force`, `mirror`, `edition_of` mean what they mean on the command line. An
        interrupted ingest continues when it is called again. Raises what is wrong with a path, before any work, and
        the failure of a document that failed, is blocked, or was deleted meanwhile.
        """
        settings = self._resources.settings
        local = [path if isinstance(path, Path) else local_path(path, settings) for path in paths]
        found = {s.path.absolute(): s.kind for path in local for s in expand(path)}
        kinds = {path: PDF if kind == PDF else None for path, kind in found.items()}  # as `swatchbook ingest` does
        return self._ingest(kinds, edition_of, roles=frozenset(roles), max_usd=max_usd, force=force, mirror=mirror)

    def add(self, items: Iterable[Mapping[str, Any]], folder: str | Path) -> Reports:
        """Write items of your own into a folder as a scraped batch, and ingest it.

        An item is a dict with the fields of docs/folders.md; its `images` are a path, bytes, a Pillow image, or a list
        of them, and are copied into the folder. An item replaces the one with its id; the other items of the folder
        stay. Raises what `ingest` raises, and InvalidReference for an item that cannot be written: nothing is added.
        """
        from swatchbook_notebook.write_items import write_items

        _ = self._resources  # nothing is written once the collection is closed
        target = Path(folder).absolute()
        write_items(items, target)
        return self._ingest({target: BATCH})

    def plan(self, file: str | Path) -> "Estimate":
        """Return which calls to providers an ingest of a PDF would send at most, and their cost; none is sent."""
        from swatchbook.ingest.estimate import estimate

        return estimate(self._resources, Path(file), IngestOptions())

    def diff(self, before: str, after: str) -> EditionDiff:
        """Return how the products of two documents differ: added, removed, renamed, and changed in price or size."""
        from swatchbook.upkeep.reports.edition_report import compare_documents

        ledger = self._known().ledger
        older, newer = (find_document(ledger, each, self.owner).id for each in (before, after))
        return compare_documents(ledger, older, newer)

    # search

    def search(
        self,
        text: str | None = None,
        *,
        image: "str | Path | bytes | Image | None" = None,
        like: Sequence[str] = (),
        unlike: Sequence[str] = (),
        by: ResultKind = "image",
        k: int = 10,
        offset: int = 0,
        weights: Mapping[str, float] | None = None,
        where: FilterArguments | None = None,
        **filters: Unpack[FilterArguments],
    ) -> Results:
        """Return the best images, products or chunks for a text, a picture, or both, best first.

        Without any of them, all that match the filters, newest document first. `where`: filters as a mapping.
        `like`, `unlike`: ids of images that the results are to be like, or not. `offset`: results before the first.
        `weights`: role -> weight, instead of the defaults. Results that are hardly relevant are left out.

        A result matches every filter, and for each filter at least one of its values: docs/filters.md. Raises
        InvalidReference, UnreadableImage, IndexDown, Configuration.
        """
        from swatchbook.search.query_pictures import Examples
        from swatchbook.search.request import SearchRequest, build_filters
        from swatchbook.search.search import find_relevant

        resources = self._known()
        if not 1 <= k <= MAX_RESULTS:
            raise InvalidReference(f"k={k} is out of range.", advice=f"Ask for 1 to {MAX_RESULTS} results.")
        if by not in get_args(ResultKind):
            raise InvalidReference(
                f"by={by!r} is not a kind of result.", advice=f"Use {', '.join(get_args(ResultKind))}."
            )
        given: FilterArguments = {**(where or {}), **filters}
        parsed, references = build_filters({name: [*map(str, _as_list(values))] for name, values in given.items()})
        documents = tuple(find_document(resources.ledger, each, self.owner).id for each in references)
        parsed = parsed.model_copy(update={"owner": self.owner, "document": documents})
        with self._picture_file(image) as file:
            examples = Examples(like, unlike)
            found = find_relevant(resources, SearchRequest(text, file, examples, parsed, by, weights, k, offset))
        return Results(found, lambda file: make_preview(self._resources, Thumbnail(file=file, side=THUMBNAIL_SIDE)))

    def similar(self, image_id: str, *, k: int = 10) -> Results:
        """Return the images that are most similar to an image of the collection, without itself.

        Raises InvalidReference for an id that the owner does not have, or without vectors.
        """
        return self.search(like=[image_id], k=k)

    def near_duplicates(self, *, limit: int = 100) -> NearDuplicates:
        """Return groups of images that show nearly the same picture, the largest groups first."""
        from swatchbook.search.near_duplicates import describe_near_duplicates

        return describe_near_duplicates(self._known(), self.owner, limit)

    # the account

    def count(self) -> int:
        """Return how many images the owner's documents show."""
        return account(self._known().ledger, owner=self.owner).found

    def ids(self) -> list[str]:
        """Return the ids of these images, sorted."""
        return image_ids(self._known().ledger, self.owner)

    def stats(self) -> Overview:
        """Return the account of these images, and how many have vectors."""
        from swatchbook.upkeep.reports.collection_state import by_shown_state

        ledger = self._known().ledger
        coverage = by_shown_state(ledger, count_statistics(ledger, self.owner).coverage, self.owner)
        return Overview(owner=self.owner, account=account(ledger, owner=self.owner), coverage=coverage)

    # as tables

    def products(self, document: str | None = None) -> "Table":
        """Return the products with their variants as a pyarrow table, a row for each: the columns of `export`.

        `document`: id, beginning of an id, or name; without one, those of all documents. `.to_pandas()` and
        `polars.from_arrow` make a frame of it.
        """
        from swatchbook_notebook.tables import product_table

        settings = self._resources.settings
        return product_table(self._resources.ledger, self._documents(document), settings.temporary_folder)

    def images(self, document: str | None = None) -> "Table":
        """Return the images as a pyarrow table, a row for each image in each document; hidden ones, too."""
        from swatchbook_notebook.tables import image_table

        return image_table(self._resources.ledger, self._documents(document))

    def facts(self, document: str | None = None) -> "Table":
        """Return the facts of the products as a pyarrow table, a row for each value, with the page where it is."""
        from swatchbook_notebook.tables import fact_table

        return fact_table(self._resources.ledger, self._documents(document))

    def vectors(self, role: Role | str = Role.VISUAL, *, tag: str | None = None) -> Embedded:
        """Return the ids of the images (of role `text`: chunks) with a vector of a role, and the vectors as a matrix.

        `tag`: the model, by default the one that searches use. Raises InvalidReference for a role without vectors.
        """
        from swatchbook.store.ledger.space_objects import object_vectors

        ledger = self._known().ledger
        spaces = [each for each in registered(ledger) if not each.dropping]
        of_role = [each for each in spaces if each.space.role == role]
        wanted = [each.pair for each in of_role if (each.active if tag is None else each.space.tag == tag)]
        if not wanted:
            known = ", ".join(sorted(f"{each.pair.role} ({each.pair.tag})" for each in spaces))
            raise InvalidReference(f"There are no such vectors: {role}.", advice=f"There are: {known or 'none yet'}.")
        return Embedded(*object_vectors(ledger, wanted[0], self.owner))

    def export(
        self,
        to: str | Path,
        document: str | None = None,
        *,
        format: str | None = None,
        pictures: str | Path | None = None,
        mapping: str | Path | Mapping[str, Any] | None = None,
        pictures_url: str | None = None,
        since: str | Path | None = None,
        accept_gone: bool = False,
    ) -> "Exported":
        """Write the products into a file, as `swatchbook export` does: CSV, JSON lines, Excel or Parquet, or for shops.

        `format`: by default that of the file's suffix, csv without one; or the name of a shop's format or a plugin.
        `pictures`: a folder for copies of the products' pictures. `mapping` (a YAML file, or what it holds as a dict),
        `pictures_url` and `since` are for shops: docs/shops.md; so is `accept_gone`, with which more than half of an
        earlier file may be gone, or some while documents are not completed. Raises Configuration, InvalidReference,
        MissingExtra, TooLarge, PluginFailed.
        """
        from swatchbook.doors.export import export, exportable, find_format
        from swatchbook.upkeep.export.formats import shop_options
        from swatchbook.upkeep.export.shop_mapping import as_shop_mapping

        chosen = find_format(format, Path(to))
        options = shop_options(chosen, as_shop_mapping(mapping), pictures_url, since, accept_gone=accept_gone)
        documents = exportable(self._documents(document), every=document is None)
        folder = None if pictures is None else Path(pictures)
        return export(self._resources, documents, chosen, to=Path(to), pictures=folder, options=options)

    # teaching, with swatchbook-teach

    def propose(
        self,
        document: str,
        shown: Mapping[str, Sequence[str]] | None = None,
        *,
        wrong: Mapping[str, Sequence[str]] | None = None,
    ) -> Sequence[Any]:
        """Return what a catalogue's products would be if it were read as its examples show, the likeliest first.

        Nothing changes. `shown`, `wrong`: such as `{"name": ["5:Nordvik Oak"]}`, the page before the text;
        codes and prices are shown so, too. Without any, the likeliest readings. Raises InvalidReference for what is
        not on its page.
        """
        row = find_document(self._resources.ledger, document, self.owner)
        return find_teacher(_TEACHING).propose(self._resources, row, shown or {}, wrong or {})

    def teach(self, document: str, proposal: Any) -> Reports:
        """Accept a proposal: the document is ingested again and read so, now and later. Raises what `ingest` raises."""
        row = find_document(self._resources.ledger, document, self.owner)
        find_teacher(_TEACHING).accept(self._resources, row.id, proposal, by=login_name())
        return process_again(self._resources, self._child, get_document(self._resources.ledger, row.id))

    def unteach(self, document: str) -> Reports:
        """Undo the taught reading of a document; the one before it is used again. Raises what `ingest` raises."""
        row = find_document(self._resources.ledger, document, self.owner)
        find_teacher(_TEACHING).undo(self._resources, row.id, by=login_name())
        return process_again(self._resources, self._child, get_document(self._resources.ledger, row.id))

    # within

    def _documents(self, reference: str | None) -> list[Document]:
        """Return the document that is named, or all that are not being deleted, oldest first."""
        ledger = self._known().ledger
        if reference is not None:
            return [find_document(ledger, reference, self.owner)]
        found = all_documents(ledger, self.owner)
        return [document for document in found if document.status is not DocumentStatus.DELETING]

    @property
    def _resources(self) -> Resources:
        if self._tools is None:
            raise InvalidReference("This collection is closed.", advice="Open it again: Swatchbook.open().")
        return self._tools

    def _known(self) -> Resources:
        """Return the resources. Raises UnknownOwner, but not for the default owner of an empty collection."""
        ledger = self._resources.ledger
        if self.owner != DEFAULT_OWNER or known_owners(ledger):
            require_owner(ledger, self.owner)
        return self._resources

    @contextmanager
    def _picture_file(self, image: "str | Path | bytes | Image | None") -> Iterator[Path | None]:
        """Yield a file with the picture."""
        if image is None or isinstance(image, str | Path):
            yield None if image is None else Path(image)
            return
        if not isinstance(image, bytes):
            out = io.BytesIO()
            image.convert("RGB").save(out, "PNG")
            image = out.getvalue()
        with temporary_file(self._resources.settings.temporary_folder) as path:
            path.write_bytes(image)
            yield path

    def _ingest(self, sources: Mapping[Path, str | None], edition_of: str | None = None, **options: Any) -> Reports:
        if edition_of is not None and len(sources) != 1:
            raise InvalidReference("Name one PDF with edition_of.")
        try:
            asked = IngestOptions.model_validate(options)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidReference(f"{first['loc'][0]}={first['input']}: {first['msg']}.") from error
        resources = self._resources
        older = edition_of and find_document(resources.ledger, edition_of, self.owner).id
        return ingest(resources, self._child, sources, owner=self.owner, options=asked, edition_of=older)


def _as_list(value: Any) -> Sequence[Any]:
    return [] if value is None else value if isinstance(value, list | tuple) else [value]
