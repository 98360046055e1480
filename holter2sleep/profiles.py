"""What is known of a public archive: labels, rates, clocks and traps of its files, read from TOML.

A profile is data, one file each in `pipelines/profiles/`; every note in it names its source, and says so when
nobody here has verified it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from holter2sleep.assets import asset
from holter2sleep.choices import filled, read_toml
from holter2sleep.errors import RecipeError, did_you_mean

FOLDER = "pipelines/profiles"


@dataclass(frozen=True)
class Note:
    """Something known about an archive, and from where; `unverified` is general knowledge nobody here has checked."""

    says: str
    source: str
    unverified: bool = False


@dataclass(frozen=True)
class Profile:
    """What files of one archive are like; None or empty is not known."""

    name: str
    title: str
    labels: tuple[str, ...]  # of the ECG, best first
    rates_hz: tuple[float, ...]  # expected; empty: any
    polarity: Literal["upright", "inverted", "either"]  # of the ECG
    note: tuple[Note, ...] = ()
    unit: str | None = None  # in which the archive writes its ECG
    dates_shifted: bool | None = None
    file_pattern: str | None = None  # of the file's stem; groups `subject`, `visit`
    hypnogram_code: str | None = None  # of integer stages, as --hypnogram files of the archive have them
    beats_clock: str | None = None  # trap in the clock of the archive's beat files

    def named(self, stem: str) -> dict[str, str]:
        """Subject and visit by a file's stem; empty when the name is not one of the archive's.

        Examples
        --------
        >>> load_profile("shhs").named("shhs1-200001")
        {'visit': '1', 'subject': '200001'}
        """
        found = re.fullmatch(self.file_pattern, stem) if self.file_pattern else None
        return {key: value for key, value in found.groupdict().items() if value} if found else {}


def profile_names() -> tuple[str, ...]:
    """Names of the shipped profiles."""
    return tuple(sorted(path.stem for path in asset(FOLDER, "shhs.toml").parent.glob("*.toml")))


def load_profile(name: str) -> Profile:
    """A profile by its name, in capitals or not.

    Raises
    ------
    RecipeError
        No such profile (with a suggestion), or a profile file that breaks its schema.

    Examples
    --------
    >>> load_profile("mesa").labels
    ('EKG',)
    """
    known = profile_names()
    wanted = name.strip().casefold()
    if not wanted:
        raise RecipeError(f"--profile {name!r}: names no profile. There is: {', '.join(known)}")
    if wanted not in known:
        advice = did_you_mean(wanted, known, "no such profile.")
        raise RecipeError(f"Profile {name!r}: {advice} There is: {', '.join(known)}")
    return read_profile(asset(FOLDER, f"{wanted}.toml"))


def read_profile(path: Path) -> Profile:
    """A profile from its file, checked key by key.

    Raises
    ------
    RecipeError
        Broken TOML, an unknown or missing key, or a value of the wrong kind.
    """
    where = f"Profile {path.stem!r}"
    profile: Profile = filled(Profile, {"name": path.stem, **read_toml(path, where)}, where)
    _check_pattern(profile.file_pattern, where)
    return profile


def _check_pattern(pattern: str | None, where: str) -> None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise RecipeError(f"{where}: file_pattern is no regular expression ({error})") from None
