"""What counts as a price, in any currency."""

import pytest

from swatchbook.catalogue.attributes import code_of
from swatchbook.catalogue.prices import price_in


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("€ 25,90/m²", "€ 25,90/m²"),
        ("1100din/kg", "1100din/kg"),
        ("Rp 149.000", "Rp 149.000"),
        ("529,000원", "529,000원"),
        ("80.000 SUM", "80.000 SUM"),
        ("VP 6.225,00 RSD", "6.225,00 RSD"),
        ("188,000.-", "188,000.-"),
        ("RM 12.90", "RM 12.90"),
        ("RM120", None),  # a code
        ("SB 1300TL-10", None),
        ("12.-15. May", None),
        ("2022-2023", None),
        ("DIN 12,5-13", None),
    ],
)
def test_amount_with_a_currency_is_a_price(text: str, price: str | None) -> None:
    assert price_in(text) == price


def test_code_that_begins_like_a_currency_is_a_code() -> None:
    assert code_of("RM120") == "RM120"
