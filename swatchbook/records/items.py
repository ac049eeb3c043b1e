"""What is made of a picture or a text: roles, and the states of items and images."""

from enum import StrEnum

from swatchbook.records.base import Record


class Role(StrEnum):
    """What is made of a picture or a text."""

    ANALYSIS = "analysis"
    VISUAL = "visual"
    STRUCTURE = "structure"
    COLOR = "color"
    TEXTURE = "texture"
    MATERIAL = "material"
    APPLICATION = "application"
    MULTIMODAL = "multimodal"
    UNDERSTANDING = "understanding"
    TEXT = "text"


PIXEL_ROLES = frozenset({Role.VISUAL, Role.STRUCTURE, Role.COLOR, Role.TEXTURE, Role.MATERIAL, Role.APPLICATION})
"""Roles whose vector comes from pixels alone; their items are keyed by content key."""

TEXT_ROLES = frozenset({Role.UNDERSTANDING, Role.MULTIMODAL})
"""Roles made of what is said of a picture; their items are there only when something is."""


class RoleTag(Record):
    """A (role, tag) that a document asks for. A tag is `name@revision/recipe`: who makes it."""

    role: Role
    tag: str


class ItemState(StrEnum):
    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"


class ImageState(StrEnum):
    PENDING = "pending"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    REJECTED = "rejected"
