"""Which elements of HTML separate words, in titles, captions and prices, too."""

from swatchbook_shops.items.batch_record import read_record
from swatchbook_shops.items.html_text import text_of_html
from tests.tables import check_rows


def test_only_elements_that_end_a_line_separate_words() -> None:
    def words(markup: str) -> list[str]:
        text = " ".join(text_of_html(markup).replace("\xad", "").split())
        return [text, read_record({"id": "1", "title": f"<p>{markup}</p>"}).title]

    check_rows(__file__, "words", lambda markup: " = ".join(sorted({*words(markup)})))


def test_captions_have_whole_words() -> None:
    pictures = [{"src": "a.png", "alt": "Mono<b>cle</b>"}, {"src": "b.png", "alt": "red<br>oak"}]
    (found,) = read_record({"id": "1", "title": "Glass", "images": pictures}).pictures
    assert [each.caption for each in found] == ["Monocle", "red oak"]


def test_parts_of_a_price_are_not_one_number() -> None:
    for price, read in (("19<sup>99</sup> €", "19.99"), ("<del>29</del><ins>19</ins> EUR", "29 19 EUR")):
        assert read_record({"id": "1", "title": "Glass", "price": price}).metadata["price"] == read
