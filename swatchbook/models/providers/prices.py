"""Find the price of a model: in SWATCHBOOK_PRICES, else the vendor's published price in `prices.toml`.

Published prices apply only at the vendor's own address. A model in neither has no known price. `costs.py` multiplies
tokens by prices.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from swatchbook.domain.setting_values import Price
from swatchbook.domain.settings import Settings
from swatchbook.models.providers.endpoint import Part, endpoint_url


class KnownPrice(NamedTuple):
    """A model's price. `checked`: the day when it was last read on the vendor's page, None for one in the settings."""

    price: Price
    checked: date | None


@cache
def published_prices() -> Mapping[tuple[str, str], KnownPrice]:
    """Return (host, model) -> its published price."""
    hosts = tomllib.loads(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))
    return {
        (host, model): KnownPrice(Price(input=entry["input"], output=entry["output"]), entry["checked"])
        for host, models in hosts.items()
        for model, entry in models.items()
    }


def parts_in_use(settings: Settings) -> list[Part]:
    """Return the parts that use models of providers."""
    chosen: Mapping[Part, bool] = {
        "vision": settings.analyst == "vision",
        "review": bool(settings.review.model and settings.review.below),
        "llm": settings.discovery != "layout",
        "text": not settings.has_local_text_encoder,
    }
    return [part for part, is_used in chosen.items() if is_used]


def known_price(settings: Settings, part: Part) -> KnownPrice | None:
    """Return the price of the model that the settings choose for a part; None if it is not known."""
    model = getattr(settings, part).model or ""
    if model in settings.prices:
        return KnownPrice(settings.prices[model], None)
    return published_prices().get((urlsplit(endpoint_url(settings, part)).hostname or "", model))


def model_price(settings: Settings, part: Part) -> Price | None:
    """Return the price of a part's model, whatever its source; None if it is not known."""
    known = known_price(settings, part)
    return known.price if known else None
