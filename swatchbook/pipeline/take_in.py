"""Extract the parts of pages that a person took in as pictures, in addition to those that stage 5 finds.

They are extracted in each run, so that a person's decision counts at once and the pure stage's result stays cached.
"""

from pathlib import Path

from swatchbook.ledger.queries.lost_pictures import list_lost_pictures
from swatchbook.pipeline.extract import extract_boxes
from swatchbook.records import Extraction, LostState, Reading
from swatchbook.resources import Resources


def extract_taken(
    resources: Resources, path: Path, document: str, reading: Reading, extraction: Extraction
) -> Extraction:
    """Return the pictures that a person took in for a document, or nothing; `extraction` is what was found."""
    taken = list_lost_pictures(resources.ledger, document, LostState.TAKEN)
    if not taken:
        return Extraction(pictures=(), placements=())
    return extract_boxes(
        path, document, reading, taken, resources.files, resources.settings, placed=extraction.placements
    )
