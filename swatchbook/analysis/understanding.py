"""The understanding text: an analysis as prose, whose vector is the role `understanding` and which keywords search."""

from collections.abc import Iterator

from swatchbook.records import Analysis


def understanding_text(analysis: Analysis) -> str:
    """One sentence a known field, in a fixed order; "" where nothing is known (then there is nothing to make).

    "Material: porcelain tile. Colors: white, grey. Texture: matte. Dimensions: 60x120 cm."
    """
    return " ".join(f"{name}: {value.rstrip('.')}." for name, value in _said(analysis))


def _said(analysis: Analysis) -> Iterator[tuple[str, str]]:
    fields = (
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
        if said := " ".join((value or "").split()):  # one line, whatever a model sent
            yield name, said
