"""A provider that is down for an hour: no attempt is spent, and all is made once it is back. On a clock of our own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import insert

from swatchbook.domain.errors import Interrupted, ProviderDown
from swatchbook.domain.records import Role, RoleTag, text_key
from swatchbook.domain.settings import Settings
from swatchbook.ingest.embed import process_batch
from swatchbook.models.providers.endpoint import Endpoint
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import claims
from swatchbook.store.ledger.tables import contents
from swatchbook.store.ledger.tables import items as rows
from swatchbook_providers.embeddings import ProviderTextEncoder
from swatchbook_providers.wires.voyage import VOYAGE
from tests.models.providers.clocks import SetClock
from tests.models.providers.standin import KEY, Provider
from tests.store.ledger.scene import begun, count

TEXTS = tuple(f"Oak {number}." for number in range(6))
TAG = "voyage-3.5@1024/document-query"
HOUR = 3_600.0


@pytest.fixture
def resources() -> Iterator[Resources]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        chosen = Settings(home=Path(folder), text_encoder="voyage", text={"api_key": SecretStr(KEY)})
        with open_resources(chosen) as tools:
            yield tools


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1]], ids=["several", "one"])
def test_an_hour_without_the_provider_spends_no_try(
    there: Provider, resources: Resources, texts: tuple[str, ...]
) -> None:
    keys = [text_key(text) for text in texts]
    with resources.ledger.write() as connection:
        connection.execute(insert(contents), [{"key": text_key(text), "text": text} for text in texts])
    run = begun(resources.ledger, texts=keys, requested=[RoleTag(role=Role.TEXT, tag=TAG)])
    (batch,) = claims.cut_batches(resources.ledger, run, 20)
    clock, where = SetClock(), Endpoint("text", there.openai_url, "voyage-3.5", SecretStr(KEY))
    over = clock.now() + HOUR
    while count(resources.ledger, rows, state="done") < len(texts):
        assert count(resources.ledger, rows, runs=0) == len(texts)
        encoder = ProviderTextEncoder(where, VOYAGE, tag=TAG, dimension=1_024, clock=clock)
        resources.models._made["text_encoder"] = encoder  # a run is a process, whose breaker knows nothing
        for number, pause in enumerate((2.0, 4.0, 8.0, 300.0)):  # as the batch's task does; then as its document waits
            there.script.clear()
            there.script.extend(["unavailable"] * 50 if clock.now() < over else [])
            try:
                process_batch(resources, run, batch, size=20, last_try=number == 3)
                break
            except (ProviderDown, Interrupted):
                clock.sleep(pause)
    assert clock.now() - over <= 300
    assert there.paid.total() == 1  # all of them in one call
