"""The understanding text: an analysis as prose, one sentence for each field in a fixed order. It is embedded as the
role `understanding` and read by keyword search.
"""

from collections.abc import Iterator

from swatchbook.records import Analysis


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
