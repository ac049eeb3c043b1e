"""The encodings of files that shops and spreadsheets write, by texts of a few words in languages that use them."""

from swatchbook_shops.items.text_encoding import cells_of, guess_encoding
from tests.tables import rows_of


def test_short_text_is_read_as_written() -> None:
    for encoding, text in rows_of(__file__, "texts"):
        data = text.encode(encoding)
        assert data.decode(guess_encoding(cells_of(data))[0]) == text, encoding


def test_guess_that_could_be_another_is_not_sure() -> None:
    for text, is_sure in (("Tisch Ø 90", False), ("Stühle für Gäste, Größe L", True)):
        assert guess_encoding(cells_of(text.encode("cp1252"))) == ("cp1252", is_sure)
