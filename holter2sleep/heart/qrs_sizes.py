"""How large each QRS complex is, and the level it rides on: what breathing modulates.

The heart turns and the chest fills with each breath, so the same depolarisation is seen along another axis and through
another resistance.

References
----------
Moody GB et al. Derivation of respiratory signals from multi-lead ECGs. Comput Cardiol 1985;12:113-116 (area).
Lazaro J et al. Electrocardiogram derived respiratory rate from QRS slopes and R-wave angle. Ann Biomed Eng
2014;42:2072-2083 (slopes).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float32]  # (n_beats,)
Rows = NDArray[np.float32]  # (n_beats, n_samples)


@dataclass(frozen=True)
class QrsSizes:
    """Sizes of each QRS complex; turned over, the slopes change places, the level its sign, and the rest stays."""

    height_mv: Column  # highest to lowest point
    area_mv_s: Column  # between the complex and a straight line from its start to its end, both sides counted
    rise_mv_per_s: Column  # steepest
    fall_mv_per_s: Column  # steepest, positive
    level_mv: Column  # of the signal around it

    @classmethod
    def joined(cls, parts: list[QrsSizes]) -> Self:
        """The sizes of successive beats."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def columns(self) -> dict[str, Column]:
        """The sizes by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def qrs_sizes(rows: Rows, level_mv: Column, qrs: slice, hz: float) -> QrsSizes:
    """Sizes of beats: a row holds one from before P to behind T at `hz`, its complex in the part `qrs`.

    `level_mv` is the level of each row.
    """
    core = rows[:, qrs]
    line = np.linspace(0, 1, core.shape[1], dtype=np.float32)
    above = core - core[:, :1] - (core[:, -1:] - core[:, :1]) * line
    slope = np.diff(core, axis=1) * np.float32(hz)
    return QrsSizes(
        height_mv=np.ptp(core, axis=1),
        area_mv_s=np.abs(above).sum(axis=1) / np.float32(hz),
        rise_mv_per_s=slope.max(axis=1),
        fall_mv_per_s=-slope.min(axis=1),
        level_mv=level_mv,
    )
