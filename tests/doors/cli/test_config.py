"""`swatchbook config`: what it shows and what it hides."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.settings import FIELDS, Settings, load_settings, origins, variable
from swatchbook.doors.cli.config import Config, describe, shown, use_config
from tests.command import attempt
from tests.tables import rows_of, text_of


def test_every_setting_is_listed_with_its_origin(home: Path) -> None:
    rows = {row.variable: row for row in describe(Settings(), origins())}
    assert set(rows) == set(map(variable, FIELDS))
    assert (rows["SWATCHBOOK_HOME"].value, rows["SWATCHBOOK_HOME"].origin) == (str(home), "environment")
    assert all(row.description for row in rows.values())


def test_secrets_are_masked() -> None:
    assert "hush" not in shown(SecretStr("hush"))
    assert shown("postgresql://ann:hu:sh@db/swatchbook") == "postgresql://ann:••••••@db/swatchbook"
    assert "hush" not in shown("postgresql://db/swatchbook?user=ann&password=hush&ssl=on")
    assert shown("https://key@host/x?ssl=on") == "https://key@host/x?ssl=on"
    assert shown("http://127.0.0.1:8080") == "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def restored(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file sets is gone after the test."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


def written(folder: Path, text: str) -> Path:
    (folder / "images.yaml").write_text(text)
    return folder / "images.yaml"


def test_settings_folders_and_field_mapping_go_before_the_environment(tmp_path: Path) -> None:
    os.environ |= {"SWATCHBOOK_DECODERS": "7", "SWATCHBOOK_VISION__SIDE": "600"}
    assert use_config(written(tmp_path, text_of(__file__, "text"))) == Config(
        references_dir=Path("pictures"), batch_size=8
    )
    settings = load_settings()
    assert (settings.decoders, settings.max_image_side, settings.image_suffixes) == (3, 9_000, ("jpg", "tif"))
    assert settings.item_fields == {"id": ("sku",), "title": ("name.de", "name.en")}
    assert settings.vision.side == 500
    assert settings.home == Path("elsewhere").absolute()
    assert use_config(written(tmp_path, "# nothing yet")) == Config()


def test_what_is_wrong_is_named_before_anything_is_opened(tmp_path: Path, home: Path) -> None:
    for text, named in rows_of(__file__, "wrong"):
        before = dict(os.environ)
        with pytest.raises(InvalidReference, match=named):
            use_config(written(tmp_path, text))
        assert dict(os.environ) == before
    status, _, err = attempt("ingest-images", str(tmp_path), "--config", str(written(tmp_path, "devise: cpu")))
    assert (status, home.exists()) == (2, False), err
    assert "line 1" in err


def test_unread_files_and_secrets_are_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(InvalidReference, match="no such file"):
        use_config(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"home: b\xfccher")
    with pytest.raises(InvalidReference, match="UTF-8"):
        use_config(tmp_path / "latin.yaml")
    with pytest.raises(InvalidReference) as refused:
        use_config(written(tmp_path, "notice_secret: hush"))
    assert "hush" not in str(refused.value)
