"""Prices: published ones with their dates, at their vendor's address only; the settings go first; unknown stays so."""

from datetime import date
from typing import Any, get_args

import pytest

from swatchbook.domain.setting_values import Price
from swatchbook.domain.settings import Settings, replace
from swatchbook.models.providers.costs import usd
from swatchbook.models.providers.endpoint import PUBLIC_URLS, Part
from swatchbook.models.providers.prices import model_price, parts_in_use, published_prices
from swatchbook_providers.embeddings import provider_text_encoder
from tests.tables import rows_of

OWN = Price(input=7, output=8)


def test_every_published_price_has_a_vendor_and_date() -> None:
    listed = published_prices()
    assert {f"https://{host}" for host, _ in listed} == {url.removesuffix("/v1") for url in PUBLIC_URLS.values()}
    for known in listed.values():
        assert known.checked is not None
        assert date(2025, 1, 1) < known.checked <= date.today()
        assert 0 < known.price.input < 100
        assert known.price.output == 0 or known.price.output > known.price.input


@pytest.mark.parametrize(("settings", "part", "expected"), rows_of(__file__, "prices"))
def test_a_price_is_known_or_it_is_unknown(settings: dict[str, Any], part: Part, expected: list[float] | None) -> None:
    price = model_price(Settings(**settings), part)
    assert expected == (price and [price.input, price.output])
    if price is None:
        assert usd(price, 1_000, 1_000) is None


def test_encoder_has_the_price_of_its_own_address() -> None:
    settings = Settings(text_encoder="voyage", text={"api_key": "key", "model": "voyage-4-lite"})  # type: ignore[arg-type]
    elsewhere = replace(settings, {"text.url": "http://127.0.0.1:1/v1"})
    prices = [provider_text_encoder(each, "tag")._price for each in (settings, elsewhere)]
    assert prices == [Price(input=0.02, output=0), None]


def test_parts_in_use_are_those_of_providers() -> None:
    assert parts_in_use(Settings()) == []
    paid = Settings(
        analyst="vision", vision={"url": "http://gpu/v1", "model": "mine"}, review={"model": "better"}, discovery="llm",
        llm={"model": "gpt-5"}, text_encoder="voyage", text={"model": "voyage-4"}, prices={"better": OWN},
    )  # fmt: skip
    assert set(parts_in_use(paid)) == set(get_args(Part))
