"""Which elements of HTML separate words, in titles, captions and prices, too."""

import pytest

from swatchbook.sources.batch_record import read_record
from swatchbook.sources.html_text import text_of_html


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Water<em>dicht</em>", "Waterdicht"),
        ("Mono<B class='x'>cle</B>", "Monocle"),
        ("H<sub>2</sub>O", "H2O"),
        ("5<sup>th</sup>", "5th"),
        ("12 m<sup>2</sup>, 10<sup>3</sup>", "12 m2, 10³"),
        ("<em>chronograph</em>, 10 ATM", "chronograph, 10 ATM"),
        ("Donau<wbr>dampf&shy;schiff", "Donaudampfschiff"),
        ("one<!-- <p> -->self<style>p {}</style>", "oneself"),
        ("<ul><li>oak</li><li>ash</li></ul>", "oak ash"),
        ("oak<br/>ash<img src=x>elm", "oak ash elm"),
        ("<td>oak</td><td>ash</td><x-y>elm</x-y>", "oak ash elm"),
        ("<blockquote>oak</blockquote><section>ash</section>", "oak ash"),
        ("5 < 6 &lt;b&gt;", "5 < 6 <b>"),
    ],
)
def test_only_elements_that_end_a_line_separate_words(markup: str, text: str) -> None:
    assert " ".join(text_of_html(markup).replace("\xad", "").split()) == text
    assert read_record({"id": "1", "title": f"<p>{markup}</p>"}).title == text


def test_captions_have_whole_words() -> None:
    pictures = [{"src": "a.png", "alt": "Mono<b>cle</b>"}, {"src": "b.png", "alt": "red<br>oak"}]
    (found,) = read_record({"id": "1", "title": "Glass", "images": pictures}).pictures
    assert [each.caption for each in found] == ["Monocle", "red oak"]


@pytest.mark.parametrize("price", ["19<sup>99</sup> €", "<del>29</del><ins>19</ins> EUR"])
def test_parts_of_a_price_are_not_one_number(price: str) -> None:
    found = read_record({"id": "1", "title": "Glass", "price": price}).metadata["price"]
    assert found.split()[0] in ("19", "29")
