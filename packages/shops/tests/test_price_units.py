"""What a printed price is for, in the words of several languages."""

import pytest

from swatchbook_shops.price_units import unit_of


@pytest.mark.parametrize(
    ("printed", "unit"),
    [
        ("€ 82.50 per m2", "m2"), ("€ 25,90/m²", "m2"), ("12 €/Stück", "piece"), ("7 zł / szt.", "piece"), ("3/m", "m"),
        ("10 /sq. ft", "ft2"), ("€ 9 pro kg", "kg"), ("€ 9", None), ("5 per month", None), ("120 × 60 m", None),
        ("€ 9 per 1 l", "l"), ("€ 9 per pair", "pair"),
    ],
)  # fmt: skip
def test_unit_of_a_printed_price(printed: str, unit: str | None) -> None:
    assert unit_of(printed) == unit
