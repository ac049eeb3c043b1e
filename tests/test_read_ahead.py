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


def test_kept_reading_is_used_while_it_is_whole(resources: Resources, small_catalogue: Path) -> None:
    settings, files = resources.settings, resources.files
    whole = reader.read(small_catalogue, files, settings)
    keep_reading(settings, "key", whole)
    ahead = ReadingAhead("no file of the store", files, settings, "key")
    assert ahead.finish(lambda done, total, note: None) == whole
    late = FailedPage(page=2, kind="provider_timeout", message="It took too long.", transient=True)
    keep_reading(settings, "late", whole.model_copy(update={"lost": (late,)}))
    ahead = ReadingAhead(files.put_file(small_catalogue), files, settings, "late")
    assert ahead.finish(lambda done, total, note: None).lost == (), "what may be read is read again"
    assert find_reading(settings, files, "another") is None
    for file in whole.files:
        files.delete(file)
    assert find_reading(settings, files, "key") is None
    (settings.temporary_folder / "short.json").write_text('{"content":')
    assert find_reading(settings, files, "short") is None
