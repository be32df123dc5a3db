"""Points in time and durations, as events and orders write them.

An event's times are exact. An order's may be dates, as in a notice: a date begins with its first second and,
as a deadline, ends with its last, both in UTC.
"""

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
SECOND_US: Final = 1_000_000
DAY_S: Final = 86_400
DAY_US: Final = DAY_S * SECOND_US
_DATE_LENGTH: Final = len("2022-06-15")
_PARTS: Final = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII
)


def rfc3339_us(text: str) -> int:
    """Unix microseconds of an RFC 3339 time in UTC. ValueError when the calendar has no such time."""
    return (datetime.fromisoformat(text) - EPOCH) // _MICROSECOND


def first_second(moment: str) -> int:
    """Unix seconds at which a date begins; of a time, that time."""
    text = f"{moment}T00:00:00Z" if len(moment) == _DATE_LENGTH else moment
    return rfc3339_us(text) // 1_000_000


def last_second(moment: str) -> int:
    """Unix seconds of the last second that still belongs to a date; of a time, that time."""
    return first_second(moment) + (DAY_S - 1 if len(moment) == _DATE_LENGTH else 0)


def nth_after(start_s: int, duration: str, times: int) -> int:
    """Unix seconds that lie so many durations after a moment.

    Counted from the start each time, so that a month's end, once clipped, comes back: from 31 January and P1M
    the second is 31 March.
    """
    years, months, weeks, days, hours, minutes, seconds = (part * times for part in _parts(duration))
    start = (EPOCH + timedelta(seconds=start_s)).isoformat()
    whole = f"P{years}Y{months}M{weeks}W{days}DT{hours}H{minutes}M{seconds}S"
    return last_second_after(start, whole)


def last_second_after(moment: str, duration: str) -> int:
    """Unix seconds at which a period that runs from `moment` ends.

    Years and months move along the calendar and clip to the month's end (31 January and P1M: 28 February);
    weeks, days and clock parts follow. From a date, the period ends with the last second of the day reached,
    plus the clock parts. ValueError when it ends after the year 9999.
    """
    years, months, weeks, days, hours, minutes, seconds = _parts(duration)
    start = date.fromisoformat(moment[:_DATE_LENGTH])
    month_index = start.year * 12 + start.month - 1 + years * 12 + months
    year, month = divmod(month_index, 12)
    try:
        day = min(start.day, calendar.monthrange(year, month + 1)[1])
        reached = date(year, month + 1, day) + timedelta(weeks=weeks, days=days)
    except (OverflowError, ValueError):
        raise ValueError("ends after the year 9999") from None
    clock_s = hours * 3600 + minutes * 60 + seconds
    return last_second(reached.isoformat() + moment[_DATE_LENGTH:]) + clock_s


def duration_s(duration: str) -> int:
    """Seconds of a duration of fixed length. ValueError when it has years or months."""
    years, months, weeks, days, hours, minutes, seconds = _parts(duration)
    if years or months:
        raise ValueError("has years or months, whose length varies: give weeks, days or hours")
    return (weeks * 7 + days) * DAY_S + hours * 3600 + minutes * 60 + seconds


def _parts(duration: str) -> list[int]:
    match = _PARTS.fullmatch(duration)
    assert match is not None, "the vocabulary's pattern admitted it"
    return [int(part or 0) for part in match.groups()]
