"""Sleep stages in two, three, four and five classes: what a scheme can say, as numbers.

Two classes are wake and sleep, three W, NREM, R, four W, light, N3, R, five W, N1, N2, N3, R.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holter2sleep.night import MERGED, SCHEMES, UNSCORED, Float, Text

Codes = NDArray[np.int64]  # (n_epochs,), column of CLASSES[n_classes], or UNKNOWN

SLEEP = "sleep"
UNKNOWN = -1
_SCHEME_OF = {3: "CARDIO3", 4: "CARDIO4", 5: "AASM5"}
CLASSES = {2: ("W", SLEEP), **{n: SCHEMES[scheme] for n, scheme in _SCHEME_OF.items()}}


def in_classes(letter: str, n_classes: int) -> str:
    """What a stage is called in so many classes; a letter that belongs to none stays itself."""
    if n_classes == 2:
        return letter if letter in ("W", UNSCORED) else SLEEP
    return MERGED[_SCHEME_OF[n_classes]].get(letter, letter)


def merge_stages(stage: Text, n_classes: int) -> Text:
    """Stage letters in a number of classes; what is no stage becomes `U`.

    Raises
    ------
    ValueError
        A letter is coarser than the classes, such as `NREM` for five.
    """
    letters, index = np.unique(stage, return_inverse=True)
    merged = [in_classes(str(letter), n_classes) for letter in letters]
    too_coarse = set(merged) & {"L", "NREM"} - set(CLASSES[n_classes])
    if too_coarse:
        raise ValueError(f"stages {sorted(too_coarse)} cannot be told apart into {n_classes} classes")
    known = [letter if letter in CLASSES[n_classes] else UNSCORED for letter in merged]
    return np.array(known, "<U5")[index]


def codes(stage: Text, n_classes: int) -> Codes:
    """Column of the class of each epoch, UNKNOWN where it has none. array (n_epochs,).

    Examples
    --------
    >>> codes(np.array(["W", "N1", "N3", "U", "R"]), 3).tolist()
    [0, 1, 1, -1, 2]
    """
    merged, names = merge_stages(stage, n_classes), np.array(CLASSES[n_classes])
    match = merged[:, None] == names
    return np.where(match.any(axis=1), match.argmax(axis=1), UNKNOWN)


def code_of(letter: str, n_classes: int) -> int:
    """Column of a stage's class; UNKNOWN for a stage that is coarser than the classes, or none.

    Examples
    --------
    >>> code_of("L", 3), code_of("L", 5)
    (1, -1)
    """
    name = in_classes(letter, n_classes)
    return CLASSES[n_classes].index(name) if name in CLASSES[n_classes] else UNKNOWN


def merge_of(fine: tuple[str, ...], n_classes: int) -> tuple[int, ...]:
    """Column, among so many classes, of each of the finer classes.

    Examples
    --------
    >>> merge_of(("W", "N1", "N2", "N3", "R"), 4)
    (0, 1, 1, 2, 3)
    """
    return tuple(CLASSES[n_classes].index(in_classes(letter, n_classes)) for letter in fine)


def merged(chance: Float, n_classes: int) -> Float:
    """Chances of coarser classes: sums. array (n_epochs, n_classes) from (n_epochs, as many or more)."""
    return chance @ np.eye(n_classes)[list(merge_of(CLASSES[chance.shape[1]], n_classes))]


def common_classes(*schemes: str) -> int:
    """The largest number of classes that all the schemes can say."""
    return min(len(SCHEMES[scheme]) for scheme in schemes)
