"""The size limits of a picture, on a page or in a file: MB, megapixels and longest side (SWATCHBOOK_MAX_IMAGE_…).

They are checked before any pixel is decoded. `check_file.py` has the limits of a document.
"""

from typing import NamedTuple, Protocol, Self

from swatchbook_base.errors import TooLarge, UnreadableImage

_MIB = 1 << 20


class ImageSettings(Protocol):
    """The settings that hold the limits."""

    @property
    def max_image_mb(self) -> int: ...
    @property
    def max_image_megapixels(self) -> int: ...
    @property
    def max_image_side(self) -> int: ...


class ImageLimits(NamedTuple):
    """The limits in MiB of a file, megapixels and pixels of the longer side. A tuple, to be sent to a child as JSON."""

    megabytes: int
    megapixels: int
    side: int

    @classmethod
    def of(cls, settings: ImageSettings) -> Self:
        return cls(settings.max_image_mb, settings.max_image_megapixels, settings.max_image_side)

    def check_size(self, width: int, height: int) -> None:
        """Check width and height in pixels. Raises TooLarge for too many, UnreadableImage for none."""
        if width < 1 or height < 1:
            raise UnreadableImage(f"The picture is {width} × {height} pixels.")
        if max(width, height) > self.side:
            raise TooLarge(
                f"The picture is {width} × {height}; {self.side} a side are allowed.",
                advice="Raise SWATCHBOOK_MAX_IMAGE_SIDE, then ingest again with --force.",
            )
        if width * height > self.megapixels * 1_000_000:
            raise TooLarge(
                f"The picture has {width * height / 1e6:.1f} megapixels; {self.megapixels} are allowed.",
                advice="Raise SWATCHBOOK_MAX_IMAGE_MEGAPIXELS, then ingest again with --force.",
            )

    def check_bytes(self, size: int) -> None:
        """Check the size of a file in bytes. Raises TooLarge."""
        if size > self.megabytes * _MIB:
            raise TooLarge(
                f"The picture's file has {size / _MIB:.1f} MiB; {self.megabytes} are allowed.",
                advice="Raise SWATCHBOOK_MAX_IMAGE_MB, then ingest again with --force.",
            )
