import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Role, RoleTag
from swatchbook.domain.settings import Settings
from swatchbook.models import registry
from swatchbook.models.registry import load, requested, tags, vector_tags

LOCAL = {Role.ANALYSIS, Role.VISUAL, Role.STRUCTURE, Role.COLOR, Role.TEXTURE, Role.UNDERSTANDING, Role.TEXT}


def test_asked_roles_bring_their_sources_or_fail() -> None:
    def wanted(settings: Settings, *roles: Role) -> list[Role]:
        return [want.role for want in requested(settings, *([frozenset(roles)] if roles else []))]

    assert set(wanted(Settings())) == LOCAL
    assert wanted(Settings(), Role.COLOR, Role.TEXTURE) == [Role.COLOR, Role.TEXTURE]
    assert wanted(Settings(), Role.UNDERSTANDING) == [Role.ANALYSIS, Role.UNDERSTANDING]
    with pytest.raises(Configuration, match=r"material.*SWATCHBOOK_ENCODER"):
        requested(Settings(), frozenset({Role.MATERIAL, Role.COLOR}))


def test_loaded_models_bear_the_tags_and_dimensions_promised() -> None:
    models = load(Settings())
    made = tags(Settings())
    assert dict(models.encoder.tags) == {role: made[role] for role in models.encoder.tags}
    assert set(models.encoder.dimensions) == set(models.encoder.tags)
    assert models.analyst.tag == made[Role.ANALYSIS]
    assert models.analyst.side <= models.encoder.side  # one decoding serves both
    assert len({made[role] for role in (Role.VISUAL, Role.COLOR, Role.TEXTURE)}) == 3
    assert made[Role.TEXT] == made[Role.UNDERSTANDING]


def test_models_load_once_however_many_threads_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    def slowly(_: object) -> object:
        loaded.append(threading.get_ident())
        time.sleep(0.05)
        return object()

    maker = registry.efficientnet(Settings())._replace(load=slowly)  # type: ignore[arg-type]
    monkeypatch.setattr(registry, "efficientnet", lambda _: maker)
    models = load(Settings())
    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(lambda _: models.encoder, range(8)))
    assert len(loaded) == 1
    assert len(set(map(id, got))) == 1


def test_vectors_are_known_without_analyst_or_picture_encoder(tmp_path: Path) -> None:
    """A search needs no analyst, and one by words no encoder of pictures."""
    settings = Settings(analyst="vision")
    with pytest.raises(Configuration, match="VISION__MODEL"):
        tags(settings)
    assert vector_tags(settings).keys() == tags(Settings()).keys() - {Role.ANALYSIS}
    texts = RoleTag(role=Role.TEXT, tag=vector_tags(Settings())[Role.TEXT])
    gone = Settings(encoder="siglip", encoder_model=str(tmp_path / "none"))
    with pytest.raises(Configuration):
        vector_tags(gone)
    assert registry.is_chosen(gone, texts)
    assert registry.settings_of_tag(gone, texts.role, texts.tag) == gone
