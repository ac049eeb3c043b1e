"""What can be chosen by name, for people: built in or of a plugin, active or not, usable or what it lacks, its licence
and size, and what it makes. Only active plugins are imported, and no network is loaded.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import metadata
from typing import Final, NamedTuple

from pydantic import Field

from swatchbook.domain.errors import Failure
from swatchbook.domain.extras import extra_of_choice, how_to_install, is_installed
from swatchbook.domain.plugins import BUILT_IN, UNCHOSEN, Kind, Plugin, declared
from swatchbook.domain.records import Record, Role
from swatchbook.domain.settings import Settings
from swatchbook.models import image_network, registry
from swatchbook_base.one_line import shorten


class Choice(Record):
    """Something that can be chosen. `package`: the plugin's, with its version; None: built in. `active`: the settings
    name it.

    `lacks`: why it cannot be used now. `makes`: role -> length of its vectors, None where it is not known before the
    network is loaded; empty for a plugin that is not active. `megabytes`: of weights and engine, or of the package.
    """

    kind: Kind
    name: str
    package: str | None = None
    active: bool = False
    lacks: str | None = None
    licence: str | None = None
    megabytes: float | None = None
    makes: dict[Role, int | None] = Field(default_factory=dict)


class _Fact(NamedTuple):
    """The licence of a built-in choice, and a function that returns its size in bytes."""

    licence: str
    size: Callable[[], int] | None = None


OWN: Final = "AGPL-3.0-or-later"


def choices(settings: Settings) -> list[Choice]:
    """Return all that is built in and installed, in the order of `Kind`, the built-in ones first."""
    kinds = [kind for kind in Kind if kind not in UNCHOSEN]
    return [choice for kind in kinds for choice in (*_built_in(kind, settings), *_plugins(kind, settings))]


def _built_in(kind: Kind, settings: Settings) -> Iterator[Choice]:
    for name in BUILT_IN[kind]:
        fact = _FACTS[kind, name]
        choice = Choice(kind=kind, name=name, active=_is_active(kind, name, settings), licence=fact.licence)
        if not (update := _lacked_extra(kind, name)) and fact.size:
            try:
                update["megabytes"] = _megabytes(fact.size())
            except metadata.PackageNotFoundError:
                update["lacks"] = "its package is not installed"
        yield choice.model_copy(update={**_made(kind, name, settings), **update})


def _plugins(kind: Kind, settings: Settings) -> Iterator[Choice]:
    found = declared(kind)
    packages = Counter(plugin.name for plugin in found)
    for plugin in found:
        choice = Choice(kind=kind, name=plugin.name, package=plugin.package).model_copy(update=_of_package(plugin))
        if plugin.name in BUILT_IN[kind]:
            yield choice.model_copy(update={"lacks": "it has the name of a built-in one"})
        elif packages[plugin.name] > 1:
            yield choice.model_copy(update={"lacks": "another package has a plugin of this name"})
        else:
            is_active = _is_active(kind, plugin.name, settings)
            made = _made(kind, plugin.name, settings) if is_active else {}
            yield choice.model_copy(update={"active": is_active, **made, **_lacked_extra(kind, plugin.name)})


def _lacked_extra(kind: Kind, name: str) -> dict[str, object]:
    extra = extra_of_choice(kind, name)
    if extra is None or is_installed(extra):
        return {}
    return {"lacks": f"needs the extra {extra}: {how_to_install(extra)}"}


def _is_active(kind: Kind, name: str, settings: Settings) -> bool:
    return kind is not Kind.EXPORTER and getattr(settings, kind) == name


def _made(kind: Kind, name: str, settings: Settings) -> dict[str, object]:
    """Return the roles that a model makes, licence and size of weights that are not its package's, or what it lacks."""
    if kind not in registry.MODELS:
        return {}
    try:
        spec = registry.spec_of(kind, settings.model_copy(update={kind.value: name}))
    except Failure as failure:
        return {"lacks": failure.message}
    made: dict[str, object] = {"makes": {role: spec.dimensions.get(role) for role in Role if role in spec.tags}}
    if spec.weights is None or _lacked_extra(kind, name):
        return made
    try:
        weights = spec.weights()
    except Failure as failure:
        return {**made, "lacks": failure.message}
    return {**made, "licence": weights.licence, "megabytes": _megabytes(weights.size)}


def _of_package(plugin: Plugin) -> dict[str, object]:
    """Return licence and size of a plugin's package, as its metadata say."""
    try:
        package = metadata.distribution((plugin.package or "").rpartition(" ")[0])
    except metadata.PackageNotFoundError:
        return {}
    fields = package.metadata.json
    named = str(fields.get("license_expression") or fields.get("license") or "")  # the latter may be the whole text
    return {"licence": shorten(named, 40) or None, "megabytes": _megabytes(_package_size(package.name))}


def _package_size(name: str) -> int:
    return sum(file.size or 0 for file in metadata.distribution(name).files or ())


def _megabytes(size: int) -> float:
    return round(size / 1e6, 1)


def _e5_size() -> int:
    from swatchbook_base.e5_file import SIZE  # imports numpy

    return SIZE


_FACTS: Final[Mapping[tuple[Kind, str], _Fact]] = {
    (Kind.ENCODER, "efficientnet"): _Fact("Apache-2.0", lambda: image_network.FILE.stat().st_size),
    (Kind.ENCODER, "descriptors"): _Fact(OWN),
    (Kind.TEXT_ENCODER, "e5"): _Fact("MIT", _e5_size),
    (Kind.TEXT_ENCODER, "voyage"): _Fact("that of the provider"),
    (Kind.TEXT_ENCODER, "openai"): _Fact("that of the model"),
    (Kind.ANALYST, "local"): _Fact(OWN),
    (Kind.ANALYST, "vision"): _Fact("that of the model"),
    (Kind.INDEX, "lance"): _Fact("Apache-2.0", partial(_package_size, "lancedb")),
    (Kind.INDEX, "weaviate"): _Fact("BSD-3-Clause", partial(_package_size, "weaviate-client")),
    (Kind.PDF_READER, "mupdf"): _Fact("AGPL-3.0, or commercial", partial(_package_size, "pymupdf")),
    (Kind.PDF_READER, "pdfium"): _Fact("BSD-3-Clause, Apache-2.0", partial(_package_size, "pypdfium2")),
    (Kind.EXPORTER, "csv"): _Fact(OWN),
    (Kind.EXPORTER, "jsonl"): _Fact(OWN),
    (Kind.EXPORTER, "xlsx"): _Fact("BSD-2-Clause", partial(_package_size, "xlsxwriter")),
    (Kind.EXPORTER, "parquet"): _Fact("Apache-2.0", partial(_package_size, "pyarrow")),
}
"""Built-in choice -> licence and size of its weights, else of the package that does the work."""
