"""Arrays as the nouns hold them: read-only, of one type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Text = NDArray[np.str_]


def frozen_array(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    """A read-only array; the caller's own array stays writable."""
    array = np.array(values, dtype=dtype, copy=None).view()
    array.flags.writeable = False
    return array
