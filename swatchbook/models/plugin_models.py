"""Wrap the models of plugins in the Protocols of `protocols.py`.

Whatever such a model raises or returns wrongly becomes a failure that names the plugin. NaN and zero vectors are
refused in `store/ledger/claims.py`, like those of any model.

Its object is made for each look at its tag, so that making it has to be cheap; where the class itself has the tag, it
is made when the models are loaded.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import ValidationError

from swatchbook.domain.errors import Failure, InvalidModelOutput
from swatchbook.domain.plugins import Plugin
from swatchbook.domain.records import PIXEL_ROLES, Analysis, Role
from swatchbook.domain.settings import Settings

if TYPE_CHECKING:
    from swatchbook.store.ledger.calls import CallContext
    from swatchbook_base.arrays import Pixels, Vectors

SIDE: Final = 400
"""Longest side of the pictures, in pixels, for a model that names none."""

MOST_DIMENSIONS: Final = 8_192


class PluginModel:
    """The object that a plugin makes, with the attributes that it or its class declares."""

    def __init__(self, plugin: Plugin, settings: Settings) -> None:
        self._plugin, self._settings = plugin, settings
        factory = plugin.load()
        has_tag = isinstance(getattr(factory, "tag", None), str)
        self._declared: Any = factory if has_tag else self._model

    @cached_property
    def _model(self) -> Any:
        with self._plugin.usable():
            return self._plugin.make(self._settings)

    def made(self) -> Self:
        """Make the object now. Raises Configuration if that fails."""
        _ = self._model
        return self

    def _value(self, name: str, kind: type, default: object = None) -> Any:
        value = getattr(self._declared, name, default)
        if not isinstance(value, kind):
            raise self._plugin.broken(
                f"has no {name}, or one that is no {kind.__name__}.", advice="See docs/plugins.md."
            )
        return value

    def _checked_tag(self, tag: object) -> str:
        pattern = re.escape(self._plugin.name) + r"@[!-~]{1,150}"
        if not (isinstance(tag, str) and re.fullmatch(pattern, tag)):
            raise self._plugin.broken(
                f"has the tag {tag!r}.",
                advice=f"Its tag must be {self._plugin.name}@, and what tells its versions apart.",
            )
        return tag

    def _checked_dimension(self, dimension: object) -> int:
        if not isinstance(dimension, int) or not 1 <= dimension <= MOST_DIMENSIONS:
            raise self._plugin.broken(
                f"has the dimension {dimension!r}.", advice=f"It must be a number from 1 to {MOST_DIMENSIONS}."
            )
        return dimension

    def _vectors(self, made: object, count: int, dimension: int) -> "Vectors":
        """Return (count, dimension) float32 of unit length. Raises InvalidModelOutput, and Configuration if all vectors
        have another dimension: then the model is at fault, and no item.
        """
        import numpy as np

        try:
            array = np.asarray(made)
        except Exception as error:  # lists of different lengths, a tensor on a GPU
            raise InvalidModelOutput(f"{self._plugin} returned no array, but {type(made).__name__}.") from error
        if array.ndim == 2 and len(array) == count > 1 and array.shape[1] != dimension:
            raise self._plugin.broken(
                f"returned vectors of {array.shape[1]} numbers, and not of {dimension} as it says.",
                advice="A changed model needs a changed tag and dimension.",
            )
        if array.shape != (count, dimension) or not np.issubdtype(array.dtype, np.floating):
            raise InvalidModelOutput(
                f"{self._plugin} returned {array.dtype} {array.shape}, not floats ({count}, {dimension})."
            )
        with np.errstate(all="ignore"):  # the ledger refuses what is not finite, and zero
            vectors = array.astype(np.float32)
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
            return np.where(norms > 0, vectors / norms, vectors)


class PluginEncoder(PluginModel):
    """An `ImageEncoder`: a plugin's `embed` for a role, by default `visual`. With `embed_texts` also a `TextTower`."""

    def __init__(self, plugin: Plugin, settings: Settings) -> None:
        super().__init__(plugin, settings)
        role = getattr(self._declared, "role", Role.VISUAL)
        if role not in PIXEL_ROLES:
            raise plugin.broken(
                f"has the role {role!r}.", advice=f"It must be one of {', '.join(sorted(PIXEL_ROLES))}."
            )
        self._role = Role(role)
        self.tags: Mapping[Role, str] = {self._role: self._checked_tag(self._value("tag", str))}
        self._dimension = self._checked_dimension(self._value("dimension", int))
        self.dimensions: Mapping[Role, int] = {self._role: self._dimension}
        self.side: int = self._value("side", int, SIDE)

    @property
    def embeds_texts(self) -> bool:
        """Return whether it is also a text tower, because it has `embed_texts`."""
        return hasattr(self._declared, "embed_texts") and self._role is Role.VISUAL

    def encode(self, pictures: "Sequence[Pixels]") -> "Mapping[Role, Vectors]":
        """Return role -> (n, dimension) float32, unit length, in input order."""
        import numpy as np

        if not pictures:
            return {self._role: np.empty((0, self._dimension), np.float32)}
        with self._plugin.named():
            made = self._model.embed(pictures)
        return {self._role: self._vectors(made, len(pictures), self._dimension)}

    def encode_queries(self, texts: Sequence[str]) -> "Vectors":
        """Return (n, dimension) float32, unit length, in the space of the role `visual`."""
        with self._plugin.named():
            made = self._model.embed_texts(texts)
        return self._vectors(made, len(texts), self._dimension)

    def combine(self, visual: "Vectors", texts: Sequence[str]) -> "Vectors":
        """Return the normalised means of pictures' and texts' vectors, (n, dimension)."""
        return self._vectors(visual + self.encode_queries(texts), len(texts), self._dimension)


class PluginTextEncoder(PluginModel):
    """A `TextEncoder`: a plugin's `embed(texts)`, or `embed(texts, kind)` where queries differ from documents."""

    def __init__(self, plugin: Plugin, settings: Settings) -> None:
        super().__init__(plugin, settings)
        self.tag = self._checked_tag(self._value("tag", str))
        self.dimension = self._checked_dimension(self._value("dimension", int))

    def load(self) -> None:
        """Call the plugin's `load`, if it has one."""
        with self._plugin.named():
            if hasattr(self._model, "load"):
                self._model.load()

    def embed(
        self,
        texts: Sequence[str],
        kind: Literal["document", "query"] = "document",
        context: "CallContext | None" = None,
    ) -> "Vectors":
        """Return (n, dimension) float32, unit length, in input order. Nothing is charged to `context`."""
        with self._plugin.named():
            embed = self._model.embed
            made = embed(texts, kind) if len(inspect.signature(embed).parameters) > 1 else embed(texts)
        return self._vectors(made, len(texts), self.dimension)


class PluginAnalyst(PluginModel):
    """An `Analyst`: a plugin's `analyse(pictures)`, which returns an analysis, or a dict of its fields, for each."""

    def __init__(self, plugin: Plugin, settings: Settings) -> None:
        super().__init__(plugin, settings)
        self.tag = self._checked_tag(self._value("tag", str))
        self.side: int = self._value("side", int, SIDE)

    def analyse(self, pictures: "Sequence[Pixels]", context: "CallContext | None" = None) -> list[Analysis | Failure]:
        """Return one analysis or failure per picture, in input order. Nothing is charged to `context`."""
        with self._plugin.named():
            made = list(self._model.analyse(pictures))
        if len(made) != len(pictures):
            raise InvalidModelOutput(f"{self._plugin} returned {len(made)} analyses for {len(pictures)} pictures.")
        return [self._analysis(each) for each in made]

    def _analysis(self, made: object) -> Analysis | Failure:
        if isinstance(made, Analysis | Failure):
            return made
        try:
            return Analysis.model_validate(made)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            field = ".".join(map(str, first["loc"])) or "the analysis"
            return InvalidModelOutput(f"{self._plugin} returned an analysis that is invalid: {field}: {first['msg']}.")
