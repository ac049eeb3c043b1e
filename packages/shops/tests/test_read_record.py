"""What a record of a shop or scraper says of prices, stock, variants, codes, pictures and words in HTML."""

from typing import Any

from swatchbook.domain.records import BatchMapping
from swatchbook_shops.items.batch_pictures import pictures_in
from swatchbook_shops.items.batch_record import read_record
from swatchbook_shops.items.html_text import text_of_html
from tests.tables import check_rows


def test_price_is_what_one_pays() -> None:
    def prices(given: dict[str, Any]) -> list[str | None]:
        found = read_record({"title": "Lamp", **given}).metadata
        return [found["price"], found.get("regular_price")]

    check_rows(__file__, "prices", prices)


def test_availability_and_gtin_are_read_however_written() -> None:
    check_rows(__file__, "metadata", lambda given, of: read_record({"title": "Lamp", **given}).metadata.get(of))


def test_unnamed_variants_are_named_by_what_differs() -> None:
    variants = [
        {"sku": "L-R", "color": "Red", "price": 100, "weight": 2, "weight_unit": "kg"},
        {"sku": "L-B", "color": "Blue", "price": 121.95, "compare_at_price": 150, "grams": 750, "available": False},
    ]
    red, blue = read_record({"title": "Lamp", "variants": variants}).variants
    assert [(each.name, each.code, each.price, each.options) for each in (red, blue)] == [
        ("Red", "L-R", "100", (("Color", "Red"),)),
        ("Blue", "L-B", "121.95", (("Color", "Blue"),)),
    ]
    assert dict(red.facts) == {"color": "Red", "weight": "2 kg", "sku": "L-R"}
    assert dict(blue.facts) == {
        "color": "Blue", "weight": "750 g", "regular_price": "150", "availability": "out_of_stock",
        "sku": "L-B",
    }  # fmt: skip


def test_aggregate_offer_is_read_like_listed_offers() -> None:
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
    small = {"@type": "Offer", "sku": "B-S", "name": "Small", "price": "24.90"}
    small |= {"availability": "http://schema.org/OutOfStock"}
    large = {"@type": "Offer", "sku": "B-L", "name": "Bear Large", "price": "39.90"}
    large |= {"availability": "http://schema.org/InStock"}
    found = read_record({"title": "Bear", "offers": [small, large]})
    assert [(each.code, each.name, each.price) for each in found.variants] == [
        ("B-S", "Small", "24.90"), ("B-L", "Large", "39.90"),
    ]  # fmt: skip
    assert (found.code, found.metadata["availability"]) == (None, "in_stock")
    assert read_record({"title": "Bear", "offers": [small | {"name": "Bear"}, large]}).variants == ()
    assert read_record({"title": "Bear", "offers": [small]}).variants == ()


def test_product_keeps_a_gtin_of_its_own() -> None:
    variants = [{"title": "S", "gtin": "4006381333948"}, {"title": "L", "gtin": "4006381333955"}]
    own = read_record({"title": "Pot", "gtin": "4006381333931", "variants": variants})
    assert own.metadata["gtin"] == "4006381333931"
    assert "gtin" not in read_record({"title": "Pot", "gtin": "4006381333948", "variants": variants}).metadata


def test_only_elements_that_end_a_line_separate_words() -> None:
    def words(markup: str) -> list[str]:
        text = " ".join(text_of_html(markup).replace("\xad", "").split())
        return [text, read_record({"id": "1", "title": f"<p>{markup}</p>"}).title]

    check_rows(__file__, "words", lambda markup: " = ".join(sorted({*words(markup)})))
    pictures = [{"src": "a.png", "alt": "Mono<b>cle</b>"}, {"src": "b.png", "alt": "red<br>oak"}]
    for price, amount in (("19<sup>99</sup> €", "19.99"), ("<del>29</del><ins>19</ins> EUR", "29 19 EUR")):
        glass = read_record({"id": "1", "title": "Glass", "images": pictures, "price": price})
        assert [each.caption for each in glass.pictures[0]] == ["Monocle", "red oak"]
        assert glass.metadata["price"] == amount, "its parts are not one number"


def test_pictures_of_a_cell_are_found_however_written() -> None:
    def found(value: Any) -> list[list[str]]:
        return [[*picture.places, *filter(None, [picture.caption])] for picture in pictures_in(value, None)]

    check_rows(__file__, "cells", found)
