"""Rules of readings in a line each."""

from swatchbook.domain.records import Cut, GridRule, PictureSide, TaughtReading, TextRule
from swatchbook_teach.rule_words import describe_reading, describe_rule


def test_rules_of_all_kinds_have_words() -> None:
    traits = {"size": 9.0, "bold": True, "italic": False, "relation": "below", "rank": 0, "label": "", "found": True}
    assert describe_rule(TextRule(traits=traits)) == (
        "size: 9, bold, not italic, relation: below, rank: 0, label: none, what is taken without teaching"
    )
    rule = TextRule(traits={"shape": "code"}, cut=Cut(after="Ref. ", before=" B", every="/"))
    words = "shape: code, after 'Ref. ', before ' B', each part between '/'"
    grid = GridRule(width=300, height=480, cell=(0, 0, 0.3, 0.2), pitch=(0.35, 0.25), columns=3, rows=4)
    rules = {"names": (rule,), "not_names": (rule,), "codes": (rule,), "prices": (rule,)}
    assert describe_reading(TaughtReading(**rules, grids=(grid,), side=PictureSide.LEFT)) == [
        *((kind, words) for kind in ("names", "not", "codes", "prices")),
        ("pictures", "300 × 480 points: cut into 3 × 4"), ("pictures", "left of the name"),
    ]  # fmt: skip
