"""How reliable an analysis is, and how it reads."""

from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.analysis import understanding_text, weakness
from swatchbook.domain.records import Analysis


def test_score_is_the_lesser_of_quality_and_confidence() -> None:
    assert weakness(Analysis(confidence=0.8, quality=0.2)) == "quality 0.20"
    assert weakness(Analysis(confidence=0.1, quality=0.7)) == "confidence 0.10"


def test_what_is_known_is_said_in_fixed_order() -> None:
    assert understanding_text(Analysis(confidence=0, quality=0.3)) == ""
    assert understanding_text(Analysis(material="  ", printed_text="\n", confidence=0)) == ""
    analysis = Analysis(
        material="oak", finish="oiled", textures=("even", "directional"), pattern="grained", contrast="low",
        dimensions="20 mm.", slip_rating="R10", printed_text="ACME\n  Oak", application="floor",
        recognised=("sandal", "shoe"), confidence=1,
    )  # fmt: skip
    assert understanding_text(analysis) == (
        "Recognised: sandal, shoe. "
        "Material: oak. Finish: oiled. Texture: even, directional. Pattern: grained. Contrast: low. "
        "Dimensions: 20 mm. Slip rating: R10. Application: floor. Printed text: ACME Oak."
    )


@given(st.text(max_size=30), st.text(max_size=30))
def test_text_is_one_line_of_what_is_known(material: str, printed: str) -> None:
    analysis = Analysis(material=material, printed_text=printed, confidence=0.1)
    text = understanding_text(analysis)
    assert text == " ".join(text.split())
    assert text == understanding_text(analysis.model_copy(update={"confidence": 0.9, "quality": 0.2}))
    assert bool(text) == bool(material.strip(".").strip() or printed.strip())
