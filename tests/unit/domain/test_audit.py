"""The audit chain: every changed, dropped, inserted or moved entry is detected."""

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.audit import GENESIS, AuditEntry, AuditEvent, append, breaks, network_of, removed
from countersign.domain.clock import to_text
from countersign.domain.copies import COPY_DELAY, Copy, awaits_copy, differences
from countersign.testing.builders import NOW, is_unbroken

OTHER_VALUES: dict[str, Any] = {
    "task_id": "other.approval",
    "seq": 99,
    "at": "2026-03-01T09:00:00.000001Z",
    "event": AuditEvent("voted", "mallory@example.com"),
    "shown": "f" * 64,
    "previous": "f" * 64,
    "policy": "another",
    "ttl": 1,
}
EXPIRED = int(NOW.timestamp())
OTHER_EVENTS: dict[str, Any] = {
    "event": "refused",
    "actor": "mallory@example.com",
    "identified_by": "iam",
    "source": "198.51.100.0/24",
    "data": {"decision": "reject"},
}


def chain_of(length: int, ttl: int = 0) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    head = GENESIS
    for number in range(length):
        event = AuditEvent("voted", "maria@example.com", "review link", "203.0.113.0/24", {"decision": f"{number}"})
        at = NOW + timedelta(seconds=number)
        entries.append(append("r.approval", number, head, "5" * 64, event, at, ttl=ttl))
        head = entries[-1].hash
    return entries


def is_the_chain(entries: list[AuditEntry], original: list[AuditEntry]) -> bool:
    """Verify the chain with the library and with an independent check. Forged entries have valid hashes."""
    head, length = original[-1].hash, len(original)
    unbroken = not list(breaks(entries, [entry.hash for entry in entries], length, head))
    assert unbroken == is_unbroken(entries, head, length)
    return unbroken


def test_a_chain_starts_from_the_genesis_and_counts_from_one() -> None:
    first, second, *_ = chain_of(3)
    assert (first.seq, first.previous, second.seq, second.previous) == (1, "0" * 64, 2, first.hash)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(AuditEntry)])
def test_a_changed_entry_breaks_the_chain(field: str, place: int) -> None:
    chain = chain_of(4)
    forged = list(chain)
    forged[place] = dataclasses.replace(chain[place], **{field: OTHER_VALUES[field]})
    assert forged[place].hash != chain[place].hash
    assert not is_the_chain(forged, chain)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(AuditEvent)])
def test_a_changed_event_breaks_the_chain(field: str, place: int) -> None:
    chain = chain_of(4)
    forged = list(chain)
    event = dataclasses.replace(chain[place].event, **{field: OTHER_EVENTS[field]})
    forged[place] = dataclasses.replace(chain[place], event=event)
    assert not is_the_chain(forged, chain)


@given(st.integers(1, 12).flatmap(lambda length: st.tuples(st.just(length), st.integers(0, length - 1))))
def test_a_dropped_entry_breaks_the_chain(case: tuple[int, int]) -> None:
    length, place = case
    chain = chain_of(length)
    assert not is_the_chain(chain[:place] + chain[place + 1 :], chain)


@given(st.permutations(range(5)))
def test_entries_in_another_order_break_the_chain(order: list[int]) -> None:
    chain = chain_of(5)
    assert is_the_chain([chain[place] for place in order], chain) == (order == sorted(order))


@given(st.integers(0, 5))
def test_an_inserted_entry_breaks_the_chain(place: int) -> None:
    chain = chain_of(5)
    head = chain[place - 1].hash if place else GENESIS
    forged = append("r.approval", place, head, "5" * 64, AuditEvent("voted", "mallory@example.com"), NOW)
    assert not is_the_chain([*chain[:place], forged, *chain[place:]], chain)


def test_every_break_of_a_chain_has_a_message() -> None:
    chain = chain_of(3)
    hashes = [entry.hash for entry in chain]
    assert list(breaks(chain, hashes, 3, hashes[-1])) == []
    assert list(breaks([chain[0], chain[2]], [hashes[0], hashes[2]], 3, hashes[-1])) == [
        "entry 2 is missing, entry 3 follows",
        "entry 3 does not follow from the one before",
    ]
    assert list(breaks(chain[:2], hashes[:2], 3, hashes[-1])) == [
        "the task counts 3 entries, the chain ends with entry 2"
    ]
    assert list(breaks(chain, hashes, 3, "f" * 64)) == ["the last entry is not the one that the task names"]
    assert list(breaks([], [], 0, GENESIS)) == []
    changed = [chain[0], dataclasses.replace(chain[1], at="2026-03-01T09:00:00.000000Z"), chain[2]]
    assert list(breaks(changed, hashes, 3, hashes[-1])) == [
        "entry 2 was changed",
        "entry 3 does not follow from the one before",
    ]


@given(st.integers(1, 6).flatmap(lambda length: st.tuples(st.just(length), st.sets(st.integers(0, length - 1)))))
def test_an_expired_chain_may_lack_any_entries_and_names_them(case: tuple[int, set[int]]) -> None:
    length, gone = case
    chain = chain_of(length, EXPIRED)
    left = [entry for place, entry in enumerate(chain) if place not in gone]
    assert list(breaks(left, [entry.hash for entry in left], length, chain[-1].hash, expired=True)) == []
    told = removed(left, length, EXPIRED)
    what, _, names = told.removesuffix("; kept until 2026-03-01T09:00:00.000000Z").partition(": ")
    assert what == ("" if not gone else "expired head" if gone == set(range(len(gone))) else "expired entries")
    ranges = [[int(end) for end in each.split(" to ")] for each in names.split(", ") if each]
    assert [seq - 1 for ends in ranges for seq in range(ends[0], ends[-1] + 1)] == sorted(gone)


def test_an_entry_that_is_left_of_an_expired_chain_cannot_be_changed() -> None:
    chain = chain_of(4, EXPIRED)
    hashes = [entry.hash for entry in chain]
    forged = [dataclasses.replace(chain[1], at="2026-03-01T09:00:00.000000Z"), *chain[2:]]
    problems = ["entry 2 was changed", "entry 3 does not follow from the one before"]
    assert list(breaks(forged, hashes[1:], 4, hashes[-1], expired=True)) == problems
    longer = list(breaks(chain[1:], hashes[1:], 3, hashes[2], expired=True))
    assert longer == ["the task counts 3 entries, the chain ends with entry 4"]


def test_every_kind_of_difference_from_the_copy_has_a_message() -> None:
    entries = {"0000000001": b"1", "0000000002": b"forged", "0000000010": b"10", "0000000011": b"11"}
    copies = {
        "0000000001": Copy(b"1", rewritten=True),
        "0000000002": Copy(b"2"),
        "0000000003": Copy(b"3"),
        "0000000010": Copy(b"10"),
    }
    assert list(differences(entries, copies, NOW)) == [
        "the copy of entry 1 was written over or deleted; its first version counts",
        "entry 2 is not what was copied when it was written",
        "entry 3 is in the copy, and missing in the ledger",
        "entry 11 is missing in the copy",
    ]


@pytest.mark.parametrize(("ttl", "missing"), [(EXPIRED, False), (EXPIRED + 1, True), (0, True)])
def test_the_ledger_may_lack_an_entry_whose_copy_says_that_it_has_expired(ttl: int, missing: bool) -> None:
    (entry,) = chain_of(1, ttl)
    assert bool(list(differences({}, {"0000000001": Copy(json.dumps(entry.to_document()).encode())}, NOW))) is missing


@pytest.mark.parametrize(
    ("age", "waits"),
    [
        (timedelta(0), True),
        (COPY_DELAY - timedelta(seconds=1), True),
        (COPY_DELAY, False),
        (timedelta(days=400), False),
        (timedelta(seconds=-5), True),
        (-COPY_DELAY, False),
    ],
)
def test_only_a_recent_entry_may_lack_its_copy_and_no_entry_from_the_future(age: timedelta, waits: bool) -> None:
    assert awaits_copy(to_text(NOW - age), NOW, NOW) is waits


def test_an_entry_that_was_written_while_the_copies_were_read_may_lack_its_copy() -> None:
    long_ago = NOW - timedelta(hours=1)
    assert awaits_copy(to_text(long_ago), long_ago, NOW)
    assert not awaits_copy(to_text(long_ago - COPY_DELAY), long_ago, NOW)


@pytest.mark.parametrize("at", ["", "yesterday", "2026"])
def test_an_entry_without_a_valid_time_does_not_wait_for_a_copy(at: str) -> None:
    assert not awaits_copy(at, NOW, NOW)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("203.0.113.9", "203.0.113.0/24"),
        ("0.0.0.0", "0.0.0.0/24"),  # noqa: S104  an address to shorten, not one to listen on
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::1", "::/48"),
        ("2001:DB8::1", "2001:db8::/48"),
        ("", ""),
        ("unknown", ""),
        ("203.0.113.9, 198.51.100.7", ""),
        ("203.0.113.256", ""),
        ("203.0.113.9/24", ""),
        ("203.0.113.9:443", ""),
        (" 203.0.113.9", ""),
        ("2001:db8::g", ""),
    ],
)
def test_a_source_address_is_stored_as_its_network_and_an_invalid_one_is_dropped(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.text() | st.ip_addresses().map(str))
def test_any_text_is_accepted_as_a_source_address(address: str) -> None:
    assert network_of(address) == "" or "/" in network_of(address)
