"""Extras: packages that are installed only where a person chooses what needs them, and the settings that need them.
What imports such a package asks here first, so that what is missing is named with the command that installs it.
"""

import json
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, distributions, version
from importlib.util import find_spec
from shlex import quote
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from swatchbook.domain.errors import MissingExtra

if TYPE_CHECKING:
    from swatchbook.domain.settings import Settings

DISTRIBUTION: Final = "swatchbook-core"
"""Its name on PyPI, where `swatchbook` is another project."""

MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "models": ("torch", "transformers", "huggingface_hub", "safetensors", "tokenizers"),
    "weaviate": ("weaviate", "grpc"),
    "postgres": ("psycopg",),
    "docker": ("prefect_docker",),
    "voyage": ("voyageai",),
    "tesseract": ("tesserocr",),
    "notebook": ("pandas",),
    "s3": ("s3fs",),
    "gcs": ("gcsfs",),
    "azure": ("adlfs",),
    "mcp": ("mcp",),
    "pdfium": ("pypdfium2",),
    "otel": ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"),
}
"""Extra -> the modules that it brings. The packages of the default bring `huggingface_hub`, too."""


_OBJECT_STORES: Final[Mapping[str, str]] = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure",
}  # fmt: skip
"""Protocol of a URL -> the extra that brings what opens it."""


class Need(NamedTuple):
    """A setting that needs an extra: as it is named to people, and whether settings choose what needs it."""

    setting: str
    named: str
    extra: str
    is_chosen: Callable[["Settings"], bool]


NEEDS: Final = (
    Need("encoder", "SWATCHBOOK_ENCODER=siglip", "models", lambda s: s.encoder == "siglip"),
    Need("index", "SWATCHBOOK_INDEX=weaviate", "weaviate", lambda s: s.index == "weaviate"),
    Need("text_encoder", "SWATCHBOOK_TEXT_ENCODER=voyage", "voyage", lambda s: s.text_encoder == "voyage"),
    Need("pdf_reader", "SWATCHBOOK_PDF_READER=pdfium", "pdfium", lambda s: s.pdf_reader == "pdfium"),
    Need("ledger_url", "SWATCHBOOK_LEDGER_URL with PostgreSQL", "postgres", lambda s: s.ledger.startswith("postgres")),
    Need("ocr_languages", "SWATCHBOOK_OCR_LANGUAGES", "tesseract", lambda s: bool(s.ocr_languages) and s.ocr != "off"),
    Need("files_url", "SWATCHBOOK_FILES_URL with s3://", "s3", lambda s: extra_of_url(s.files) == "s3"),
    Need("files_url", "SWATCHBOOK_FILES_URL with gs://", "gcs", lambda s: extra_of_url(s.files) == "gcs"),
    Need("files_url", "SWATCHBOOK_FILES_URL with az://", "azure", lambda s: extra_of_url(s.files) == "azure"),
)


def extra_of_choice(setting: str, name: str) -> str | None:
    """Return the extra that something needs which a setting chooses by this name."""
    return next((each.extra for each in NEEDS if each.named == f"SWATCHBOOK_{setting.upper()}={name}"), None)


def extra_of_url(url: str) -> str | None:
    """Return the extra that brings what opens a URL of an object store; None for a path, and for other protocols."""
    protocol, separator, _ = url.partition("://")
    return _OBJECT_STORES.get(protocol) if separator else None


def is_installed(extra: str) -> bool:
    """Return whether all packages of an extra are installed; none is imported."""
    try:
        return all((spec := find_spec(module)) is not None and spec.origin is not None for module in MODULES[extra])
    except ModuleNotFoundError:  # of a module within a package that is not there
        return False


def require_extra(extra: str, what: str) -> None:
    """Raise MissingExtra, which says what needs it, if an extra is not installed."""
    if not is_installed(extra):
        raise _missing({what: extra})


def require_extras(settings: "Settings", *names: str) -> None:
    """Raise MissingExtra if the settings, or those of these names, choose what needs an extra that is not installed."""
    needs = [each for each in NEEDS if (not names or each.setting in names) and each.is_chosen(settings)]
    if missing := {each.named: each.extra for each in needs if not is_installed(each.extra)}:
        raise _missing(missing)


def _missing(extra_by_need: Mapping[str, str]) -> MissingExtra:
    message = " ".join(f"{what} needs the extra {extra}." for what, extra in extra_by_need.items())
    return MissingExtra(message, advice=f"Install it: {how_to_install(*dict.fromkeys(extra_by_need.values()))}")


def missing_package(what: str, package: str) -> MissingExtra:
    """Return the failure for what needs a package of `packages/` that is not installed."""
    return MissingExtra(f"{what} needs the package {package}.", advice=f"Install it: pip install {package}")


def how_to_install(*extras: str) -> str:
    """Return the command that installs extras into this environment, from the checkout that it was installed from."""
    checkout, names = _checkout(), ",".join(extras)
    if checkout is None:
        return f"pip install '{DISTRIBUTION}[{names}]'"
    tool = "uv pip" if find_spec("uv") else "pip"
    return f"{quote(sys.executable)} -m {tool} install --editable {quote(f'{checkout}[{names}]')}"


def installed_version() -> str:
    """Return the version of this package; `unknown` where it is not installed, as in a copy of its files."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def _checkout() -> str | None:
    """Return the folder that the package was installed from as editable; None for another installation."""
    for found in distributions(name=DISTRIBUTION):  # one may be what a build has left in the checkout: it has no origin
        origin = json.loads(found.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable"):
            return url2pathname(urlsplit(origin["url"]).path)
    return None
