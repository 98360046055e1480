"""Everything an audit can find: one table of ids with what each means and what the program does about it.

Ids are public and stay; what was found in a file goes into the text of a `Finding`, never into its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holter2sleep.errors import did_you_mean

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")

TOPICS = (
    "verdict",
    "container",
    "fields",
    "clock",
    "continuity",
    "channels",
    "scale",
    "polarity",
    "signal",
    "beats",
    "annotations",
    "identity",
    "profile",
)


@dataclass(frozen=True)
class Kind:
    """A kind of finding: where it belongs, how much it matters as a rule, what it means, what is done."""

    topic: str
    severity: Severity
    means: str
    does: str


@dataclass(frozen=True)
class Finding:
    """Something found in one file."""

    id: str  # key of KINDS
    severity: Severity
    found: str
    means: str
    does: str

    @property
    def topic(self) -> str:
        """Topic under which it is told."""
        return KINDS[self.id].topic


_TRUST_FILE = "the length of the file is trusted over the header"
_AS_READ = "it is read all the same; --fix writes it by the standard"

KINDS: dict[str, Kind] = {
    # verdict
    "missing_path": Kind("verdict", "error", "there is nothing at this path", "analyze stops with exit code 2"),
    "wrong_use": Kind("verdict", "error", "this path or option cannot be used so", "analyze stops with exit code 2"),
    "unreadable": Kind("verdict", "error", "the file cannot be read as a recording", "analyze stops with exit code 3"),
    "not_enough_signal": Kind(
        "verdict", "error", "less than two minutes of heart beats can be trusted", "analyze stops with exit code 4"
    ),
    "little_signal": Kind(
        "verdict", "warning", "under five minutes can be trusted", "analyze runs; most values will be missing"
    ),
    "check_failed": Kind(
        "verdict", "error", "a check met something it was not made for: a defect of ours", "the other checks went on"
    ),
    "reader_note": Kind("verdict", "info", "the reader had something to say", "as it says"),
    # container
    "header_bytes": Kind(
        "container", "warning", "the header's own size is wrong", "the size is reckoned from the number of signals"
    ),
    "records_announced": Kind("container", "warning", "the header announces another length", _TRUST_FILE),
    "records_unknown": Kind(
        "container", "info", "the recorder never wrote the number of records (-1)", "they are counted in the file"
    ),
    "truncated": Kind("container", "warning", "the file ends early: copying or recording was cut", "the rest is read"),
    "trailing_bytes": Kind("container", "warning", "bytes lie behind the last record", "they are left out"),
    "no_records": Kind("container", "error", "the file holds no data", "analyze stops with exit code 3"),
    "record_size": Kind(
        "container", "info", "data records above 61,440 bytes, the limit of EDF for its readers", "they are read"
    ),
    "strict_reader": Kind(
        "container", "info", "a strict EDF reader (pyedflib) refuses this file", "our reader does not need it to agree"
    ),
    "signal_file_missing": Kind(
        "container", "error", "the header names a file that is not there", "without it there is no waveform to read"
    ),
    "wfdb_size": Kind("container", "warning", "the signal file is longer or shorter than the header says", _TRUST_FILE),
    "wfdb_checksum": Kind(
        "container", "warning", "samples differ from those the header was written for", "they are used as they are"
    ),
    "ishne_crc": Kind(
        "container",
        "warning",
        "the header's checksum is wrong, or was never computed",
        "the header is used all the same",
    ),
    "ishne_count": Kind("container", "warning", "the header announces another number of samples", _TRUST_FILE),
    "ishne_offset": Kind(
        "container", "warning", "the header's block offsets disagree with its lengths", "the lengths are trusted"
    ),
    # fields
    "field_version": Kind("fields", "warning", "the first eight bytes are not those of the standard", _AS_READ),
    "field_not_ascii": Kind(
        "fields", "warning", "the standard allows printable ASCII only", "read as UTF-8, else latin-1"
    ),
    "field_padding": Kind(
        "fields", "warning", "fields must be left-justified and filled with blanks", "blanks and zero bytes are cut off"
    ),
    "field_date": Kind("fields", "warning", "the start date is not dd.mm.yy", "other separators are understood"),
    "field_time": Kind("fields", "warning", "the start time is not hh.mm.ss", "other separators are understood"),
    "field_number": Kind(
        "fields", "warning", "a number is not written as the standard asks", "decimal commas are read as points"
    ),
    "field_n_signals": Kind(
        "fields", "error", "without the number of signals there is no layout", "the file is refused"
    ),
    "field_label": Kind("fields", "warning", "a signal has no label", "it is not taken by name"),
    "field_label_twice": Kind(
        "fields", "warning", "two signals share a label: libraries rename one, or overwrite it", "the first is taken"
    ),
    "field_reserved": Kind("fields", "info", "the reserved field holds text of no standard", "it is passed over"),
    "field_record_duration": Kind(
        "fields", "warning", "the duration of a data record is no number of seconds above 0", "rates come from it"
    ),
    "field_physical_range": Kind(
        "fields", "warning", "physical minimum and maximum are equal or no numbers", "that signal cannot be used"
    ),
    "field_inverted_range": Kind(
        "fields", "info", "physical minimum above maximum is legal and turns the signal over", "the sign is kept"
    ),
    "field_digital_range": Kind(
        "fields", "warning", "the digital range is empty, turned or beyond the sample format", "used where it can be"
    ),
    "field_samples": Kind(
        "fields", "error", "without the samples per record there is no layout", "the file is refused"
    ),
    "field_unit": Kind(
        "fields", "info", "the unit of the ECG is not V, mV, uV or nV", "it is judged by the channel's range"
    ),
    "edfplus_patient": Kind(
        "fields", "warning", "EDF+ asks for code, sex, birth date and name (X if unknown)", "age and sex are unknown"
    ),
    "edfplus_recording": Kind(
        "fields",
        "warning",
        "EDF+ asks for 'Startdate dd-MMM-yyyy code technician equipment'",
        "the header date is used",
    ),
    "edfplus_no_annotations": Kind(
        "fields", "warning", "EDF+ without an annotation signal has no time line", "records are taken as contiguous"
    ),
    "edfplus_annotation_label": Kind(
        "fields", "warning", "strict readers take the annotations of EDF+ for a signal", "they are read all the same"
    ),
    "edfplus_annotation_range": Kind(
        "fields", "info", "the annotation signal's digital range is not the full one", "its texts are read all the same"
    ),
    "wfdb_iso_date": Kind(
        "fields", "warning", "the date is not dd/mm/yyyy: the WFDB library refuses it", "both forms are read"
    ),
    "wfdb_clock": Kind("fields", "warning", "time and date cannot be read", "the start is unknown"),
    "wfdb_no_rate": Kind("fields", "warning", "the header gives no sampling rate", "250 Hz, the default of WFDB"),
    "wfdb_no_length": Kind("fields", "info", "the header gives no length", "it is reckoned from the signal file"),
    "wfdb_no_gain": Kind(
        "fields", "warning", "gain 0 or none: the signal was never calibrated", "200 counts per mV, the default of WFDB"
    ),
    "wfdb_negative_gain": Kind("fields", "info", "a negative gain turns the signal over", "the sign is kept"),
    "ishne_fields": Kind(
        "fields", "warning", "a field of the ISHNE header is out of range", "it is taken as not given"
    ),
    # clock
    "start_unknown": Kind("clock", "warning", "no start time", "clock features are missing; --start gives it"),
    "start_no_date": Kind(
        "clock", "info", "the clock is known, the date is not (or stands for none)", "weekday and season are not used"
    ),
    "start_fraction": Kind("clock", "info", "the start has a fraction of a second", "it is kept"),
    "start_disagrees": Kind(
        "clock", "warning", "the header has two start dates", "the full year of the recording field is taken"
    ),
    "date_shifted": Kind(
        "clock", "info", "a date before 1990 is mostly a shifted one", "weekday and age from dates must not be used"
    ),
    "date_future": Kind(
        "clock", "warning", "a date in the future: a shifted archive, or a wrong clock", "the elapsed time is right"
    ),
    "zone_unknown": Kind("clock", "info", "recordings hold local time without a zone", "local time is kept; see --tz"),
    "dst_night": Kind(
        "clock", "warning", "clocks were changed during this night", "elapsed time is the truth, the clock for show"
    ),
    "clock_drift": Kind(
        "clock", "warning", "time stamps and samples disagree about the length of a second", "the sample clock is used"
    ),
    "duration_mismatch": Kind(
        "clock", "warning", "the duration in the header and that in the file differ", _TRUST_FILE
    ),
    # continuity
    "gaps": Kind(
        "continuity", "warning", "the recording was interrupted", "gaps stay gaps: nothing is joined across them"
    ),
    "overlaps": Kind(
        "continuity", "error", "records overlap or jump back in time", "no order of the samples is right: refused"
    ),
    "gaps_in_continuous": Kind(
        "continuity", "warning", "the header says continuous, the time stamps do not", "the time stamps are trusted"
    ),
    "stamps_missing": Kind(
        "continuity", "warning", "records without a time stamp", "they are taken to follow the record before"
    ),
    # channels
    "channel_taken": Kind("channels", "info", "this is the lead that analyze would use", "choose another by --channel"),
    "channel_several": Kind("channels", "info", "there are other ECG leads", "choose another by --channel"),
    "channel_constant": Kind("channels", "warning", "a channel without variation was not connected", "not used"),
    "channel_none": Kind("channels", "error", "no channel could be taken as ECG", "analyze stops; see --channel"),
    # scale
    "unit_assumed": Kind("scale", "warning", "the unit is blank or unknown", "guessed from the range; see --unit"),
    "scale_suspect": Kind(
        "scale", "warning", "R waves of no heart: the unit is probably wrong", "nothing is rescaled; see --unit"
    ),
    "scale_unusual": Kind("scale", "info", "R waves outside 0.2-5 mV", "nothing is rescaled"),
    "scale_coarse": Kind(
        "scale", "warning", "one count is above 20 uV: small waves are lost", "used as it is; R times are less exact"
    ),
    "scale_steps": Kind(
        "scale", "info", "values move by several counts at a time: less was resolved than a count", "used as it is"
    ),
    "clipped": Kind(
        "scale", "warning", "waves are cut off where they are highest", "beats count; heights and shapes are too small"
    ),
    "saturated": Kind("scale", "warning", "the signal sticks at the end of its range", "those seconds are left out"),
    # polarity
    "inverted": Kind("polarity", "warning", "the lead is upside down", "it is turned upright for the analysis"),
    "polarity_switch": Kind(
        "polarity", "warning", "the lead turns over within the recording", "beat classes around it deserve a look"
    ),
    # signal
    "share_looked_at": Kind(
        "signal", "info", "a long recording: stretches evenly spread over it were looked at", "shares are estimates"
    ),
    "lead_off": Kind(
        "signal",
        "warning",
        "flat stretches, or a little noise without beats: an electrode was off",
        "those seconds are left out",
    ),
    "noise": Kind("signal", "warning", "beats cannot be told from noise for a good part", "that time is left out"),
    "missing_samples": Kind("signal", "warning", "samples are marked as missing", "that time is left out"),
    "mains": Kind("signal", "info", "hum of the mains", "the beat detectors do not mind it"),
    "mains_strong": Kind("signal", "warning", "strong hum of the mains: an electrode sat badly", "used as it is"),
    "baseline_wander": Kind("signal", "info", "the baseline moves more than an R wave is tall", "detectors filter it"),
    "unusable": Kind("signal", "warning", "under half of the recording can be analysed", "the rest is left out"),
    "repeated_blocks": Kind(
        "signal",
        "warning",
        "the same samples twice: a transmitter sent a packet again (found from 0.25 s on within 10 s, from 0.5 s on if "
        "later, from 0.12 s on right behind; blocks that changed places leave breaks at most)",
        "false beats are likely there",
    ),
    "held_samples": Kind(
        "signal",
        "warning",
        "packets were lost and filled with one value (found from 0.1 s on, of those on a quiet baseline only some)",
        "short ones are not left out: look at them",
    ),
    "jumps": Kind(
        "signal",
        "warning",
        "breaks no heart makes: samples left out without a mark, or an electrode that moved; of losses, some tenth to "
        "half are seen (few below 200 Hz, or of under 20 samples), for most joints on a quiet baseline fit together",
        "nothing is removed, and later times may be early by what was lost",
    ),
    # beats
    "rate_odd": Kind("beats", "warning", "no usual heart rate: a wrong sampling rate, or noise", "look at the strips"),
    "detectors_disagree": Kind(
        "beats", "warning", "two detectors find different beats", "such time is left out unless beats look alike"
    ),
    "pacing": Kind(
        "beats", "info", "spikes before the beats: a pacemaker is suspected", "paced beats are not told apart"
    ),
    "beats_only": Kind("beats", "info", "beats without waveform", "what needs a waveform is not applicable"),
    "beats_cleaned": Kind("beats", "warning", "beats are doubled, out of order or before the start", "sorted, cleaned"),
    "beats_unclassified": Kind("beats", "info", "the file tells no class of its beats", "every beat is taken as N"),
    "beats_marked_out": Kind("beats", "info", "the file marks artefacts and noise", "those intervals are left out"),
    "beats_clock": Kind("beats", "warning", "the clock of the beats had to be assumed", "times scale with it"),
    "rr_implausible": Kind("beats", "warning", "many intervals no heart makes", "they enter no variability"),
    # annotations
    "annotations_found": Kind("annotations", "info", "there are annotations", "a hypnogram is used by --hypnogram"),
    "annotations_span": Kind(
        "annotations",
        "warning",
        "annotations and recording do not cover the same time",
        "aligned by time, never stretched",
    ),
    "annotations_broken": Kind(
        "annotations", "info", "a file beside the recording cannot be read", "it is passed over"
    ),
    # identity
    "identity": Kind(
        "identity",
        "warning",
        "header fields hold what may tell who this is",
        "never shown; --fix leaves out names, codes and birth date, --fix --deidentify all free text and the date too",
    ),
    # profile
    "profile_label": Kind("profile", "warning", "the channel is not one of the profile's", "look at the channel table"),
    "profile_rate": Kind("profile", "warning", "the sampling rate is not one of the profile's", "the file is trusted"),
    "profile_unit": Kind("profile", "warning", "the unit is not the profile's", "the file is trusted; see --unit"),
    "profile_polarity": Kind("profile", "info", "the polarity is not the profile's", "as under polarity"),
    "profile_name": Kind(
        "profile", "info", "the file's name is not one of the profile's", "subject and visit are not known from it"
    ),
    "profile_dates": Kind(
        "profile", "info", "dates of this archive were shifted", "weekday and age from dates are wrong"
    ),
    "profile_clock": Kind("profile", "info", "this archive has a trap in the clock of its beats", "as it says"),
}


def finding(name: str, found: str, severity: Severity | None = None) -> Finding:
    """A finding of a known kind; `severity` where it departs from the rule.

    Raises
    ------
    ValueError
        Unknown id.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"unknown finding {name!r}; {did_you_mean(name, KINDS)}")
    return Finding(name, severity or kind.severity, found, kind.means, kind.does)


def worst(findings: tuple[Finding, ...]) -> Severity:
    """The greatest severity among the findings; info when there is none."""
    return max((f.severity for f in findings), key=SEVERITIES.index, default="info")
