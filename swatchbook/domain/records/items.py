"""The roles of items (made from pixels or from text), tags, and the states of items and images."""

from enum import StrEnum

from swatchbook_base.records.record import Record


class Role(StrEnum):
    """The result that an item computes for an image or a text: an analysis, or one kind of vector."""

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
"""Roles whose vector is computed from pixels; the key of their items is the content key."""

FROM_PICTURES = PIXEL_ROLES | {Role.ANALYSIS}
"""Roles that are made from the stored picture."""

TEXT_ROLES = frozenset({Role.UNDERSTANDING, Role.MULTIMODAL})
"""Roles computed from an image's understanding text; their items exist only if the image has a text."""


class RoleTag(Record):
    """A role and tag that a document requests. A tag names the model and its recipe: `name@revision/recipe`."""

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
