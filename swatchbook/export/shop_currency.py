"""Prices of files that have no place for a currency, such as the CSV of Shopify and WooCommerce: all are in that of the
shop. An amount in another currency would be a wrong price.
"""

from swatchbook.export.offers import NotExportable, Offer, Price


class OneCurrency:
    """The currency of a file: that of the mapping, else that of the first price."""

    def __init__(self, currency: str | None) -> None:
        self._currency = currency

    def price_of(self, offer: Offer) -> Price | None:
        """Return the price of an offer, None where it has none. Raises NotExportable for one in another currency."""
        price = offer.single_price
        if price is None or price.currency is None:
            return price
        self._currency = self._currency or price.currency
        if price.currency != self._currency:
            raise NotExportable(f"its price is in {price.currency}, and this file is in {self._currency}")
        return price
