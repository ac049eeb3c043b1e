"""The file store as a Prefect block."""

from blocks.overlay import block_type

FilesBlock = block_type(
    "FilesBlock",
    "Swatchbook Files",
    "Where documents, pictures and pages are kept, by content.",
    ("files_url",),
    module=__name__,
)
