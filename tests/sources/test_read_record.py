"""What a record of a shop or scraper says of prices, stock, variants and codes."""

from typing import Any

import pytest

from swatchbook.records import BatchMapping
from swatchbook.sources.batch_record import read_record


@pytest.mark.parametrize(
    ("given", "price", "regular"),
    [
        ({"price": "ab 89,- €"}, "ab 89,- €", None),
        ({"price": "from £89.00"}, "from £89.00", None),
        ({"price": "statt 99,00 € jetzt nur 79,00 €"}, "79", None),
        ({"price": "Was £99.00 Now £79.00"}, "79", None),
        ({"price": "was here 79 EUR"}, "79", None),
        ({"price": "£12.50 / m"}, "£12.50 / m", None),
        ({"price": "19,99 € (3,33 € / 100 ml)"}, "19.99", None),
        ({"price": "£4.00 (40p per 100g)"}, "4", None),
        ({"price": "24,90 € [1 kg = 49,80 €]"}, "24.90", None),
        ({"price": "(3,33 € / l)"}, "(3,33 € / l)", None),
        ({"price": "12,50 €/m²"}, "12,50 €/m²", None),
        ({"price": "€ 1.299,00"}, "1299", None),
        ({"offers": {"@type": "AggregateOffer", "lowPrice": 7.9, "highPrice": 15.9}}, "7.90 – 15.90", None),
        ({"offers": {"@type": "AggregateOffer", "lowPrice": 7.9, "highPrice": 7.9}}, "7.90", None),
        (
            {"offers": {"lowPrice": 14, "offers": [{"seller": "A", "price": 14}, {"seller": "B", "price": 26}]}},
            "14 – 26",
            None,
        ),
        ({"offers": {"lowPrice": 14, "highPrice": 26, "offers": [{"name": "A"}, {"name": "B"}]}}, "14 – 26", None),
        ({"offers": [{"name": "90 cm", "price": 14.0}, {"name": "180 cm", "price": 26.0}]}, "14", None),
        ({"offers": [{"seller": "A", "price": 14.0}, {"seller": "B", "price": 26.0}]}, "14 – 26", None),
        ({"offers": [{"price": 14.0}, {"price": 14.0}]}, "14", None),
        ({"prices": [{"value": 10, "currency": "EUR"}, {"value": 12, "currency": "USD"}]}, "10", None),
        ({"price": 15, "compare_at_price": 20}, "15", "20"),
        ({"price": 15, "compare_at_price": "0.00"}, "15", None),
        ({"price": 20, "rrp": 15}, "20", None),
        ({"price": "20 EUR", "sale_price": "15 EUR"}, "15", "20"),
        ({"price": "15 EUR", "old_price": "20 USD"}, "15", None),
        ({"regular_price": 20}, "20", None),
    ],
)
def test_price_is_what_one_pays_and_nothing_is_made_of_a_range(
    given: dict[str, Any], price: str, regular: str | None
) -> None:
    found = read_record({"title": "Lamp", **given}).metadata
    assert (found["price"], found.get("regular_price")) == (price, regular)


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ({"availability": "https://schema.org/OutOfStock"}, "out_of_stock"),
        ({"offers": {"price": 3, "availability": "InStock"}}, "in_stock"),
        ({"in_stock": False}, "out_of_stock"),
        ({"In stock?": "0"}, "out_of_stock"),
        ({"stock_status": "onbackorder"}, "backorder"),
        ({"Verfügbarkeit": "Sofort lieferbar"}, "in_stock"),
        ({"availability": "in 3 weeks"}, None),
        ({"stock": 7}, None),
        ({"variants": [{"color": "Red", "available": False}, {"color": "Blue", "available": True}]}, "in_stock"),
    ],
)
def test_availability_is_read_however_it_is_written(given: dict[str, Any], known: str | None) -> None:
    assert read_record({"title": "Lamp", **given}).metadata.get("availability") == known


def test_variants_without_names_are_told_apart_by_what_they_differ_in() -> None:
    variants = [
        {"sku": "L-R", "color": "Red", "price": 100, "weight": 2, "weight_unit": "kg"},
        {"sku": "L-B", "color": "Blue", "price": 121.95, "compare_at_price": 150, "grams": 750, "available": False},
    ]
    red, blue = read_record({"title": "Lamp", "variants": variants}).variants
    assert [(each.name, each.code, each.price, each.options) for each in (red, blue)] == [
        ("Red", "L-R", "100", (("Color", "Red"),)),
        ("Blue", "L-B", "121.95", (("Color", "Blue"),)),
    ]
    assert dict(red.facts) == {"color": "Red", "weight": "2 kg"}
    assert dict(blue.facts) == {
        "color": "Blue", "weight": "750 g", "regular_price": "150", "availability": "out_of_stock",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("printed", "gtin"),
    [
        ("'4006381333931", "4006381333931"), ("4006381333931", "4006381333931"), ("03600029145", None),
        ("36000291452", "036000291452"), ("36000291453", None), ("4,00E+12", None), (4006381333931, "4006381333931"),
        ('"8033210000', None), ("8033210000²", None), ("EAN,GTIN,UPC", None),
    ],
)  # fmt: skip
def test_gtin_is_read_as_excel_leaves_it(printed: object, gtin: str | None) -> None:
    assert read_record({"title": "Lamp", "barcode": printed}).metadata.get("gtin") == gtin


def test_offers_within_an_aggregate_offer_are_as_in_a_list() -> None:
    offers = [{"name": "50 grains", "price": "1,99", "sku": "N-50"}, {"name": "500 grains", "price": "4,99"}]
    within = {"@type": "AggregateOffer", "lowPrice": "1,99", "highPrice": "4,99", "priceCurrency": "EUR"}
    of_list = read_record({"name": "Thyme", "offers": [{"priceCurrency": "EUR", **each} for each in offers]})
    for given in ({**within, "offers": offers}, [{**within, "offers": offers}]):
        assert read_record({"name": "Thyme", "offers": given}) == of_list
    assert [(each.name, each.code, each.price) for each in of_list.variants] == [
        ("50 grains", "N-50", "1.99 EUR"), ("500 grains", None, "4.99 EUR"),
    ]  # fmt: skip
    mapping = BatchMapping(columns={"id": ("offers.offers.sku",), "price": ("offers.highPrice",)})
    own = read_record({"name": "Thyme", "offers": {**within, "offers": offers}}, mapping)
    assert (own.id, own.metadata["price"]) == ("N-50", "4.99")


def test_offers_with_names_are_variants() -> None:
    small = {
        "@type": "Offer",
        "sku": "B-S",
        "name": "Small",
        "price": "24.90",
        "availability": "http://schema.org/OutOfStock",
    }
    large = {
        "@type": "Offer",
        "sku": "B-L",
        "name": "Bear Large",
        "price": "39.90",
        "availability": "http://schema.org/InStock",
    }
    found = read_record({"title": "Bear", "offers": [small, large]})
    assert [(each.code, each.name, each.price) for each in found.variants] == [
        ("B-S", "Small", "24.90"), ("B-L", "Large", "39.90"),
    ]  # fmt: skip
    assert (found.code, found.metadata["availability"]) == (None, "in_stock")
    assert read_record({"title": "Bear", "offers": [small | {"name": "Bear"}, large]}).variants == ()
    assert read_record({"title": "Bear", "offers": [small]}).variants == ()


def test_gtin_of_a_product_stays_beside_those_of_its_variants() -> None:
    variants = [{"title": "S", "gtin": "4006381333948"}, {"title": "L", "gtin": "4006381333955"}]
    own = read_record({"title": "Pot", "gtin": "4006381333931", "variants": variants})
    assert own.metadata["gtin"] == "4006381333931"
    assert "gtin" not in read_record({"title": "Pot", "gtin": "4006381333948", "variants": variants}).metadata
