"""Look up the weights by which a document's names are chosen: shipped, or fitted to its owner's documents."""

from swatchbook.catalogue.choose_names import Weights, read_weights, shipped_weights
from swatchbook.errors import InvalidReference
from swatchbook.ledger.fitted_weights import load_weights
from swatchbook.records import IngestOptions
from swatchbook.resources import Resources


def name_weights(resources: Resources, document: str, options: IngestOptions) -> Weights:
    """Return the weights that a document's options name.

    Raises InvalidReference for fitted ones that are gone, or were made for other features than this version measures.
    """
    shipped = shipped_weights()
    if not options.weights:
        return shipped
    fitted = read_weights(load_weights(resources.ledger, document, options.weights))
    tables = ("features", "right", "found", "silent")
    if any(getattr(fitted, table).keys() != getattr(shipped, table).keys() for table in tables):
        raise InvalidReference(
            f"The fitted weights {options.weights} are of another version of Swatchbook.",
            advice="Fit them again: `swatchbook fit`. Then ingest the document with --force.",
        )
    return fitted
