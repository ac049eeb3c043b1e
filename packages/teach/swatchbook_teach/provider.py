"""What the core asks for a document that is taught: the implementation of `swatchbook.teacher.Teacher`.

Modules are imported when they are asked: naming the version for a cache key needs none of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from swatchbook.domain.records import Discovery, Extraction, LostPicture, Page, Reading, TaughtReading

if TYPE_CHECKING:
    from swatchbook.resources import Resources
    from swatchbook.store.ledger.stored_documents import Document
    from swatchbook_catalogue.link_features import PagePlaces
    from swatchbook_teach.records import Proposal


class TaughtDocuments:
    """Reads documents as they were taught. `version`: raised whenever `discover` may return something else."""

    version = "3"

    def discover(self, reading: Reading, pages: Iterable[Page], taught: TaughtReading) -> Discovery:
        from swatchbook_teach.learning.taught_products import discover_taught

        return discover_taught(reading, pages, taught)

    def amend_pictures(
        self,
        resources: "Resources",
        file: str,
        reading: Reading,
        extraction: Extraction,
        taught: TaughtReading,
        taken: Sequence[LostPicture],
    ) -> tuple[Extraction, Sequence[LostPicture]]:
        from swatchbook_teach.taught_pictures import amend_pictures

        return amend_pictures(resources, file, reading, extraction, taught, taken)

    def pairing(self, taught: TaughtReading) -> "Callable[[Sequence[PagePlaces]], Mapping[str, str]] | None":
        from swatchbook_teach.taught_pictures import pairing

        return pairing(taught)

    def describe_offer(self, resources: "Resources", document: "Document") -> str | None:
        from swatchbook_teach.offered_readings import describe_offer

        return describe_offer(resources, document)

    def propose(
        self,
        resources: "Resources",
        document: "Document",
        shown: Mapping[Any, Sequence[str]],
        wrong: Mapping[Any, Sequence[str]],
    ) -> "Sequence[Proposal]":
        from swatchbook_teach.shown_words import propose

        return propose(resources, document, shown, wrong)

    def accept(self, resources: "Resources", document: str, proposal: "Proposal", *, by: str) -> None:
        from swatchbook_teach.kept_readings import accept_reading

        accept_reading(resources.ledger, document, proposal.reading, by=by)

    def undo(self, resources: "Resources", document: str, *, by: str) -> None:
        from swatchbook_teach.kept_readings import undo_reading

        undo_reading(resources.ledger, document, by=by)
