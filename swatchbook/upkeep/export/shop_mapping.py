"""What a person chooses for an export to a shop: the mapping of fields (a YAML file), the address of the pictures, and
the earlier export that it is compared with.

A value of a mapping is a text with fields of the product in braces (`"{name}, {material}"`), or a list of such texts,
of which the first counts whose fields are all known. With a field that a product lacks, it has no value: nothing is
made up. `null` leaves a field out. The fields in braces are looked up, and never evaluated.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from swatchbook.domain.records import Record
from swatchbook.ingest.sources.mapping_file import check_mapping, read_mapping_file

ADVICE = "docs/shops.md has an example."

Template = str | int | float | bool | tuple[str, ...] | None

COMMON: Mapping[str, Template] = {
    "title": "{name}",
    "description": "{description}",
    "brand": "{brand}",
    "category": "{category}",
    "link": "{url}",
    "sku": ("{sku}", "{key}"),
    "handle": ("{handle}", "{key}"),
    "mpn": "{mpn}",
    "gtin": "{gtin}",
    "availability": "{availability}",
    "condition": "{condition}",
    "color": "{color}",
    "material": "{material}",
    "size": "{size}",
    "unit": None,
    "status": "{status}",
}
"""Fields that every format has in some place -> how they are filled, unless a mapping fills them otherwise.

`{key}` is the id of the product without hyphens: the same in each export, also when its name is edited. `{sku}` is that
of a file of items, so that the shop finds its products again."""

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


OWN_NAMES = frozenset({
    "id", "key", "name", "product", "variant", "product_key", "code", "category", "family", "price", "currency",
    "picture", "document", "owner",
})  # fmt: skip
"""The names in braces that every product has; the others are those of its metadata."""


Fields = dict[str, Template]
SECTIONS = ("shopify", "woocommerce", "jsonld", "google", "bmecat", "akeneo")


class ShopMapping(Record):
    """A mapping as a person writes it. `option`: what the variants differ in; `currency`: of prices that name none."""

    fields: Fields = Field(default_factory=dict)
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    option: str = "Variant"
    supplier: str | None = Field(default=None, min_length=1, max_length=50, description="Of BMEcat.")
    catalog_id: str | None = Field(default=None, min_length=1, max_length=20, description="Of BMEcat.")
    catalog_version: str = Field(default="1.0", pattern=r"^[0-9]{1,3}\.[0-9]{1,3}$", description="Of BMEcat.")
    language: str | None = Field(default=None, pattern=r"^[a-z]{3}$", description="Of BMEcat: eng, deu, fra …")
    prev_version: int = Field(default=0, ge=0, description="Of BMEcat: updates sent before this one.")
    shopify: Fields = Field(default_factory=dict, description="Fields of this format only.")
    woocommerce: Fields = Field(default_factory=dict, description="Fields of this format only.")
    jsonld: Fields = Field(default_factory=dict, description="Fields of this format only.")
    google: Fields = Field(default_factory=dict, description="Fields of this format only.")
    bmecat: Fields = Field(default_factory=dict, description="Fields of this format only.")
    akeneo: Fields = Field(default_factory=dict, description="Fields of this format only.")

    @model_validator(mode="before")
    @classmethod
    def _fields_are_below_fields(cls, content: Any) -> Any:
        if isinstance(content, dict) and (misplaced := [name for name in COMMON if name in content]):
            raise ValueError(f"write {', '.join(misplaced)} below `fields`")
        return content

    @field_validator("fields", *SECTIONS)
    @classmethod
    def _braces_are_closed(cls, fields: Fields) -> Fields:
        for name, template in fields.items():
            for each in template if isinstance(template, tuple) else (template,):
                if isinstance(each, str) and set("{}") & set(PLACEHOLDER.sub("", each)):
                    raise ValueError(f"the braces of {name!r} do not match: write a field as {{name}}")
        return fields

    def for_format(self, form: str) -> "ShopMapping":
        """Return the mapping with the fields of a format's own section in place of those of all formats."""
        if form not in SECTIONS:
            return self
        return self.model_copy(update={"fields": self.fields | getattr(self, form)})


class ShopOptions(Record):
    """What an export to a shop is given with the products. `since`: a file of an earlier export.

    `accept_gone`: also where more than half of the earlier file is gone, or some while documents are not completed.
    """

    mapping: ShopMapping = ShopMapping()
    pictures_url: str | None = None
    since: Path | None = None
    accept_gone: bool = False


def read_shop_mapping(file: Path) -> ShopMapping:
    """Return the mapping in a YAML file. Raises InvalidReference."""
    return read_mapping_file(file, ShopMapping, Literal[()], advice=ADVICE)


def as_shop_mapping(given: str | Path | Mapping[str, Any] | None) -> ShopMapping | None:
    """Return the mapping that a program gives: the path of a YAML file, or what such a file holds.

    Raises InvalidReference.
    """
    if isinstance(given, Mapping):
        return check_mapping(dict(given), "mapping", ShopMapping, Literal[()], advice=ADVICE)
    return None if given is None else read_shop_mapping(Path(given))


def names_in_braces(mapping: ShopMapping) -> list[str]:
    """Return the names in the braces of a mapping, each once."""
    values = [each for value in mapping.fields.values() for each in (value if isinstance(value, tuple) else (value,))]
    return list(dict.fromkeys(name.strip() for value in values for name in PLACEHOLDER.findall(str(value))))
