"""Rules of readings in words: each trait that a text can have has plain ones."""

from swatchbook.domain.records import Cut, GridRule, PictureSide, TaughtReading, TextRule
from swatchbook_teach.learning.texts import collect_texts
from swatchbook_teach.rule_words import describe_reading, describe_rule
from tests.catalogue import layouts, plain


def test_each_trait_of_a_text_has_plain_words() -> None:
    """Where a trait has none, its own name is shown, as for traits of newer versions."""
    for document in (plain.described(4), plain.price_list(2)):
        texts = collect_texts(layouts.reading(document), document.pages)
        for name, values in texts.traits.items():
            for value in set(values):
                words = describe_rule(TextRule(traits={name: value}))
                assert words
                assert "_" not in words
                own = name in ("bold", "italic", "font")
                assert own or words not in (name, f"not {name}", f"{name} {value}"), f"{name} is not said in words"


def test_words_say_what_a_rule_takes() -> None:
    traits = {"size": 9.0, "bold": True, "italic": False, "relation": "below", "rank": 0, "label": "ref", "left": 50.5}
    assert describe_rule(TextRule(traits=traits)) == (
        "9 points, bold, not italic, below a picture, first at its picture, after the label “ref”, "
        "beginning 50.5 points from the left"
    )
    cut = Cut(after="Ref. ", before=" B", every="/")
    assert describe_rule(TextRule(traits={"shape": "code"}, cut=cut)) == (
        "a code, after 'Ref. ', before ' B', each part between '/'"
    )
    assert describe_rule(TextRule(traits={"above": "9 bold", "below": ""})) == (
        "a text of 9 points, bold, right above, no text right below"
    )
    assert describe_rule(TextRule(traits={"a new_trait": 3.0})) == "a new trait 3", "a newer version's file"


def test_rules_of_all_kinds_have_words() -> None:
    rule = TextRule(traits={"usual": False})
    taught = TaughtReading(names=(rule,), not_names=(rule,), codes=(rule,), prices=(rule,))
    assert [each.kind for each in describe_reading(taught)] == ["names", "not", "codes", "prices"]
    grid = GridRule(width=300, height=480, cell=(0, 0, 0.3, 0.2), pitch=(0.35, 0.25), columns=3, rows=4)
    taught = TaughtReading(grids=(grid,), side=PictureSide.LEFT)
    assert describe_reading(taught) == [
        ("pictures", "300 × 480 points: cut into 3 × 4"),
        ("pictures", "left of the name"),
    ]
