"""Pictures and vectors as numpy arrays: their shapes and types. Importing this does not import numpy."""

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[np.uint8]
    """One decoded picture: (height, width, 3), sRGB, transparency laid over white, longest side at most as asked."""

    Vectors: TypeAlias = NDArray[np.float32]
    """(n, dimension), rows of unit length."""
else:
    Pixels = Vectors = Any  # no string: they stand in unions
