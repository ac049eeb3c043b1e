from pathlib import Path

import pytest

from swatchbook.domain.errors import UnreadableDocument
from swatchbook.domain.records import FailedPage
from swatchbook.read_ahead import ReadingAhead, find_reading, keep_reading
from swatchbook.resources import Resources
from swatchbook_catalogue.pdf import reader


def test_reading_ahead_returns_the_reading_or_its_error(
    resources: Resources, small_catalogue: Path, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    ahead = ReadingAhead(resources.files.put_file(small_catalogue), resources.files, resources.settings, "key")
    reading = ahead.finish(lambda done, total, note: told.append((done, total)))
    assert reading == reader.read(small_catalogue, resources.files, resources.settings)
    assert told[-1] == (6, 6)
    assert ahead.seconds > 0
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    ahead = ReadingAhead(resources.files.put_file(tmp_path / "broken.pdf"), resources.files, resources.settings, "key")
    with pytest.raises(UnreadableDocument):
        ahead.finish(lambda done, total, note: None)


def test_a_kept_reading_is_used_instead_of_reading_again(resources: Resources, small_catalogue: Path) -> None:
    kept = reader.read(small_catalogue, resources.files, resources.settings)
    keep_reading(resources.settings, "key", kept)
    ahead = ReadingAhead("no file of the store", resources.files, resources.settings, "key")
    assert ahead.finish(lambda done, total, note: None) == kept


def test_lost_page_that_may_be_read_is_read_again(resources: Resources, small_catalogue: Path) -> None:
    whole = reader.read(small_catalogue, resources.files, resources.settings)
    late = FailedPage(page=2, kind="provider_timeout", message="It took too long.", transient=True)
    keep_reading(resources.settings, "key", whole.model_copy(update={"lost": (late,)}))
    ahead = ReadingAhead(resources.files.put_file(small_catalogue), resources.files, resources.settings, "key")
    assert ahead.finish(lambda done, total, note: None).lost == ()


def test_a_kept_reading_without_its_pages_or_cut_short_is_not_used(resources: Resources, small_catalogue: Path) -> None:
    kept = reader.read(small_catalogue, resources.files, resources.settings)
    keep_reading(resources.settings, "key", kept)
    assert find_reading(resources.settings, resources.files, "another") is None
    for file in kept.files:
        resources.files.delete(file)
    assert find_reading(resources.settings, resources.files, "key") is None
    (resources.settings.temporary_folder / "short.json").write_text('{"content":')
    assert find_reading(resources.settings, resources.files, "short") is None
