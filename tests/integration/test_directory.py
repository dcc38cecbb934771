"""The directory on DynamoDB: aliases, absences, names and unreadable items."""

from datetime import timedelta
from typing import Any

import pytest

from countersign.adapters.attributes import to_item
from countersign.adapters.directory import DynamoDirectory
from countersign.adapters.dynamodb import Table
from countersign.composition import Ports
from countersign.domain.errors import LedgerUnavailableError
from countersign.domain.people import Absence, Entry
from countersign.functions.clients import client
from countersign.testing.builders import APPROVER, NOW, OTHER_APPROVER, REQUESTER
from tests.integration.conftest import DIRECTORY_TABLE, Answer, Kit, answering

ALIAS = "m.lopez@example.com"
AWAY = Absence(NOW, NOW + timedelta(days=7), OTHER_APPROVER)


def put(**item: Any) -> None:
    client("dynamodb").put_item(TableName=DIRECTORY_TABLE, Item=to_item(item))


def entry(kit: Kit, address: str) -> Entry:
    return kit.directory.entries([address])[address]


def test_an_unlisted_address_is_a_person_who_is_not_away(kit: Kit) -> None:
    assert kit.directory.entries([APPROVER, REQUESTER]) == {APPROVER: Entry(APPROVER), REQUESTER: Entry(REQUESTER)}
    assert kit.directory.entries([]) == {}
    assert kit.directory.entries([""]) == {"": Entry("")}, "a request may have no requester"


def test_an_alias_is_its_owner_and_has_the_owners_absences(kit: Kit) -> None:
    kit.directory.set_alias(f" {ALIAS.upper()}", APPROVER.upper())
    kit.directory.set_absence(APPROVER, AWAY)
    assert (entry(kit, ALIAS), entry(kit, APPROVER)) == (Entry(APPROVER, (AWAY,)), Entry(APPROVER, (AWAY,)))


def test_an_alias_of_an_alias_leads_to_the_owner_and_their_absence(kit: Kit) -> None:
    kit.directory.set_alias("ml@example.com", ALIAS)
    kit.directory.set_alias(ALIAS, APPROVER)
    kit.directory.set_absence(APPROVER, AWAY)
    assert set(kit.directory.entries(["ml@example.com", ALIAS]).values()) == {Entry(APPROVER, (AWAY,))}


def test_circular_aliases_are_one_person(kit: Kit) -> None:
    kit.directory.set_alias(ALIAS, APPROVER)
    kit.directory.set_alias(APPROVER, ALIAS)
    kit.directory.set_alias("ml@example.com", APPROVER)
    assert len({each.person for each in kit.directory.entries([ALIAS, APPROVER, "ml@example.com"]).values()}) == 1


def test_a_tagged_address_is_the_address_without_the_tag(kit: Kit) -> None:
    kit.directory.set_alias(ALIAS, "maria+office@example.com")
    kit.directory.set_absence(APPROVER, AWAY)
    assert set(kit.directory.entries(["maria+shop@example.com", ALIAS]).values()) == {Entry(APPROVER, (AWAY,))}


def test_with_separate_tags_a_tagged_address_is_another_person(kit: Kit) -> None:
    directory = Ports({"DIRECTORY_TABLE": DIRECTORY_TABLE, "DIRECTORY_TAGS": "separate"}).directory
    assert isinstance(directory, DynamoDirectory)
    tagged = "maria+shop@example.com"
    assert directory.entries([tagged])[tagged] == Entry(tagged)
    directory.set_alias(tagged, APPROVER)
    assert directory.entries([tagged])[tagged] == Entry(APPROVER)


def test_a_new_absence_replaces_the_old_one_until_it_is_removed(kit: Kit) -> None:
    kit.directory.set_absence(APPROVER, Absence(NOW, NOW + timedelta(days=1), REQUESTER))
    kit.directory.set_absence(APPROVER, AWAY)
    assert entry(kit, APPROVER).absences == (AWAY,)
    kit.directory.set_absence(APPROVER, None)
    assert entry(kit, APPROVER) == Entry(APPROVER)


def test_an_absence_does_not_change_an_alias(kit: Kit) -> None:
    kit.directory.set_alias(ALIAS, APPROVER)
    kit.directory.set_absence(ALIAS, AWAY)
    assert entry(kit, ALIAS) == Entry(APPROVER, (AWAY,))


def test_an_absence_is_read_as_people_write_dates(kit: Kit) -> None:
    put(address=APPROVER, away=[{"since": "2026-03-01T10:00+01:00", "until": "2026-03-08T09:00", "to": OTHER_APPROVER}])
    assert entry(kit, APPROVER).absences == (AWAY,)


def test_an_alias_is_named_like_its_owner_unless_it_has_a_name_of_its_own(kit: Kit) -> None:
    kit.directory.set_alias(ALIAS, APPROVER)
    kit.directory.set_profile(f" {APPROVER.upper()}", {"name": "Maria Rossi", "language": "de", "slack": "U012AB3CD"})
    kit.directory.set_profile(ALIAS, {"name": "Maria (office)", "time_zone": "Europe/Rome"})
    assert entry(kit, APPROVER) == Entry(APPROVER, (), {"name": "Maria Rossi", "language": "de"}, "U012AB3CD")
    assert entry(kit, ALIAS).profile == {"name": "Maria (office)", "language": "de", "time_zone": "Europe/Rome"}
    assert entry(kit, ALIAS).slack == "U012AB3CD"
    kit.directory.set_profile(APPROVER, {"name": "", "slack": ""})
    assert entry(kit, APPROVER) == Entry(APPROVER, (), {"language": "de"})


AWAY_BADLY: list[Any] = [
    *(None, 7, "tomorrow", ["tomorrow"], [{}]),
    [{"since": "soon", "until": "2026-04-01", "to": OTHER_APPROVER}],
    [{"since": "2026-03-01", "until": 3, "to": OTHER_APPROVER}],
    [{"since": "2026-03-01", "until": "2026-04-01"}],
    [{"since": "2026-03-01", "until": "2026-04-01", "to": "otto"}],
    [{"since": "0001-01-01T00:00+14:00", "until": "2026-04-01", "to": OTHER_APPROVER}],
]
UNREADABLE: list[tuple[str, Any]] = [
    *(("away", away) for away in AWAY_BADLY),
    *(("name", 7), ("language", ["de"]), ("slack", "C012AB3CD"), ("slack", "u1")),
    *(("person", person) for person in (None, 7, "", {"name": "Maria"})),
]


@pytest.mark.parametrize(("name", "value"), UNREADABLE, ids=repr)
def test_what_no_person_can_have_is_ignored(kit: Kit, name: str, value: Any) -> None:
    put(**{"address": APPROVER, name: value})
    assert entry(kit, APPROVER) == Entry(APPROVER)


def test_more_than_a_hundred_addresses_are_looked_up(kit: Kit) -> None:
    people = [f"p{number:03}@example.com" for number in range(130)]
    kit.directory.set_alias(people[-1], people[0])
    found = kit.directory.entries(people)
    assert (len(found), found[people[-1]].person) == (130, people[0])


def test_unprocessed_keys_are_read_again(kit: Kit) -> None:
    kit.directory.set_alias(ALIAS, APPROVER)
    left = {DIRECTORY_TABLE: {"Keys": [to_item({"address": ALIAS})], "ConsistentRead": True}}
    with answering("dynamodb", "BatchGetItem") as reading:
        reading.answers.append(Answer(document={"Responses": {}, "UnprocessedKeys": left}))
        assert entry(kit, ALIAS).person == APPROVER
        assert len(reading.asked) > 1


def test_keys_that_stay_unprocessed_are_an_outage(kit: Kit) -> None:
    document = {"Responses": {}, "UnprocessedKeys": {DIRECTORY_TABLE: {"Keys": [to_item({"address": ALIAS})]}}}
    with answering("dynamodb", "BatchGetItem", Answer(document=document)), pytest.raises(LedgerUnavailableError):
        Table(client("dynamodb"), DIRECTORY_TABLE).get_many([{"address": ALIAS}])
