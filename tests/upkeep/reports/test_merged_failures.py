from swatchbook.domain.records import FailureRecord
from swatchbook.upkeep.reports.merged_failures import merge_roles


def test_failures_of_one_image_are_merged_by_reason() -> None:
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
