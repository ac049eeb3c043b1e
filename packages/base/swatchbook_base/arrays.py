"""The types of pictures and vectors as numpy arrays: pixels are (height, width, 3) uint8 sRGB over white, vectors
float32 rows of unit length. Importing this module does not import numpy.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[np.uint8]
    """A decoded picture: (height, width, 3) uint8, sRGB, transparency composited over white."""

    Vectors: TypeAlias = NDArray[np.float32]
    """(n, dimension) float32, rows of unit length."""
else:
    Pixels = Vectors = Any  # not strings: they are used in union types
