"""What counts as a price, its currency and its range."""

import pytest

from swatchbook.catalogue.attributes import code_of
from swatchbook.printed_prices import (
    CODES,
    SHARED,
    SIGNS,
    WORDS_BEFORE,
    WORDS_BEHIND,
    amounts_of,
    currencies_of,
    currency_of,
    former_in,
    highest_of,
    may_be_in,
    price_in,
    price_of,
    with_currency,
)


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
        ("MP 310, £18", "£18"),  # a code before it
        ("310 £18.50", "£18.50"),
        ("12 € 15 €", "12 €"),
        ("statt 99,- € nur 79,- €", "79,- €"),
        ("invece di € 99 ora € 79", "€ 79"),
        ("UVP 99 €", "99 €"),  # there is no other
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


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("statt 99 € nur 79 €", "99 €"),
        ("79,00 (was 99.00)", "99.00"),
        ("there was 1 lamp for 9 €", None),
        ("9 €", None),
    ],
)
def test_price_before_a_reduction_has_a_currency_or_cents(text: str, before: str | None) -> None:
    assert former_in(text) == before


def test_code_that_begins_like_a_currency_is_a_code() -> None:
    assert code_of("RM120") == "RM120"


BEFORE = {**dict(zip(CODES, CODES, strict=True)), **SIGNS, **WORDS_BEFORE}
BEHIND = {**SIGNS, **WORDS_BEHIND}


@pytest.mark.parametrize(("text", "code"), [(f"{name} 1,299.00", BEFORE[name]) for name in BEFORE])
def test_currency_before_an_amount_is_price_and_currency(text: str, code: str | None) -> None:
    assert price_in(text) == text
    assert (currency_of(text), price_of(text)) == (code, 1299)


@pytest.mark.parametrize(("text", "code"), [(f"1.299,00 {name}", BEHIND[name]) for name in BEHIND])
def test_currency_behind_an_amount_is_price_and_currency(text: str, code: str | None) -> None:
    found = price_in(text)
    assert found is not None
    assert text.startswith(found.rstrip("."))
    assert (currency_of(found), price_of(found)) == (code, 1299)


def test_currency_is_known_by_its_name_alone_and_in_small_letters() -> None:
    assert [currency_of(name) for name in ("eur", "ZŁ", "kč", "Rp", "US$", "EURO", "kr")] == [
        "EUR", "PLN", "CZK", "IDR", "USD", None, None,
    ]  # fmt: skip
    assert currencies_of("12 zł / 3 €") == ("PLN", "EUR")


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("from €12 to €18", (12, 18)),
        ("€ 12,50 – 18,00", (12.5, 18)),
        ("12 - 18 EUR", (12, 18)),
        ("od 1.200 zł do 1.800 zł", (1200, 1800)),
        ("12 bis 18 €", (12, 18)),
        ("$1,200.00 - $1,450.00", (1200, 1450)),
        ("€ 12", (12, None)),
        ("from € 12", (12, None)),
        ("€ 12 (was € 18)", (12, None)),
        ("€ 25,90/m² · € 129/pack", (25.9, None)),
        ("€ 18 – 12", (18, None)),
        ("188,000.-", (188000, None)),
        ("", (None, None)),
    ],
)
def test_both_ends_of_a_printed_range_are_read(text: str, ends: tuple[float | None, float | None]) -> None:
    assert (price_of(text), highest_of(text)) == ends


def test_amounts_are_all_there_is_in_a_price() -> None:
    assert amounts_of("€ 25,90 / € 1.129") == (25.9, 1129)


@pytest.mark.parametrize(
    ("price", "currency", "shown"),
    [("12", "EUR", "12 EUR"), ("12", None, "12"), ("€ 12", "EUR", "€ 12"), ("$ 12", "USD", "$ 12")],
)
def test_currency_is_put_behind_a_price_that_names_none(price: str, currency: str | None, shown: str) -> None:
    assert with_currency(price, currency) == shown


def test_every_name_of_several_countries_has_its_codes() -> None:
    assert SHARED.keys() == {name for name, code in (BEFORE | BEHIND).items() if code is None}


@pytest.mark.parametrize(
    ("text", "currency", "may"),
    [
        ("$59", "USD", True), ("$59", "CAD", True), ("$59", "EUR", False), ("1 299,00 kr", "SEK", True),
        ("1 299,00 kr", "ISK", True), ("1 299,00 kr", "EUR", False), ("¥ 5", "JPY", True), ("¥ 5", "USD", False),
        ("59", "EUR", True), ("£ 59", "EUR", False), ("£ 59", "GBP", True), ("$ 59 CAD", "USD", False),
        ("$ 59 CAD", "CAD", True), ("$59 / € 54", "EUR", False), ("Rs. 500", "INR", True), ("Rs. 500", "EUR", False),
    ],
)  # fmt: skip
def test_a_price_may_be_in_the_currencies_of_its_first_name(text: str, currency: str, may: bool) -> None:
    assert may_be_in(text, currency) is may
