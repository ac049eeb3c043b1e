"""What counts as a price, its currency and its range."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from babel import Locale, localedata
from babel.numbers import get_territory_currencies
from hypothesis import example, given
from hypothesis import strategies as st

from swatchbook_base.printed_prices import (
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
    is_unclear,
    may_be_in,
    price_in,
    price_of,
    with_currency,
)
from swatchbook_catalogue.attributes import code_of
from tests.tables import check_rows

BEFORE = {**dict(zip(CODES, CODES, strict=True)), **SIGNS, **WORDS_BEFORE}
BEHIND = {**SIGNS, **WORDS_BEHIND}


@pytest.mark.parametrize(
    ("table", "read"),
    [
        ("printed", price_in), ("amounts", lambda text: "unclear" if is_unclear(text) else price_of(text)),
        ("formers", former_in), ("ranges", lambda text: [price_of(text), highest_of(text)]),
        ("with_currency", with_currency), ("may_be_in", may_be_in),
    ],
)  # fmt: skip
def test_printed_prices_are_read(table: str, read: Callable[..., Any]) -> None:
    check_rows(__file__, table, read)


@given(st.text(alphabet="0123456789.,'’- \u00a0€$xRM¢/EUR", max_size=30))
@example("€ 0 123")
def test_any_text_has_a_price_or_none(text: str) -> None:
    assert not is_unclear(text) or price_of(text) is None
    assert highest_of(text) is None or price_of(text) is not None
    assert (price_in(text) or "") == (price_in(price_in(text) or "") or "") or former_in(text)


AMOUNTS = (0.89, 12.5, 1_299, 12_345.6, 1_234_567.89)
AMOUNTS_BESIDE = (12.5, 1_299)
FOREIGN = ("EUR", "USD", "JPY")
BESIDE = (
    "Art.-Nr. 4711 {}", "{} Art.-Nr. 4711", "90 x 200 cm {}", "{} 120 x 60 cm", "Set of 4 {}", "12 pcs {} 01.05.2026",
    "28.11.2026 {}", "Model 1010 {} 2 Stk",
)  # fmt: skip


def of_locales() -> Iterator[tuple[str, str, float]]:
    """Yield (currency, text, amount) in the locale's own currency and three others, with and without decimals."""
    for name in localedata.locale_identifiers():
        if name.startswith("tok"):  # a language that was made up groups by two digits
            continue
        locale = Locale.parse(name)
        own = get_territory_currencies(locale.territory)[-1:] if locale.territory else []
        for currency in dict.fromkeys((*own, *FOREIGN)):
            for amount in AMOUNTS:
                for digits in {2, 0 if amount >= 1 else 2}:
                    pattern = locale.currency_formats["standard"]
                    pattern.frac_prec = (digits, digits)
                    value = round(amount, digits)
                    yield currency, pattern.apply(value, locale, currency=currency, currency_digits=False), value


@pytest.mark.nightly
def test_prices_of_every_locale_are_read() -> None:
    texts = {text: (currency, amount) for currency, text, amount in of_locales()}
    alone, beside = Counter[bool](), Counter[bool]()
    for text, (currency, amount) in texts.items():
        for whole in (text, *(each.format(text) for each in BESIDE if amount in AMOUNTS_BESIDE)):
            found = price_of(whole)
            assert found in (amount, None), f"{whole} is {found}"
            assert found == amount or is_unclear(whole), f"nothing is told of {whole}"
            count = alone if whole == text else beside
            if whole == text or currency in FOREIGN:
                count[found == amount] += 1
    assert len(texts) > 2_500
    assert alone[True] > 0.99 * alone.total(), alone
    assert beside[True] > 0.99 * beside.total(), beside


def test_currency_may_be_on_both_sides() -> None:
    for name, code in BEFORE.items():
        text = f"{name} 1,299.00"
        assert (price_in(text), currency_of(text), price_of(text)) == (text, code, 12.99 if name == "¢" else 1299)
    for name, code in BEHIND.items():
        text = f"1.299,00 {name}"
        found = price_in(text) or ""
        assert found == text
        assert (currency_of(found), price_of(found)) == (code, 12.99 if name == "¢" else 1299)


def test_bare_currency_name_is_known_in_small_letters() -> None:
    assert [currency_of(name) for name in ("eur", "ZŁ", "kč", "Rp", "US$", "EURO", "kr", "JP¥", "GH₵")] == [
        "EUR", "PLN", "CZK", "IDR", "USD", None, None, "JPY", "GHS",
    ]  # fmt: skip
    assert currencies_of("12 zł / 3 €") == ("PLN", "EUR")
    assert SHARED.keys() == {name for name, code in (BEFORE | BEHIND).items() if code is None}
    assert code_of("RM120") == "RM120", "no price in ringgits"
    assert amounts_of("€ 25,90 / € 1.129") == (25.9, 1129)
    for text in ("Boxes 4 120,00 EUR", "4711 EUR 20", "Canapé 1 299,00 €", "19 99 €"):
        assert price_of(price_in(text) or "") is None, f"{text}: unclear in a line stays so alone"
