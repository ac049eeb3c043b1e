"""Compute every id (UUID5) and key (SHA-256); also the base class of all records, and the names an owner may have.

Every id is a UUID5 and every key a SHA-256 of what it identifies, so the same input gives the same rows on any machine.
"""

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from swatchbook_base.geometry import Box

NAMESPACE = UUID("6f0d3f0e-7f6b-5c1d-9d53-5a7c5b6d1e21")
"""Namespace of every UUID5 id. Changing it changes all ids."""

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The form of every id."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Owner = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$")]
"""Name of the owner of a collection. Queries see one owner only, unless they ask for all."""

SOFT_HYPHEN = "\u00ad"

DEFAULT_OWNER = "default"
"""Owner that is meant where none is named. (A key of the service for one owner means that one.)"""

OWNER_ADVICE = "Use up to 64 letters, digits and _ . @ -, starting with a letter or digit."

_OWNER = TypeAdapter[str](Owner)


def is_owner(name: str) -> bool:
    """Return whether an owner may have this name."""
    try:
        _OWNER.validate_python(name)
    except ValidationError:
        return False
    return True


class Record(BaseModel):
    """Base class of all records: immutable; unknown fields are an error.

    The validator of a class is built when it is first used: a command uses few of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def identity(*parts: object) -> str:
    """Return the UUID5 of the parts in order. A NUL between them distinguishes ("ab", "c") from ("a", "bc")."""
    return str(uuid5(NAMESPACE, "\0".join(str(p) for p in parts)))


def sha256(data: bytes) -> Sha256:
    """Return the SHA-256 of bytes in hex: the content key of unconverted images, and the key of files."""
    return hashlib.sha256(data).hexdigest()


def text_key(text: str) -> Sha256:
    """Return the key of a text: the SHA-256 of its UTF-8 bytes."""
    return sha256(text.encode())


def pair_key(content: str, text: str) -> Sha256:
    """Return the key of an image and its understanding text: the SHA-256 of content key and text key."""
    return sha256(f"{content}:{text}".encode())


def pixel_key(width: int, height: int, mode: str, pixels: bytes) -> Sha256:
    """Return the content key of a converted image: the SHA-256 of its size, mode and raw pixels."""
    return sha256(f"{width}x{height}:{mode}:".encode() + pixels)


def unreadable_key(document: str, path: str) -> Sha256:
    """Return the content key of a document's file that is no picture, computed from its place."""
    return sha256(f"file:{document}:{path}".encode())


def document_id(owner: str, content: str) -> str:
    """Return the id of an owner's document. `content` is the SHA-256 of its bytes, or a folder's absolute path."""
    return identity("document", owner, content)


def image_id(owner: str, content_key: str) -> str:
    """Return the id of an owner's image."""
    return identity("image", owner, content_key)


def placement_id(document: str, page: int, kind: str, origin: int | str, bbox: Box, ordinal: int = 0) -> str:
    """Return the id of a placement. `origin` is its xref or path; `ordinal` counts placements that agree otherwise."""
    return identity("placement", document, page, kind, origin, *(round(v) for v in bbox), ordinal)


def product_id(document: str, category: str | None, name: str, ordinal: int = 0) -> str:
    """Return the id of a product. Category and name are folded, so a change of case or spacing keeps the id."""
    return identity("product", document, fold(category or ""), fold(name), ordinal)


def item_product_id(document: str, item_key: Sha256) -> str:
    """Return the id of the product of an item of a folder, by the item's key: its title may change."""
    return identity("product", document, item_key)


def chunk_id(document: str, key: str, ordinal: int = 0) -> str:
    """Return the id of a chunk. `ordinal` counts chunks with the same text in one document."""
    return identity("chunk", document, key, ordinal)


def entity_id(document: str, kind: str, page: int, ordinal: int = 0) -> str:
    """Return the id of an entity: a certificate, logo or specification table."""
    return identity("entity", document, kind, page, ordinal)


@lru_cache(maxsize=65_536)  # a catalogue compares each of its texts many times
def fold(text: str) -> str:
    """Return only the letters and digits of a text, NFKC-normalised and case-folded, to compare names."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=65_536)
def normalise_line(text: str) -> str:
    """Return a text as one line, single spaces, NFKC, without soft hyphens."""
    return " ".join(unicodedata.normalize("NFKC", text).replace(SOFT_HYPHEN, "").split())


def slug(tag: str) -> str:
    """Return a tag as part of a table or collection name: ASCII letters, digits and `_`, with a hash of 8 digits."""
    return re.sub(r"[^A-Za-z0-9]+", "_", tag).strip("_")[:60] + "_" + sha256(tag.encode())[:8]
