"""Rules of readings in a line each."""

from swatchbook.domain.records import Cut, GridRule, PictureSide, TaughtReading, TextRule
from swatchbook_teach.rule_words import describe_reading, describe_rule


def test_words_say_what_a_rule_takes() -> None:
    traits = {"size": 9.0, "bold": True, "italic": False, "relation": "below", "rank": 0, "label": "", "found": True}
    assert describe_rule(TextRule(traits=traits)) == (
        "size: 9, bold, not italic, relation: below, rank: 0, label: none, what is taken without teaching"
    )
    cut = Cut(after="Ref. ", before=" B", every="/")
    assert describe_rule(TextRule(traits={"shape": "code"}, cut=cut)) == (
        "shape: code, after 'Ref. ', before ' B', each part between '/'"
    )


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
