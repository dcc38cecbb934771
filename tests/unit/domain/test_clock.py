"""Times in the ledger: texts that sort like the times."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.clock import SystemClock, from_text, to_text

# From the year 1: a provider written in Go sends it for a missing time.
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, moments)
def test_texts_sort_in_the_order_of_their_times(one: datetime, other: datetime) -> None:
    assert (to_text(one) < to_text(other), to_text(one) == to_text(other)) == (one < other, one == other)


@given(moments)
def test_every_text_has_the_same_width_and_parses_to_the_same_time(moment: datetime) -> None:
    assert (len(to_text(moment)), from_text(to_text(moment))) == (len("2026-03-01T09:00:00.000000Z"), moment)


def test_a_time_in_another_zone_is_written_in_utc() -> None:
    assert to_text(datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=9)))) == "2026-03-01T03:00:00.000000Z"


@pytest.mark.parametrize("text", ["", "2026-03-01", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00.000000+00:00", "now"])
def test_a_text_in_another_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid isoformat|is not a time such as"):
        from_text(text)


def test_the_system_clock_returns_ascending_times_in_utc() -> None:
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert first.utcoffset() == timedelta(0)
    assert second >= first
