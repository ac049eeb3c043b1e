"""The encodings of files that shops and spreadsheets write, by texts of a few words in languages that use them."""

from swatchbook.sources.text_encoding import encoding_of
from tests.tables import rows_of


def test_text_of_a_few_words_is_read_as_written() -> None:
    for encoding, text in rows_of(__file__, "texts"):
        data = f"name;price;size\n{text}\n".encode(encoding)
        assert data.decode(encoding_of(data)) == f"name;price;size\n{text}\n", encoding


def test_marks_and_utf8_come_first() -> None:
    assert encoding_of("Größe".encode("utf-8-sig")) == "utf-8-sig"
    assert encoding_of("Größe".encode("utf-16")) == "utf-16"
    assert encoding_of("Größe ".encode()[:5]) == "utf-8"  # a sign that is cut off at the end
