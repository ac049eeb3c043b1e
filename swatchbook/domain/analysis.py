"""Judge how reliable an analysis of a picture is, and write it as prose."""

from collections.abc import Iterator

from swatchbook.domain.records import Analysis


def score(analysis: Analysis) -> float:
    """Return how reliable an analysis is, 0–1: a confident analysis of a bad picture is as weak as a guess."""
    return min(analysis.quality, analysis.confidence)


def is_weak(analysis: Analysis, below: float) -> bool:
    """Return whether an analysis needs a review: its score is under the setting `review.below`."""
    return score(analysis) < below


def weakness(analysis: Analysis) -> str:
    """Return the score of an analysis and what it is the score of: "confidence 0.20"."""
    name = "quality" if analysis.quality < analysis.confidence else "confidence"
    return f"{name} {score(analysis):.2f}"


def understanding_text(analysis: Analysis) -> str:
    """Return one sentence per non-empty field, in a fixed order; "" if all are empty.

    "Material: porcelain tile. Colors: white, grey. Texture: matte. Dimensions: 60x120 cm."
    """
    return " ".join(f"{name}: {value.rstrip('.')}." for name, value in _fields(analysis))


def _fields(analysis: Analysis) -> Iterator[tuple[str, str]]:
    fields = (
        ("Recognised", ", ".join(analysis.recognised)),
        ("Material", analysis.material),
        ("Finish", analysis.finish),
        ("Colors", ", ".join(color.name for color in analysis.colors)),
        ("Texture", ", ".join(analysis.textures)),
        ("Pattern", analysis.pattern),
        ("Contrast", analysis.contrast),
        ("Dimensions", analysis.dimensions),
        ("Slip rating", analysis.slip_rating),
        ("Application", analysis.application),
        ("Printed text", analysis.printed_text),
    )
    for name, value in fields:
        if line := " ".join((value or "").split()):  # models may send line breaks
            yield name, line
