"""The base of all records, and the identities of what they name.

Every identity is a UUID5 or a SHA-256 of what it names, so the same input gives the same rows on every machine.
"""

import hashlib
import re
import unicodedata
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, StringConstraints

NAMESPACE = UUID("6f0d3f0e-7f6b-5c1d-9d53-5a7c5b6d1e21")
"""The root of every UUID5 here. Changing it renames the world."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Owner = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$")]
"""Whose collection it is; no query crosses owners unless asked for all."""


class Record(BaseModel):
    """Base of all records: immutable, and unknown fields are an error rather than a loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def identity(*parts: object) -> str:
    """UUID5 of the parts, in order. A NUL between parts keeps ("ab", "c") apart from ("a", "bc")."""
    return str(uuid5(NAMESPACE, "\0".join(str(p) for p in parts)))


def sha256(data: bytes) -> Sha256:
    """Hex digest of bytes: the key of passed-through pictures and of files."""
    return hashlib.sha256(data).hexdigest()


def text_key(text: str) -> Sha256:
    """Key of a text: SHA-256 of its UTF-8 bytes."""
    return sha256(text.encode())


def pair_key(content: str, text: str) -> Sha256:
    """Key of a picture together with what is said of it, by their own keys: SHA-256 of both."""
    return sha256(f"{content}:{text}".encode())


def pixel_key(width: int, height: int, mode: str, pixels: bytes) -> Sha256:
    """Content key of a picture that had to be converted: of its raw pixels, whatever the encoder."""
    return sha256(f"{width}x{height}:{mode}:".encode() + pixels)


def document_id(owner: str, content: str) -> str:
    """`content` is the SHA-256 of the bytes, or a folder's or batch's absolute name."""
    return identity("document", owner, content)


def image_id(owner: str, content_key: str) -> str:
    """A picture by content, of one owner."""
    return identity("image", owner, content_key)


def placement_id(document: str, page: int, kind: str, origin: int | str, bbox: Box, ordinal: int = 0) -> str:
    """`origin` is the xref or path; `ordinal` tells apart those that agree in all else."""
    return identity("placement", document, page, kind, origin, *(round(v) for v in bbox), ordinal)


def product_id(document: str, category: str | None, name: str, ordinal: int = 0) -> str:
    """Names are compared normalised (`fold`), so a change of case or spacing is not a new product."""
    return identity("product", document, fold(category or ""), fold(name), ordinal)


def chunk_id(document: str, key: str, ordinal: int = 0) -> str:
    """`ordinal` counts chunks of the same text in one document."""
    return identity("chunk", document, key, ordinal)


def entity_id(document: str, kind: str, page: int, ordinal: int = 0) -> str:
    """A certificate, logo or specification table."""
    return identity("entity", document, kind, page, ordinal)


def fold(text: str) -> str:
    """Letters and digits only, NFKC and case folded: how names are compared."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def slug(tag: str) -> str:
    """A tag as part of a table or collection name: ASCII letters, digits, `_`, and a short hash against collisions."""
    return re.sub(r"[^A-Za-z0-9]+", "_", tag).strip("_")[:60] + "_" + sha256(tag.encode())[:8]
