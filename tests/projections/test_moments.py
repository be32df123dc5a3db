"""Dates, durations and their ends."""

import calendar
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.moments import duration_s, first_second, last_second, last_second_after, rfc3339_us


def seconds(text: str) -> int:
    return calendar.timegm(datetime.fromisoformat(text).utctimetuple())


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact(moment: datetime) -> None:
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
    assert rfc3339_us(text) == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text", ["2022-02-29T00:00:00Z", "2022-13-01T00:00:00Z", "0000-01-01T00:00:00Z", "2022-04-31"]
)
def test_what_the_calendar_lacks_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        first_second(text)


def test_a_date_is_a_whole_day() -> None:
    assert first_second("2022-06-15") == seconds("2022-06-15T00:00:00Z")
    assert last_second("2022-06-15") == seconds("2022-06-15T23:59:59Z")
    assert first_second("2022-06-15T09:00:00Z") == last_second("2022-06-15T09:00:00Z")


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        # ICO v Clearview: three and six months from the end of the appeal period.
        ("2022-06-15", "P3M", "2022-09-15T23:59:59Z"),
        ("2022-06-15", "P6M", "2022-12-15T23:59:59Z"),
        ("2022-05-18", "P28D", "2022-06-15T23:59:59Z"),
        ("2021-05-07", "P90D", "2021-08-05T23:59:59Z"),
        ("2022-01-31", "P1M", "2022-02-28T23:59:59Z"),
        ("2024-01-31", "P1M", "2024-02-29T23:59:59Z"),
        ("2024-02-29", "P1Y", "2025-02-28T23:59:59Z"),
        ("2022-12-31", "P2M", "2023-02-28T23:59:59Z"),
        # Clipped once, after years and months together; days follow.
        ("2023-01-31", "P1Y1M1D", "2024-03-01T23:59:59Z"),
        ("2022-01-01", "P1W", "2022-01-08T23:59:59Z"),
        ("2022-01-01", "P0D", "2022-01-01T23:59:59Z"),
        ("2022-01-01", "PT12H", "2022-01-02T11:59:59Z"),
        ("2022-01-01T12:00:00Z", "P1MT1H1M1S", "2022-02-01T13:01:01Z"),
        ("2022-01-01T12:00:00Z", "P0D", "2022-01-01T12:00:00Z"),
    ],
)
def test_periods_end(start: str, duration: str, end: str) -> None:
    assert last_second_after(start, duration) == seconds(end)


@pytest.mark.parametrize("duration", ["P9999Y", "P8000Y", "P99999M", "P9999W99999D"])
def test_a_period_ends_within_the_calendar(duration: str) -> None:
    with pytest.raises(ValueError, match="year 9999"):
        last_second_after("9900-01-01", duration)


def test_fixed_lengths() -> None:
    assert duration_s("P1W2DT3H4M5S") == 9 * 86_400 + 3 * 3600 + 4 * 60 + 5
    assert duration_s("P0Y1D") == 86_400
    for duration in ("P1M", "P1Y"):
        with pytest.raises(ValueError, match="length varies"):
            duration_s(duration)


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        # A day that the month reached lacks becomes its last: 28, 29 or 30.
        ("2023-01-29", "P1M", "2023-02-28T23:59:59Z"),
        ("2023-01-28", "P1M", "2023-02-28T23:59:59Z"),
        ("2024-01-30", "P1M", "2024-02-29T23:59:59Z"),
        ("2023-03-31", "P1M", "2023-04-30T23:59:59Z"),
        ("2023-12-31", "P6M", "2024-06-30T23:59:59Z"),
        ("2023-05-31", "P9M", "2024-02-29T23:59:59Z"),
        # It is clipped once, not month by month, and never grows back.
        ("2023-01-31", "P2M", "2023-03-31T23:59:59Z"),
        ("2023-02-28", "P1M", "2023-03-28T23:59:59Z"),
        ("2024-02-29", "P12M", "2025-02-28T23:59:59Z"),
        ("2024-02-29", "P4Y", "2028-02-29T23:59:59Z"),
        # A century is no leap year, a fourth one is.
        ("2096-02-29", "P4Y", "2100-02-28T23:59:59Z"),
        ("1996-02-29", "P4Y", "2000-02-29T23:59:59Z"),
        ("2100-02-28", "P1D", "2100-03-01T23:59:59Z"),
        ("2024-02-28", "P1D", "2024-02-29T23:59:59Z"),
        # Days follow what was clipped; a year of days is not a year.
        ("2023-01-31", "P1M1D", "2023-03-01T23:59:59Z"),
        ("2024-02-29", "P365D", "2025-02-28T23:59:59Z"),
        ("2024-01-01", "P366D", "2025-01-01T23:59:59Z"),
        ("2024-12-31", "P1D", "2025-01-01T23:59:59Z"),
        ("2024-12-31T23:30:00Z", "PT1H", "2025-01-01T00:30:00Z"),
        ("2024-01-31T12:00:00Z", "P1M", "2024-02-29T12:00:00Z"),
        ("2024-02-28T23:59:59Z", "PT1S", "2024-02-29T00:00:00Z"),
        ("9998-12-31", "P1Y", "9999-12-31T23:59:59Z"),
    ],
)
def test_months_end_and_leap_days_come(start: str, duration: str, end: str) -> None:
    assert last_second_after(start, duration) == seconds(end)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2500, 1, 1)), st.integers(0, 600))
def test_a_period_of_months_ends_in_the_month_that_many_later(start: date, months: int) -> None:
    end = datetime.fromtimestamp(last_second_after(start.isoformat(), f"P{months}M"), UTC)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)
