"""Settings: where values come from, and errors that name the setting."""

import os
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from swatchbook.domain.errors import Configuration
from swatchbook.domain.settings import FIELDS, PREFIX, Settings, load_settings, origins, unknown_variables, variable
from tests.tables import rows_of


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A working directory without a .env, an environment without Swatchbook's variables."""
    for name in [name for name in os.environ if name.upper().startswith("SWATCHBOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing_and_home_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.profile, settings.index) == ("local", "lance")
    assert settings.ledger == f"sqlite:///{settings.home / 'ledger.sqlite'}"
    monkeypatch.setenv("SWATCHBOOK_HOME", "here")
    assert load_settings().home == tmp_path / "here"


def test_environment_beats_env_file_beats_profile_beats_default(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SWATCHBOOK_PROFILE=production\nSWATCHBOOK_MAX_PAGES=7\nSWATCHBOOK_DECODERS=3\n")
    monkeypatch.setenv("SWATCHBOOK_MAX_PAGES", "9")
    settings = load_settings()
    assert (settings.max_pages, settings.decoders, settings.index, settings.max_image_mb) == (9, 3, "weaviate", 25)
    where = origins()
    assert [where[name] for name in ("max_pages", "decoders", "index", "max_image_mb")] == [
        "environment", ".env", "profile production", "default",
    ]  # fmt: skip


def test_documented_event_source_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "bucket-events.md").read_text()
    monkeypatch.setenv("SWATCHBOOK_EVENT_SOURCES", page.partition("SWATCHBOOK_EVENT_SOURCES='")[2].partition("'")[0])
    (source,) = load_settings().event_sources
    assert (source.url, source.owner) == ("s3://shop-catalogues/incoming", "alice")


def test_named_env_file_replaces_dot_env_or_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Path(".env").write_text("SWATCHBOOK_MAX_PAGES=7\n")
    named = tmp_path / "customer.env"
    named.write_text("SWATCHBOOK_DECODERS=5\n")
    monkeypatch.setenv("SWATCHBOOK_ENV_FILE", str(named))
    assert (load_settings().max_pages, load_settings().decoders) == (2_000, 5)
    assert origins()["decoders"] == str(named)
    assert unknown_variables() == []
    monkeypatch.setenv("SWATCHBOOK_ENV_FILE", "nowhere.env")
    with pytest.raises(Configuration, match=r"nowhere\.env"):
        load_settings()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to become")
def test_dot_env_of_another_user_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SWATCHBOOK_MAX_PAGES=7\n")
    os.chown(".env", 65534, 65534)
    with pytest.raises(Configuration, match="belongs to another user"):
        load_settings()
    monkeypatch.setenv("SWATCHBOOK_ENV_FILE", ".env")
    assert load_settings().max_pages == 7


@pytest.mark.parametrize(("name", "value", "said"), rows_of(__file__, "out_of_range"))
def test_out_of_range_names_the_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(f"SWATCHBOOK_{name}", value)
    with pytest.raises(Configuration) as caught:
        load_settings()
    assert said in str(caught.value)


def test_every_wrong_setting_is_named_at_once() -> None:
    Path(".env").write_text("SWATCHBOOK_MAX_PAGES=0\nSWATCHBOOK_DECODERS=-1\n")
    with pytest.raises(Configuration, match=r"(?s)MAX_PAGES=0 \(\.env\).*DECODERS=-1 \(\.env\)"):
        load_settings()


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_MAX_PAGES", "")
    monkeypatch.setenv("SWATCHBOOK_LEDGER_URL", "")
    assert load_settings().max_pages == 2_000
    assert load_settings().ledger_url is None
    assert origins()["max_pages"] == "default"


def test_lists_are_written_with_commas_or_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for written in ("0.5, 1", "[0.5, 1]"):
        monkeypatch.setenv("SWATCHBOOK_RETRY_DELAYS", written)
        assert load_settings().retry_delays == (0.5, 1.0)
    monkeypatch.setenv("SWATCHBOOK_INPUT_ROOTS", "/a,~/b")
    assert load_settings().input_roots == (Path("/a"), Path.home() / "b")


def test_misspelt_variables_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SWATCHBOOK_MAX_PAGE=1\nOTHER=1\n")
    monkeypatch.setenv("SWATCHBOOK_HOEM", "/x")
    monkeypatch.setenv("SWATCHBOOK_TEXT__URI", "http://host/v1")
    monkeypatch.setenv("swatchbook_decoders", "4")
    assert unknown_variables() == ["SWATCHBOOK_HOEM", "SWATCHBOOK_MAX_PAGE", "SWATCHBOOK_TEXT__URI"]
    assert load_settings().decoders == 4


def test_parts_of_a_group_may_have_different_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SWATCHBOOK_TEXT__MODEL=m\nSWATCHBOOK_TEXT__DIMENSION=3\n")
    monkeypatch.setenv("SWATCHBOOK_TEXT__DIMENSION", "4")
    text = load_settings(text__url="http://host/v1").text
    assert (text.url, text.model, text.dimension, text.api_key) == ("http://host/v1", "m", 4, None)
    assert [origins()[f"text.{part}"] for part in ("model", "dimension", "url")] == [".env", "environment", "default"]
    with pytest.raises(Configuration, match=r"SWATCHBOOK_TEXT__DIMENSION=0 \(given\): .*1024"):
        load_settings(text__dimension=0)
    with pytest.raises(Configuration, match=r"Unknown setting: text\.uri\."):
        load_settings(text__uri="http://host/v1")


def test_secrets_do_not_show() -> None:
    assert "hush" not in repr(Settings(weaviate={"api_key": SecretStr("hush")}))


SECRET = "whsec_aHVzaC1odXNoLWh1c2gtaHVzaC1odXNoLWh1c2g="
TOKEN = "hush-hush-hush-hush"


def test_senders_of_webhooks_are_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    one = f'{{"name": "shop", "secret": ["{SECRET}", "{SECRET}"], "owners": ["alice", "bob"]}}'
    two = f'{{"name": "dam", "token": "{TOKEN}", "owners": ["alice"]}}'
    monkeypatch.setenv("SWATCHBOOK_WEBHOOK_SOURCES", f"[{one}, {two}]")
    shop, dam = load_settings().webhook_sources
    assert [secret.get_secret_value() for secret in shop.secret] == [SECRET, SECRET]
    assert (dam.secret, dam.owners) == ((), ("alice",))
    for hidden in ("hush", "aHVz"):
        assert hidden not in repr(load_settings())


@pytest.mark.parametrize("value", rows_of(__file__, "wrong_senders"))
def test_wrong_sender_of_webhooks_is_named_without_secrets(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SWATCHBOOK_WEBHOOK_SOURCES", value)
    with pytest.raises(Configuration, match="SWATCHBOOK_WEBHOOK_SOURCES") as caught:
        load_settings()
    assert "hush" not in str(caught.value)
    assert SECRET[6:16] not in str(caught.value)


@pytest.mark.parametrize("name", ["FILES_URL", "INDEX_URL", "UPLOADS_URL"])
def test_credentials_in_a_url_are_refused_and_hidden(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"SWATCHBOOK_{name}", "s3://AKIA123:hush-hush@shop/files")
    with pytest.raises(Configuration, match=f"SWATCHBOOK_{name}.*put credentials into the environment") as wrong:
        load_settings()
    assert "hush" not in str(wrong.value)
    monkeypatch.setenv(f"SWATCHBOOK_{name}", "az://files@account.dfs.core.windows.net/shop")
    load_settings()


@pytest.mark.parametrize(("value", "problem"), rows_of(__file__, "wrong_keys"))
def test_wrong_api_key_says_what_it_should_be(monkeypatch: pytest.MonkeyPatch, value: str, problem: str) -> None:
    monkeypatch.setenv("SWATCHBOOK_API_KEYS", value)
    with pytest.raises(Configuration, match=rf'{problem}.*; it should be a JSON list of {{"name": …') as wrong:
        load_settings()
    assert "hush" not in str(wrong.value)


def test_every_limit_says_when_to_change_it() -> None:
    for name, field in FIELDS.items():
        if any(hasattr(limit, bound) for limit in field.metadata for bound in ("ge", "gt", "le")):
            assert re.search(r"\b(raise|lower|set) (it|them)\b", field.description or "", re.IGNORECASE), name


ROOT = Path(__file__).parents[2]
TOLD = ("*.md", "docs/*.md", "compose.yaml", "Dockerfile", "prefect.yaml", "deployments/**/*.*",
        "flows/*.py", "tasks/*.py", "blocks/*.py", "swatchbook/**/*.py")  # fmt: skip
OTHERS = {"ENV_FILE", "TEST_SOAK", "IMAGE"}
"""Variables that are no settings: the file of settings, what tests and what Compose read."""


def test_every_variable_named_anywhere_is_a_setting() -> None:
    known = {*OTHERS, *(variable(name).removeprefix(PREFIX) for name in FIELDS)}
    for path in (path for pattern in TOLD for path in ROOT.glob(pattern) if path.suffix != ".pyc" and path.is_file()):
        named = set(re.findall(r"\bSWATCHBOOK_([A-Z][A-Z_]*[A-Z])\b", path.read_text()))
        assert named <= known, path
