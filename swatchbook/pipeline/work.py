"""Describe the work of a run for its stages: the run, the document's file and options, and keys of pure stages."""

from swatchbook.cache_keys import stage_key
from swatchbook.ledger.documents import PDF
from swatchbook.ledger.runs import Run
from swatchbook.records import BlockNames, IngestOptions, Record
from swatchbook.settings import Settings


class Work(Record):
    """One run of a document, with what its stages need. `file`: key of its PDF; the name of any other source."""

    run: Run
    document: str
    name: str
    owner: str
    content: str
    kind: str = PDF
    file: str
    options: IngestOptions
    force: str | None
    blocks: BlockNames = BlockNames()

    def key(self, stage: str, settings: Settings, part: str = "") -> str:
        """Return the cache key of a pure stage of this document."""
        return stage_key(stage, self.content, settings, self.options, force=self.force, part=part)
