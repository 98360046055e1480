"""Arrays as the nouns hold them."""

from __future__ import annotations

import numpy as np
import pytest

from holter2sleep.arrays import frozen_array


def test_a_frozen_array_cannot_be_written_and_its_source_can() -> None:
    source = np.zeros(3)
    frozen = frozen_array(source, np.float64)
    with pytest.raises(ValueError, match="read-only"):
        frozen[0] = 1.0
    source[0] = 1.0
