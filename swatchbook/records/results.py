"""The results of all pure stages of one run together, and the pages that any of them could not finish."""

from swatchbook.records.base import Record
from swatchbook.records.chunks import Chunks
from swatchbook.records.images import Extraction
from swatchbook.records.pages import FailedPage, Plan, Reading, Tables
from swatchbook.records.products import Description, Discovery


class StageResults(Record):
    """The results of the stages read, discover, describe, plan, chunk and extract for one run."""

    reading: Reading
    discovery: Discovery
    tables: Tables
    descriptions: tuple[Description, ...]
    plan: Plan
    chunks: Chunks
    extraction: Extraction

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the warnings of the stages that read the file."""
        return (*self.reading.warnings, *self.tables.warnings, *self.extraction.warnings)

    @property
    def failed_pages(self) -> tuple[FailedPage, ...]:
        """Return the pages that a stage could not process, or only in part, in the order of the stages."""
        described = (page for description in self.descriptions for page in description.lost)
        return (*self.reading.lost, *self.discovery.lost, *described, *self.tables.lost, *self.extraction.lost)
