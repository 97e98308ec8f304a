"""From text to value, once per distinct text of a column.

Every function takes the values of a dictionary (a `StringArray` without nulls) and gives back an
array of the same length: cleaned text, days since 1970, minutes, pence, units of 1e-9. Most
dictionaries are read by one Arrow kernel; only where it refuses are the texts read one by one, by
`read_one`, which is what the quick way must agree with. Nothing here raises for bad data: bad
values come back in a mask.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tariff.extract.fields import ARROW_TYPE, FieldType

TEXT_TYPES: frozenset[FieldType] = frozenset({"identifier", "code", "clinical", "text", "month"})
DEFAULT_BLANKS: frozenset[str] = frozenset({"NULL"})  # what SQL exports write for nothing

EXPECTED: dict[FieldType, str] = {
    "integer": "not a whole number",
    "date": "not a date",
    "time": "not a time",
    "month": "not a month (YYYY-MM)",
    "money": "not an amount of money",
    "factor": "not a factor above 0 and below 9 with at most nine decimals",
}

Mask = npt.NDArray[np.bool_]

_PLACES: dict[FieldType, int] = {"money": 2, "factor": 9}
_LARGEST = 10**18  # no amount has more digits than this, in its own unit
FACTOR_LIMIT = 9 * 10**9  # factors lie between 0 and this, in units of 1e-9
FLOAT_DIGITS = 15  # a text of so many digits is a float written out, which may be rounded
_EPOCH = date(1970, 1, 1).toordinal()
_INTEGER = re.compile(r"([+-]?[0-9]{1,40})(?:\.0*)?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_MIDNIGHT = re.compile(r"[ T]00:00(?::00(?:\.0+)?)?Z?")
_MONTH = re.compile(r"([0-9]{4})-?(0[1-9]|1[0-2])")
_TOKEN = re.compile(r"YYYY|YY|MMM|MM|DD|HH|SS")
_TOKENS = {"YYYY": "%Y", "YY": "%y", "MMM": "%b", "MM": "%m", "DD": "%d", "HH": "%H", "SS": "%S"}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cells of a file are written. Formats are those of a layout: `DD/MM/YYYY`, `HHMM`."""

    date_formats: tuple[str, ...] = ("YYYY-MM-DD",)
    time_formats: tuple[str, ...] = ("HH:MM", "HH:MM:SS")
    blanks: frozenset[str] = DEFAULT_BLANKS
    pence: bool = False  # money is in pence, not pounds


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is done to the cells of one column before they are read."""

    strip: str = ""  # characters to delete
    values: dict[str, str] = field(default_factory=dict)  # texts that stand for others
    lower: bool = False  # codes become lower instead of upper case

    def __bool__(self) -> bool:
        return bool(self.strip or self.values)


@cache
def strptime_format(form: str) -> str:
    """A layout's format as one of `strptime`: minutes are the MM after an HH."""
    seen: list[str] = []

    def translate(match: re.Match[str]) -> str:
        seen.append(match[0])
        return "%M" if match[0] == "MM" and "HH" in seen[:-1] else _TOKENS[match[0]]

    return _TOKEN.sub(translate, form.replace("%", "%%"))


# ---------------------------------------------------------------- one by one


def read_one(text: str, kind: FieldType, reading: Reading) -> int | None:
    """The value of one trimmed text that is not blank; ValueError when it cannot be read."""
    if kind == "integer":
        match = _INTEGER.fullmatch(text)
        value = int(match[1]) if match else _LARGEST
        if not -(2**31) <= value < 2**31:
            raise ValueError
        return value
    if kind == "date":
        return _date(text, reading.date_formats)
    if kind == "time":
        return _time(text, reading.time_formats)
    if kind == "money":
        return _scaled(_plain_amount(text), 0 if reading.pence else _PLACES[kind])
    return _factor(text)


@lru_cache(1 << 14)
def _date(text: str, formats: tuple[str, ...]) -> int:
    short = _MIDNIGHT.sub("", text) if len(text) > 10 else text
    for form in formats:
        for candidate in {short, text}:
            try:
                moment = datetime.strptime(candidate, strptime_format(form))
            except ValueError:
                continue
            return moment.toordinal() - _EPOCH
    raise ValueError


def _time(text: str, formats: tuple[str, ...]) -> int:
    for form in formats:
        try:
            moment = datetime.strptime(text, strptime_format(form))
        except ValueError:
            continue
        return moment.hour * 60 + moment.minute
    raise ValueError


def _plain_amount(text: str) -> str:
    """An amount without currency sign, thousands commas and accountants' ways to say minus."""
    sign = ""
    if text.startswith("(") and text.endswith(")"):
        sign, text = "-", text[1:-1]
    elif text.endswith("-"):
        sign, text = "-", text[:-1]
    if sign and text[:1] in {"+", "-"}:
        raise ValueError
    text = text.replace("£", "", 1).replace(" ", "")
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    return sign + text


def _scaled(text: str, places: int) -> int:
    if not _DECIMAL.fullmatch(text):
        raise ValueError
    try:
        scaled = int(Decimal(text).scaleb(places).to_integral_value(ROUND_HALF_UP))
    except InvalidOperation:
        raise ValueError from None
    if abs(scaled) >= _LARGEST:
        raise ValueError
    return scaled


def _factor(text: str) -> int:
    scaled = _scaled(text, _PLACES["factor"])
    exact = Decimal(text)
    if not 0 < scaled < FACTOR_LIMIT:
        raise ValueError
    rounded = exact != Decimal(scaled).scaleb(-_PLACES["factor"])
    if rounded and len(exact.as_tuple().digits) < FLOAT_DIGITS:
        raise ValueError
    return scaled


def looks_like_money(text: str) -> bool:
    """Whether a text that is no factor is an amount: 530.12, £1.20, -40."""
    try:
        pence = read_one(text.strip(), "money", Reading())
    except ValueError:
        return False
    return pence is not None and (pence < 0 or pence >= 900 or "£" in text)


# ---------------------------------------------------------------- a dictionary at once


def raw_bytes(values: pa.StringArray) -> bytes:
    """The characters of all values, one after another."""
    if len(values) == 0:
        return b""
    _, offsets, data = values.buffers()
    if data is None:
        return b""
    bounds = np.frombuffer(offsets, np.int32, len(values) + 1, 4 * values.offset)
    return bytes(memoryview(data)[int(bounds[0]) : int(bounds[-1])])


def has_empty(values: pa.StringArray) -> bool:
    """Whether any value is the empty text (nulls count)."""
    if len(values) == 0:
        return False
    bounds = np.frombuffer(values.buffers()[1], np.int32, len(values) + 1, 4 * values.offset)
    return bool((bounds[1:] == bounds[:-1]).any())


def _may_have_space(data: bytes) -> bool:
    """Whether there is white space in some characters (always where they are not ASCII)."""
    return not data.isascii() or len(data.split()) > 1 or len(data.strip()) != len(data)


def _needs_cleaning(
    values: pa.StringArray, kind: FieldType, cleaning: Cleaning, blanks: frozenset[str]
) -> bool:
    if cleaning or kind == "month" or values.null_count or has_empty(values):
        return True
    data = raw_bytes(values)
    if not data:
        return False
    if kind == "clinical":
        if not data.isalnum() or data != data.upper():
            return True
    elif _may_have_space(data) or (
        kind == "code" and data != (data.lower() if cleaning.lower else data.upper())
    ):
        return True
    return any(blank.encode() in data for blank in blanks)


def clean_texts(
    values: pa.StringArray, kind: FieldType, cleaning: Cleaning, blanks: frozenset[str]
) -> pa.StringArray:
    """The values trimmed, blanks as null; codes in one case, clinical ones without dots, spaces."""
    if cleaning.strip:
        table = str.maketrans("", "", cleaning.strip)
        values = pa.array(
            [None if text is None else text.translate(table) for text in values.to_pylist()],
            pa.string(),
        )
    values = pc.utf8_trim_whitespace(values)
    if cleaning.values:
        values = pa.array(
            [cleaning.values.get(text, text) for text in values.to_pylist()], pa.string()
        )
    blank = pc.is_in(values, value_set=pa.array(["", *sorted(blanks)], pa.string()))
    if kind == "clinical":
        values = pc.utf8_upper(pc.replace_substring(values, ".", ""))
        if _may_have_space(raw_bytes(values)):
            values = pc.replace_substring_regex(values, r"\s", "")
        blank = pc.or_kleene(blank, pc.equal(values, ""))
    elif kind == "code":
        values = pc.utf8_lower(values) if cleaning.lower else pc.utf8_upper(values)
    return pc.if_else(blank, pa.scalar(None, pa.string()), values)


def text_values(
    values: pa.StringArray, kind: FieldType, cleaning: Cleaning, blanks: frozenset[str]
) -> tuple[pa.StringArray, pa.Int32Array | None, Mask | None]:
    """The cleaned dictionary, where each old value stands in it (None: where it stood), the bad.

    Two spellings of one code share one place; a blank has none (null).
    """
    if not _needs_cleaning(values, kind, cleaning, blanks):
        return values, None, None
    cleaned = clean_texts(values, kind, cleaning, blanks)
    bad: Mask | None = None
    if kind == "month":
        months = [None if text is None else _month(text) for text in cleaned.to_pylist()]
        bad = np.array([month == "" for month in months], np.bool_)
        cleaned = pa.array([month or None for month in months], pa.string())
    if cleaned.equals(values):
        return values, None, None
    encoded = cleaned.dictionary_encode()
    return encoded.dictionary, encoded.indices, bad if bad is not None and bad.any() else None


def _month(text: str) -> str:
    match = _MONTH.fullmatch(text)
    return f"{match[1]}-{match[2]}" if match else ""


def typed_values(
    values: pa.StringArray, kind: FieldType, cleaning: Cleaning, reading: Reading
) -> tuple[pa.Array, Mask | None]:
    """Numbers, dates, times and amounts in the type of the field; null where blank or bad."""
    target = ARROW_TYPE[kind]
    if not cleaning and not values.null_count:
        quick = _quick(values, kind, reading)
        if quick is not None:
            return quick, None
    cleaned = clean_texts(values, "text", cleaning, reading.blanks)
    if cleaned.null_count:
        present = cleaned.drop_null()
        if len(present) == 0:
            return pa.nulls(len(values), target), None
    read: list[int | None] = []
    bad = np.zeros(len(values), np.bool_)
    for index, text in enumerate(cleaned.to_pylist()):
        value = None
        if text is not None:
            try:
                value = read_one(text, kind, reading)
            except ValueError:
                bad[index] = True
        read.append(value)
    days = kind == "date"
    result = pa.array(read, pa.int32()).cast(target) if days else pa.array(read, target)
    return result, bad if bad.any() else None


def _quick(values: pa.StringArray, kind: FieldType, reading: Reading) -> pa.Array | None:
    """All values by one kernel, or None where it refuses any of them."""
    way = _QUICK.get(kind)
    if way is None:
        return None
    readable = readable_blanks(kind, reading)
    if readable and pc.any(pc.is_in(values, value_set=pa.array(readable, pa.string()))).as_py():
        return None
    try:
        return way(values, reading)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


@cache
def readable_blanks(kind: FieldType, reading: Reading) -> tuple[str, ...]:
    """The blanks of a file that would otherwise be read as a value: 99, 1801-01-01."""
    found = []
    for blank in sorted(reading.blanks):
        try:
            read_one(blank, kind, reading)
        except ValueError:
            continue
        found.append(blank)
    return tuple(found)


def _quick_integer(values: pa.StringArray, reading: Reading) -> pa.Array | None:
    data = raw_bytes(values)
    if b"x" in data or b"X" in data:  # Arrow would read 0x1F
        return None
    return pc.cast(values, pa.int32())


def _quick_date(values: pa.StringArray, reading: Reading) -> pa.Array | None:
    if reading.date_formats[0] != "YYYY-MM-DD":
        return None
    return pc.cast(values, pa.date32())


def _quick_scaled(values: pa.StringArray, places: int) -> pa.Array:
    try:
        exact = pc.cast(values, pa.decimal128(18, places))
    except pa.ArrowInvalid:
        fine = pc.cast(values, pa.decimal128(38, 18))
        rounded = pc.round(fine, ndigits=places, round_mode="half_towards_infinity")
        exact = pc.cast(rounded, pa.decimal128(18, places))
    return unscaled(exact)


def _quick_money(values: pa.StringArray, reading: Reading) -> pa.Array:
    return _quick_scaled(values, 0 if reading.pence else _PLACES["money"])


def _quick_factor(values: pa.StringArray, reading: Reading) -> pa.Array | None:
    exact = unscaled(pc.cast(values, pa.decimal128(18, _PLACES["factor"])))
    bounds = pc.min_max(exact).as_py()
    if bounds["min"] is None or (bounds["min"] > 0 and bounds["max"] < FACTOR_LIMIT):
        return exact
    return None


_QUICK: dict[FieldType, Callable[[pa.StringArray, Reading], pa.Array | None]] = {
    "integer": _quick_integer,
    "date": _quick_date,
    "money": _quick_money,
    "factor": _quick_factor,
}


def unscaled(values: pa.Decimal128Array) -> pa.Int64Array:
    """The integers behind decimals of at most 18 digits: 12.34 gives 1234."""
    words = np.frombuffer(values.buffers()[1], "<i8", 2 * len(values), 16 * values.offset)
    mask = None
    if values.null_count:
        mask = np.asarray(values.is_null())
    return pa.array(np.ascontiguousarray(words[::2]), pa.int64(), mask=mask)
