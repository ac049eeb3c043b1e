from hypothesis import given
from hypothesis import strategies as st

from swatchbook.records import FailureRecord
from swatchbook.truncate import merge_roles, truncate


@given(st.lists(st.text(), max_size=20), st.integers(1, 20))
def test_nothing_is_cut_in_silence(sayings: list[str], most: int) -> None:
    said = truncate(sayings, most)
    assert list(said[:most]) == sayings[:most]
    if len(sayings) > most:
        assert f"{len(sayings) - most} more" in said[-1]
    else:
        assert list(said) == sayings


def test_failures_of_one_image_for_one_reason_are_one_and_others_stay_apart() -> None:
    def failed(image: str, role: str, kind: str = "unreadable_image", again: float | None = None) -> FailureRecord:
        return FailureRecord(image_id=image, role=role, kind=kind, error="It is no picture.", next_retry_at=again)

    told = merge_roles(
        [failed("a", "analysis"), failed("a", "visual"), failed("b", "visual"), failed("b", "color", "unexpected")]
    )
    assert [(each.image_id, each.role, each.kind) for each in told] == [
        ("a", "analysis, visual", "unreadable_image"),
        ("b", "visual", "unreadable_image"),
        ("b", "color", "unexpected"),
    ]
    assert len(merge_roles([failed("a", "analysis", again=6_000.0), failed("a", "visual", again=6_000.1)])) == 1
    assert merge_roles([FailureRecord(kind="index_down", error="x", subject="index")])[0].role is None
