"""Check each part of the installation with a real operation, and print how to fix what fails (`swatchbook doctor`).

The parts are extras, 1 GiB of free disk, 1.5 GiB of free memory, ledger, files, index, models, providers,
spaces, notices, decoder, PDF, Prefect and pool. They are checked side by side.
"""

import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from rich.table import Table
from rich.text import Text

from swatchbook import catalogue_reader
from swatchbook.catalogue_reader import reader_version
from swatchbook.domain import extras
from swatchbook.domain.errors import Configuration, DiskFull, Failure, OutOfMemory, ProviderDown, as_failure, reason_of
from swatchbook.domain.plugins import of_package
from swatchbook.domain.records import Record
from swatchbook.doors.cli.log import log_file
from swatchbook.doors.cli.terminal import cell, duration, table
from swatchbook.index.contract import CheckedIndex, MovableIndex
from swatchbook.ingest.required_parts import require_parts
from swatchbook.resources import Resources
from swatchbook.store.ledger import space_registry
from swatchbook.store.ledger.space_registry import active_spaces
from swatchbook.store.ledger.webhooks import undelivered
from swatchbook.upkeep.reports.stale import stale_roles
from swatchbook_base.one_line import clean

log = logging.getLogger(__name__)

FREE_DISK = 1 << 30  # bytes; a catalogue with its pictures, vectors and index needs some hundred MB
FREE_MEMORY = 1536 << 20  # bytes; peak of one ingest

Check = Callable[[Resources], str]
"""Return a short description of the part. Raises Failure with advice when the part does not work."""


class Finding(Record):
    """Result of one check. `kind` and `advice` are those of the failure, None when it passed."""

    check: str
    ok: bool
    found: str
    kind: str | None = None
    advice: str | None = None
    seconds: float


WAIT_SECONDS = 5.0
"""Time for what others must answer, after the checks that compute: those take the processors from all."""

_COMPUTE = ("models", "decoder", "pdf")
"""Checks that load and run something here, as long as it takes."""


def examine(resources: Resources) -> list[Finding]:
    """Run all checks side by side, and return their findings in order. A check that gets no answer has failed."""
    from swatchbook.doors.prefect_server import prefect_environment

    os.environ.update(prefect_environment(resources.settings, os.environ))  # Prefect reads it once, on import
    findings = dict[str, Finding]()

    def run(name: str) -> None:
        findings[name] = _run(name, resources)

    waiting = [
        threading.Thread(target=run, args=[name], name=f"check {name}", daemon=True)
        for name in CHECKS
        if name not in _COMPUTE
    ]
    for thread in waiting:
        thread.start()
    for name in _COMPUTE:
        run(name)
    end = time.monotonic() + WAIT_SECONDS
    for thread in waiting:
        thread.join(max(0.0, end - time.monotonic()))
    return [findings.get(name) or _no_answer(name) for name in CHECKS]


def _run(name: str, resources: Resources) -> Finding:
    started = time.monotonic()
    try:
        found, failure = CHECKS[name](resources), None
    except Exception as error:  # reported as a finding
        failure = as_failure(error)
        found = failure.message
        log.warning("doctor: check %s failed", name, exc_info=error)
    return Finding(
        check=name,
        ok=failure is None,
        found=found,
        kind=failure.kind if failure else None,
        advice=failure.advice or f"See the log for details: {log_file(resources.settings)}" if failure else None,
        seconds=round(time.monotonic() - started, 3),
    )


def _no_answer(name: str) -> Finding:
    return Finding(
        check=name,
        ok=False,
        found=f"No answer in {WAIT_SECONDS:g} s.",
        kind=ProviderDown.kind,
        advice="Check its address (`swatchbook config`), and whether this machine reaches it.",
        seconds=WAIT_SECONDS,
    )


def draw(findings: list[Finding]) -> Table:
    """Return the findings as a table, with advice below each failed check."""
    rows = table("", "check", "result", "time", right=("time",))
    for finding in findings:
        result = Text(clean(finding.found), "" if finding.ok else "red")
        if finding.advice:
            result.append(f"\n→ {clean(finding.advice)}", "yellow")
        sign = Text("✓", "green") if finding.ok else Text("✗", "bold red")
        rows.add_row(sign, finding.check, result, cell(duration(finding.seconds), "dim"))
    return rows


# --- the checks -------------------------------------------------------------------------------------------------------


def check_extras(resources: Resources) -> str:
    """Say which extras are installed; all that the settings need must be."""
    extras.require_extras(resources.settings)
    there = [extra for extra in extras.MODULES if extras.is_installed(extra)]
    return f"installed: {', '.join(there) or 'none'}; the settings need no other"


def check_home(resources: Resources) -> str:
    home = resources.settings.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home, prefix=".doctor-"):
            free = shutil.disk_usage(home).free
    except OSError as error:
        raise Configuration(
            f"{home} is not writable: {reason_of(error)}.",
            advice="Set SWATCHBOOK_HOME to a folder that you can write to.",
        ) from error
    if free < FREE_DISK:
        raise DiskFull(
            f"{home}: only {free / 1e6:,.0f} MB free.", advice=f"Free at least {FREE_DISK / 1e9:.1f} GB there."
        )
    return f"{home} · {free / 1e9:,.1f} GB free"


def check_memory(_: Resources) -> str:
    from swatchbook.domain.runtime.memory import memory_use

    used, total = memory_use()
    if total - used < FREE_MEMORY:
        raise OutOfMemory(
            f"Only {(total - used) / 1e9:.1f} GB of {total / 1e9:.1f} GB free.",
            advice=f"An ingest needs {FREE_MEMORY / 1e9:.1f} GB. Stop other programs, or raise the container's limit.",
        )
    return f"{(total - used) / 1e9:.1f} GB of {total / 1e9:.1f} GB free"


def check_ledger(resources: Resources) -> str:
    from sqlalchemy.engine import make_url

    from swatchbook.store.ledger import migrations

    resources.ledger.check()
    with resources.ledger.write():
        pass
    return f"{make_url(resources.settings.ledger).render_as_string(hide_password=True)} · schema {migrations.HEAD}"


def check_files(resources: Resources) -> str:
    data = os.urandom(64)
    key = resources.files.put_bytes(data, ".probe")
    try:
        if resources.files.read(key) != data:
            raise Configuration(
                "The file store returned other bytes than were written.",
                advice="Check the disk or SWATCHBOOK_FILES_URL.",
            )
    finally:
        resources.files.delete(key)
    return resources.settings.files


def check_index(resources: Resources) -> str:
    resources.index.probe()
    here = set(resources.index.spaces())
    for each in space_registry.registered(resources.ledger):
        if isinstance(resources.index, CheckedIndex) and each.space.name in here:
            resources.index.check(each.space)
    from swatchbook.store.files.object_store import has_conditional_writes

    settings = resources.settings
    if settings.index == "lance" and settings.index_url and has_conditional_writes(settings.index_url) is False:
        raise Configuration(
            f"The server of {settings.index_url} overwrites existing files although it is asked not to "
            "(If-None-Match): two writers would lose each other's commits.",
            advice="Use a server that has conditional writes, or another SWATCHBOOK_INDEX_URL.",
        )
    places = {"lance": settings.index_url or settings.index_folder, "weaviate": settings.weaviate.url}
    where = f" at {places[settings.index]}" if settings.index in places else ""
    return f"{settings.index}{where} · {len(here)} spaces{_to_move(resources)}"


def _to_move(resources: Resources) -> str:
    if not isinstance(resources.index, MovableIndex):
        return ""
    here, registered = set(resources.index.spaces()), space_registry.registered(resources.ledger)
    states = [resources.index.move_state(each.space) for each in registered if each.space.name in here]
    count = sum(not each.done for each in states)
    return f", {count} in another layout than the settings: `swatchbook spaces move`" if count else ""


def check_spaces(resources: Resources) -> str:
    """Check that searches can encode their queries, and that no vector is stale."""
    active = active_spaces(resources.ledger)
    for role, each in active.items():
        resources.models_of(each.pair).require(role)
    if stale := stale_roles(resources.ledger, resources.settings):
        raise Configuration(
            " ".join(each.line for each in stale),
            advice="Run `swatchbook fill spaces`, then `swatchbook spaces activate`; or set the model back.",
        )
    return f"{len(active)} roles are searched by the models that made their vectors; none is stale"


def check_notices(resources: Resources) -> str:
    """Check that the receiver of notices accepts them."""
    if resources.settings.notice_url is None:
        return "not used: SWATCHBOOK_NOTICE_URL is not set"
    if missed := undelivered(resources.ledger):
        raise ProviderDown(missed.line, advice="What is not given up is sent again by itself.")
    return f"sent to {urlsplit(resources.settings.notice_url.get_secret_value()).hostname}"


def check_models(resources: Resources) -> str:
    """Load the models and encode one picture and one text. All that is missing for an ingest is named at once."""
    import numpy as np

    models, settings = resources.models, resources.settings
    require_parts(models, settings, reviews=True)
    models.encoder.encode([np.full((32, 32, 3), 128, np.uint8)])
    if settings.has_local_text_encoder:
        models.text_encoder.embed(["oak, matte"], "query")
    images = ", ".join(dict.fromkeys(tag.partition("/")[0] for tag in models.encoder.tags.values()))
    return f"{images}, {settings.text_encoder}, {settings.analyst} analyst"


def check_providers(resources: Resources) -> str:
    """Ask the text encoder's provider for a vector. Other providers are not asked, since each answer costs money."""
    from swatchbook.models.providers.prices import parts_in_use

    parts = parts_in_use(resources.settings)
    if "text" not in parts:
        return f"not asked, since answers cost: {', '.join(parts)}" if parts else "not used: all models are local"
    vector = resources.models.text_encoder.embed(["oak, matte"], "query")  # queries are not charged to a document
    return f"{resources.settings.text_encoder} ({vector.shape[1]}-d)"


def check_decoder(resources: Resources) -> str:
    from PIL import Image

    with tempfile.TemporaryDirectory(prefix="swatchbook-") as folder:
        picture = Path(folder) / "probe.png"
        Image.new("RGB", (8, 8), "teal").save(picture)
        (decoded,) = resources.decoders.decode([picture], 8)
    if isinstance(decoded, Failure):
        raise decoded
    return f"{resources.settings.decoder_processes} decoder processes, {resources.settings.child_memory_mb} MiB each"


def check_pdf(resources: Resources) -> str:
    if not reader_version():
        return f"none: catalogues need the package {catalogue_reader.DISTRIBUTION}"
    return resources.catalogue.check(resources.settings)


def check_prefect(_: Resources) -> str:
    from swatchbook.doors.prefect_server import check_database, probe_prefect

    if url := os.environ.get("PREFECT_API_URL"):
        probe_prefect(url)
    else:
        check_database()
    import prefect

    server = f"server at {url}" if url else f"a temporary server per command, home {os.environ['PREFECT_HOME']}"
    return f"prefect {prefect.__version__} · {server}"


def check_pool(resources: Resources) -> str:
    """Check that workers serve the pools, and compute how many shards fit on this machine."""
    settings = resources.settings
    if settings.execution == "inline":
        return "not used: images are embedded in the process that ingests"
    from swatchbook.ingest.shards import require_pool

    require_pool(settings)
    if not os.environ.get("PREFECT_API_URL"):
        raise Configuration("Work pools need a Prefect server.", advice="Set PREFECT_API_URL to its address.")
    import psutil

    find_troubles = of_package("SWATCHBOOK_EXECUTION=pool", "swatchbook_service.scheduler.prefect_state:find_troubles")
    if troubles := find_troubles(settings):
        raise Configuration(" ".join(troubles))
    free = psutil.virtual_memory().available  # of the machine: our container's limit does not apply to shards
    by_memory = free // (settings.shards.memory_mb << 20)
    by_cpus = int((os.cpu_count() or 1) / (settings.shards.cpus or 1))
    room = f"{min(by_memory, by_cpus)} shards: {by_memory} by free memory, {by_cpus} by CPUs"
    return f"workers poll the pools · this machine has room for {room}"


CHECKS: dict[str, Check] = {
    "extras": check_extras,
    "home": check_home,
    "memory": check_memory,
    "ledger": check_ledger,
    "files": check_files,
    "index": check_index,
    "models": check_models,
    "providers": check_providers,
    "spaces": check_spaces,
    "notices": check_notices,
    "decoder": check_decoder,
    "pdf": check_pdf,
    "prefect": check_prefect,
    "pool": check_pool,
}
