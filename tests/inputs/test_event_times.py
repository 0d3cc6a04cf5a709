"""Event times as manifests, logs and mail write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.errors import InputError
from beam_audio.inputs.event_times import event_time_of

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-05T09:00:00Z",
        "2026-01-05t09:00:00z",
        " 2026-01-05 09:00 ",
        "2026-01-05 09:00:00 UTC",
        "2026-01-05 10:00:00 +01:00",
        "2026-01-05 10:00:00 +0100",
        "20260105T090000Z",
        "20260105090000",
        "202601050900",
        "Mon, 05 Jan 2026 09:00:00 GMT",
        "5 Jan 2026 10:00:00 +0100",
        "Mon Jan  5 09:00:00 2026",
        1767603600,
        1767603600.0,
        "1767603600",
        1767603600_000,
        "1767603600000",
        1767603600_000_000,
        1767603600_000_000_000,
    ],
)
def test_usual_spellings_are_one_time(value: object) -> None:
    assert event_time_of(value) == NINE


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-05T24:00:00Z", datetime(2026, 1, 6, tzinfo=UTC)),
        ("20260105T240000Z", datetime(2026, 1, 6, tzinfo=UTC)),
        ("2026-01-05 24:00", datetime(2026, 1, 6, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60.5Z", datetime(2017, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("20260105", datetime(2026, 1, 5, tzinfo=UTC)),
        (20260105, datetime(2026, 1, 5, tzinfo=UTC)),
        ("2026-01-05", datetime(2026, 1, 5, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-5, datetime(1969, 12, 31, 23, 59, 55, tzinfo=UTC)),
        ("", None),
        ("  ", None),
        (None, None),
    ],
)
def test_times_at_the_edge_and_missing_ones(value: object, expected: datetime | None) -> None:
    assert event_time_of(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "24:00:00",
        "2026",
        "2026-01-05 25:00",
        "5 Jan 2026 09:00:00 CET",
        "0001-01-01T00:00:00+05:00",
        "9" * 5000,
        1e30,
        10**400,
        float("nan"),
        float("inf"),
        True,
        {},
        [2026],
    ],
)
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="event_time"):
        event_time_of(value)


@given(st.text(max_size=40) | st.integers() | st.floats() | st.from_regex(r"[\d:T .+-]{1,30}"))
def test_any_value_is_a_time_in_utc_or_an_input_error(value: object) -> None:
    try:
        found = event_time_of(value)
    except InputError:
        return
    assert found is None or found.tzinfo == UTC
