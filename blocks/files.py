"""The file store as a Prefect block."""

from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field

from blocks.overlay import overlay
from swatchbook.resources import Resources
from swatchbook.settings import load_settings
from swatchbook.storage.files import Files


class FilesBlock(Block):
    """Where documents, pictures and pages are kept, by content."""

    _block_type_name: ClassVar[str | None] = "Swatchbook Files"
    _block_type_slug: ClassVar[str | None] = "swatchbook-files"

    files_url: str | None = Field(
        default=None,
        title="Folder or URL",
        description="A folder, or an fsspec URL such as s3://bucket/prefix; empty: under the home of whoever uses it.",
    )

    def get_files(self) -> Files:
        """The open file store. Raises FilesDown, Configuration."""
        return Resources(overlay(load_settings(), self)).files
