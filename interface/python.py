"""A collection on this machine for notebooks and programs, `swatchbook.Swatchbook`.

It calls what the commands call and adds no rules. An ingest runs in a child process with the settings of the
collection, as from a terminal: collections with different homes can be open at the same time, and the notebook needs
neither Prefect nor torch for it.
"""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from pydantic import BaseModel, SecretStr, ValidationError

from interface.cli.commands.search import parse_filters
from interface.cli.ingest import expand, find_report
from interface.cli.terminal import COMPLETED, OPEN
from interface.notebook_html import THUMBNAIL_SIDE, Overview, Reports, Results
from swatchbook.errors import KINDS, Failure, InvalidReference, Unexpected
from swatchbook.index.contract import FilterArguments
from swatchbook.ledger.owners import known_owners, require_owner
from swatchbook.ledger.queries.account import account
from swatchbook.ledger.queries.coverage import count_coverage
from swatchbook.ledger.queries.image import image_ids
from swatchbook.ledger.stored_documents import BATCH, PDF, Document, find_document, get_kept
from swatchbook.pipeline.register_path import register_path
from swatchbook.previews import Thumbnail, make_preview
from swatchbook.records import (
    DEFAULT_OWNER,
    OWNER_ADVICE,
    DocumentStatus,
    IngestOptions,
    ResultKind,
    Role,
    SearchResults,
    is_owner,
)
from swatchbook.resources import Resources
from swatchbook.search import MAX_RESULTS
from swatchbook.settings import PREFIX, Settings, load_settings
from swatchbook.storage.upload_buffer import temporary_file

if TYPE_CHECKING:
    from PIL.Image import Image

"""Results of one search, as on the command line."""

_OF_TERMINALS = frozenset({"FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE"})
"""Variables that Jupyter sets: an ingest would draw bars as on a terminal, one below the other."""

_END_SECONDS = 15.0  # for an interrupted ingest to record its end
_NEED_A_PERSON = frozenset({DocumentStatus.FAILED, DocumentStatus.BLOCKED})


class Swatchbook:
    """The collection of one owner on this machine; use it in a `with` block, or close it. See `open`."""

    def __init__(self, settings: Settings, *, owner: str, environment: Mapping[str, str]) -> None:
        """`environment`: of its child processes, which read the same settings from it."""
        self.owner = owner
        self._folder = Path.cwd()  # where a child finds the same .env file
        self._environment = dict(environment)
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
        given = {f"{PREFIX}{name.upper()}": _as_variable(value) for name, value in settings.items()}
        environment = {
            name: value
            for name, value in os.environ.items()
            if given.get(name, "") is not None and name not in _OF_TERMINALS
        }
        environment |= {name: value for name, value in given.items() if value is not None}
        book = cls(loaded, owner=owner, environment=environment | {f"{PREFIX}HOME": str(loaded.home)})
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

        What is unchanged is not worked on again. `roles`, `max_usd`, `force`, `mirror`, `edition_of` mean what they
        mean on the command line. An interrupted ingest continues when it is called again. Raises what is wrong with a
        path, before any work, and the failure of a document that failed or is blocked.
        """
        suffixes = self._resources.settings.image_suffixes
        found = {source.path.absolute(): source.kind for path in paths for source in expand(Path(path), suffixes)}
        kinds = {path: PDF if kind == PDF else None for path, kind in found.items()}  # as `swatchbook ingest` does
        return self._ingest(kinds, roles, max_usd, force, mirror, edition_of)

    def add(self, items: Iterable[Mapping[str, Any]], folder: str | Path) -> Reports:
        """Write items of your own into a folder as a scraped batch, and ingest it.

        An item is a dict with the fields of docs/folders.md; its `images` are a path, bytes, a Pillow image, or a list
        of them, and are copied into the folder. An item replaces the one with its id; the other items of the folder
        stay. Raises what `ingest` raises, and InvalidReference for an item that cannot be written: nothing is added.
        """
        from swatchbook.sources.write_batch import write_items

        target = Path(folder).absolute()
        write_items(items, target, self._resources.settings.item_fields)
        return self._ingest({target: BATCH}, (), None, False, False, None)

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
        from swatchbook.search.search import find_relevant

        resources = self._known()
        if not 1 <= k <= MAX_RESULTS:
            raise InvalidReference(f"k={k} is out of range.", advice=f"Ask for 1 to {MAX_RESULTS} results.")
        given: FilterArguments = {**(where or {}), **filters}
        parsed, references = parse_filters(
            [f"{name}={value}" for name, values in given.items() for value in _as_list(values)]
        )
        documents = tuple(find_document(resources.ledger, each, self.owner).id for each in references)
        parsed = parsed.model_copy(update={"owner": self.owner, "document": documents})
        with self._picture_file(image) as file:
            found = find_relevant(
                resources, text=text, image=file, examples=Examples(like, unlike), where=parsed, by=by, k=k,
                offset=offset, weights=weights,
            )  # fmt: skip
        return self._results(found)

    def similar(self, image_id: str, *, k: int = 10) -> Results:
        """Return the images that are most similar to an image of the collection, without itself.

        Raises InvalidReference for an id that the owner does not have, or without vectors.
        """
        return self.search(like=[image_id], k=k)

    # the account

    def count(self) -> int:
        """Return how many images the owner's documents show."""
        return account(self._known().ledger, owner=self.owner).found

    def ids(self) -> list[str]:
        """Return the ids of these images, sorted."""
        return image_ids(self._known().ledger, self.owner)

    def stats(self) -> Overview:
        """Return the account of these images, and how many have vectors."""
        ledger = self._known().ledger
        return Overview(
            owner=self.owner, account=account(ledger, owner=self.owner), coverage=count_coverage(ledger, self.owner)
        )

    # within

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

    def _results(self, found: SearchResults) -> Results:
        def thumbnail(file: str) -> bytes:
            return make_preview(self._resources, Thumbnail(file=file, side=THUMBNAIL_SIDE))

        return Results(found, thumbnail)

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

    def _ingest(
        self,
        sources: Mapping[Path, str | None],
        roles: Collection[Role | str],
        max_usd: float | None,
        force: bool,
        mirror: bool,
        edition_of: str | None,
    ) -> Reports:
        if edition_of is not None and len(sources) != 1:
            raise InvalidReference("Name one PDF with edition_of.")
        try:
            options = IngestOptions.model_validate(
                {"roles": frozenset(roles), "max_usd": max_usd, "force": force, "mirror": mirror}
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidReference(f"{first['loc'][0]}={first['input']}: {first['msg']}.") from error
        resources = self._resources
        older = edition_of and find_document(resources.ledger, edition_of, self.owner).id
        registered = [
            (path, register_path(resources, path, kind=kind, owner=self.owner, options=options, edition_of=older))
            for path, kind in sources.items()
        ]
        flags = [f"--owner={self.owner}", "--json"]
        flags += [f"--roles={','.join(sorted(options.roles))}"] if options.roles else []
        flags += [f"--max-usd={max_usd}"] if max_usd is not None else []
        flags += ["--force"] if force else []
        said = list[str]()
        for is_pdf, command in ((True, "ingest"), (False, "ingest-images")):
            changed = [p for p, entry in registered if not entry.unchanged and (entry.document.kind == PDF) == is_pdf]
            if changed:
                only = [] if is_pdf or not mirror else ["--mirror"]
                said += self._run(command, *flags, *only, "--", *map(str, changed))
        documents = [(get_kept(resources.ledger, entry.document.id), entry.unchanged) for _, entry in registered]
        for document, _ in documents:
            _raise_failure(document)
        if said:  # it ended before it could record why
            raise Unexpected(said[-1])
        return Reports(find_report(resources, document, unchanged=unchanged) for document, unchanged in documents)

    def _run(self, *arguments: str) -> list[str]:
        """Run a command with the settings of this collection; what it says goes to stderr.

        Returns its last failure if it failed, else nothing. Raises KeyboardInterrupt when the command is over, too.
        """
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "interface.cli.main", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as child:
            said = list[str]()
            try:
                for line in child.stderr or ():
                    sys.stderr.write(line)
                    if line.startswith("✗ "):  # terminal.py: the failure, then the advice on the next line
                        said = [line[2:].strip()]
                    elif line.startswith("  ") and said:
                        said.append(line.strip())
            except KeyboardInterrupt:
                child.send_signal(signal.SIGINT)  # Jupyter may have interrupted only the kernel
                try:
                    child.wait(_END_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
                raise
        if child.returncode in (COMPLETED, OPEN):
            return []
        return [" ".join(said) or f"The ingest ended with status {child.returncode}."]


def _raise_failure(document: Document) -> None:
    """Raise what a document failed for, or is blocked by."""
    if document.status in _NEED_A_PERSON:
        kind: type[Failure] = KINDS.get(document.failure_kind or "", Unexpected)
        raise kind(f"{document.name}: {document.message or document.status}")


def _as_list(value: Any) -> Sequence[Any]:
    return [] if value is None else value if isinstance(value, list | tuple) else [value]


def _as_variable(value: Any) -> str | None:
    """Return a setting as the text of its variable, None for none."""
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, str | Path) else json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return dict(value)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path) else list(value)
