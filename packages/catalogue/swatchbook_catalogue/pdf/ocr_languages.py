"""Languages whose print Tesseract reads where the packaged models read none of it: which of them this machine has data
for, in TESSDATA_PREFIX or where systems put them. Nothing is downloaded.
"""

import os
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path

from swatchbook_base.errors import Configuration, MissingExtra

FOLDERS = (
    "/usr/share/tesseract-ocr/5/tessdata",  # Debian, Ubuntu
    "/usr/share/tessdata",  # Arch, Alpine
    "/usr/share/tesseract/tessdata",  # Fedora
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
OTHER_SCRIPTS = (
    "rus", "ukr", "fas", "ara", "heb", "ell", "kor", "hin", "tha", "bul", "srp", "bel",
    "mkd", "kaz", "kir", "mon", "tgk", "tat", "uzb_cyrl", "aze_cyrl", "urd", "pus", "snd", "uig",
    "kur_ara", "yid", "mar", "nep", "san", "ben", "asm", "guj", "pan", "tam", "tel", "kan",
    "mal", "ori", "sin", "lao", "khm", "mya", "kat", "hye", "amh", "tir", "bod", "dzo",
)  # fmt: skip
"""Tesseract's names of languages in scripts that the packaged models do not read, the likeliest
first (`pdf/ocr_engine.py`)."""


def data_folder() -> Path | None:
    """Return the folder with the language data of Tesseract, or None if there is none."""
    chosen = os.environ.get("TESSDATA_PREFIX")
    return next((Path(folder) for folder in ([chosen] if chosen else FOLDERS) if Path(folder).is_dir()), None)


def installed_languages() -> tuple[str, ...]:
    """Return the languages of other scripts that this machine can read, the likeliest first; none without Tesseract."""
    if find_spec("tesserocr") is None:
        return ()
    return tuple(language for language in OTHER_SCRIPTS if has_data(language))


def chosen_languages(languages: Sequence[str] | None) -> tuple[str, ...]:
    """Return the languages of the setting `ocr_languages`: where it is None, those that this machine has data for."""
    return installed_languages() if languages is None else tuple(languages)


def has_data(language: str) -> bool:
    """Whether this machine has Tesseract's data of a language."""
    folder = data_folder()
    return folder is not None and (folder / f"{language}.traineddata").is_file()


def check_languages(languages: Collection[str]) -> None:
    """Raise MissingExtra without Tesseract; Configuration, which names the packages, without data of a language."""
    if languages and find_spec("tesserocr") is None:
        raise MissingExtra(
            f"Print in {', '.join(languages)} needs the extra tesseract.",
            advice="Install it: pip install 'swatchbook-core[tesseract]'",
        )
    missing = [language for language in languages if not has_data(language)]
    if missing:
        packages = ", ".join(f"tesseract-ocr-{language.replace('_', '-')}" for language in missing)
        raise Configuration(
            f"Print in {', '.join(missing)} cannot be read: Tesseract's language data are missing.",
            advice=f"Install them (Debian, Ubuntu: {packages}), name their folder in TESSDATA_PREFIX, or correct "
            "SWATCHBOOK_OCR_LANGUAGES.",
        )
