"""What a short line says without a label."""

from swatchbook_catalogue.attributes import code_of, labels_within
from swatchbook_catalogue.measures import composition_in, kind_of, size_in, values_in, values_in_name
from tests.tables import check_rows


def test_short_line_says_what_its_signs_say() -> None:
    check_rows(__file__, "values_in", lambda text: dict(values_in(text)))
    assert list(values_in("Cru, Areia e Cinza Claro")) == [("color", name) for name in ("Cru", "Areia", "Cinza Claro")]


def test_name_gives_size_code_and_last_colour() -> None:
    check_rows(__file__, "values_in_name", lambda name: dict(values_in_name(name)))
    assert [size_in(text) for text in ("600 x 600", "in 600 x 600 pieces")] == ["600 x 600", None]


def test_measures_codes_and_whole_compositions_are_recognised() -> None:
    for text, key in (
        ("3 kg", "weight"),
        ("0.5 l", "capacity"),
        ("40 mm", "dimensions"),
        ("3 kg each", None),
        ("", None),
    ):
        assert kind_of(text) == key
    assert [code_of(text) for text in ("170.52EUR", "170.52A", "T7086")] == [None, "170.52A", "T7086"]
    assert composition_in("Shell: wool 60 %, linen 40 %, woven") == "wool 60 %, linen 40 %"
    assert composition_in("wool 60 %, linen 30 %") is None


def test_label_within_a_line_follows_sign_or_number() -> None:
    assert [found[1:] for found in labels_within("Polo 12 - Size: 23 x 18; Weight: 2 kg")] == [
        ("size", "Size", "23 x 18"), ("weight", "Weight", "2 kg"),
    ]  # fmt: skip
    assert not list(labels_within("Shatter pack: 23 x 18"))
