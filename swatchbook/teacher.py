"""The seam to swatchbook-teach, which finds products and pictures as a person has taught them.

The core keeps the reading of a document with its options, and asks the package for what follows from it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from swatchbook.domain.extras import missing_package
from swatchbook.domain.plugins import Kind, find, installed
from swatchbook.domain.records import Discovery, Extraction, LostPicture, Page, Reading, TaughtReading

if TYPE_CHECKING:
    from swatchbook.resources import Resources
    from swatchbook.store.ledger.stored_documents import Document

PACKAGE: Final = "swatchbook-teach"
_NAME: Final = "teach"


class Teacher(Protocol):
    """What reads a document as a person has taught it. `version`: of what `discover` returns, for cache keys."""

    version: str

    def discover(self, reading: Reading, pages: Iterable[Page], taught: TaughtReading) -> Discovery:
        """Return the products of a document. The pages are read once, in order; the core's layout rules find names
        that are not taught.
        """

    def amend_pictures(
        self,
        resources: "Resources",
        file: str,
        reading: Reading,
        extraction: Extraction,
        taught: TaughtReading,
        taken: Sequence[LostPicture],
    ) -> tuple[Extraction, Sequence[LostPicture]]:
        """Return the pictures that were found as they were taught, and the parts of pages that are pictures then.

        `taken`: parts that a person took in otherwise, which are not returned again.
        """

    def pairing(self, taught: TaughtReading) -> Callable[[Any], Mapping[str, str]] | None:
        """Return what pairs pictures with names as it was taught, None where it was not."""

    def describe_offer(self, resources: "Resources", document: "Document") -> str | None:
        """Return a sentence for a document that nobody has taught, if the reading of another one probably fits it."""

    def propose(
        self,
        resources: "Resources",
        document: "Document",
        shown: Mapping[Any, Sequence[str]],
        wrong: Mapping[Any, Sequence[str]],
    ) -> Sequence[Any]:
        """Return what readings would find that agree with what a notebook shows, the likeliest first."""

    def accept(self, resources: "Resources", document: str, proposal: Any, *, by: str) -> None:
        """Accept a proposal for a document, and queue it."""

    def undo(self, resources: "Resources", document: str, *, by: str) -> None:
        """Undo the reading in use of a document, and queue it."""


def find_teacher(what: str = "Reading a document as it was taught") -> Teacher:
    """Return what reads taught documents. Raises MissingExtra, which says what needs it, if it is not installed."""
    if not installed(Kind.TEACHER):
        raise missing_package(what, PACKAGE)
    return cast("Teacher", find(Kind.TEACHER, _NAME).load()())


def teacher_version() -> str | None:
    """Return the version of what finds taught products, None where nothing does."""
    return find_teacher().version if installed(Kind.TEACHER) else None
