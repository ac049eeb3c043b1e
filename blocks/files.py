"""Prefect block of the file store: its URL."""

from blocks.overlay import block_type

FilesBlock = block_type(
    "FilesBlock",
    "Swatchbook Files",
    "The store of documents, images and pages, addressed by content.",
    ("files_url",),
    module=__name__,
)
