from swatchbook.domain.records import Page
from swatchbook_catalogue.plan import numbered_page, page_labels
from tests.catalogue import layouts
from tests.catalogue.layouts import HEIGHT, text


def labels(*pages: Page) -> dict[int, str]:
    return page_labels([numbered_page(page) for page in pages])


def foot(number: int, *words: str, label: str = "") -> Page:
    blocks = [text(40 + 300 * n, HEIGHT - 30, each) for n, each in enumerate(words)]
    price = text(40, 300, str(number + 70))
    return layouts.page(number, [*blocks, price]).model_copy(update={"label": label or str(number)})


def test_labels_of_the_pdf_count_before_printed_numbers() -> None:
    assert labels(foot(1, label="i"), foot(2, "9", label="ii"), foot(3, "1", label="3")) == {1: "i", 2: "ii"}


def test_numbers_at_one_distance_label_pages_between_them() -> None:
    words = ["", "12", "Page 13 | Chairs 2024", "", "15", "Chairs 2024"]
    assert labels(*(foot(n, word) for n, word in enumerate(words, start=1))) == {2: "12", 3: "13", 4: "14", 5: "15"}
    spreads = [foot(n, *(str(2 * n - 2 + k) for k in (0, 1))) for n in range(2, 5)]
    assert labels(foot(1), *spreads) == {2: "2–3", 3: "4–5", 4: "6–7"}


def test_other_numbers_in_margins_are_no_labels() -> None:
    own, unordered, year = ["1", "2", "3", "4"], ["8", "17", "3", "60"], ["2024"] * 4
    for words in (own, unordered, year, ["7", "8", "", ""], ["1.5", "2.5", "3.5"]):
        assert labels(*(foot(n, word) for n, word in enumerate(words, start=1))) == {}, words
