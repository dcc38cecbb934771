"""The directory on DynamoDB: whose addresses are whose, who is away, and what of it cannot be read."""

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


def test_whoever_is_not_listed_is_themselves_and_there(kit: Kit) -> None:
    assert kit.directory.entries([APPROVER, REQUESTER]) == {APPROVER: Entry(APPROVER), REQUESTER: Entry(REQUESTER)}


def test_nobody_is_looked_up_for_nobody(kit: Kit) -> None:
    assert kit.directory.entries([]) == {}
    assert kit.directory.entries([""]) == {"": Entry("")}, "a request may have no requester"


def test_an_alias_counts_as_its_owner_and_is_away_when_they_are(kit: Kit) -> None:
    kit.directory.set_alias(f" {ALIAS.upper()}", APPROVER.upper())
    kit.directory.set_absence(APPROVER, AWAY)
    assert entry(kit, ALIAS) == Entry(APPROVER, (AWAY,))
    assert entry(kit, APPROVER) == Entry(APPROVER, (AWAY,))


def test_an_alias_of_an_alias_leads_to_the_owner_and_their_absence(kit: Kit) -> None:
    kit.directory.set_alias("ml@example.com", ALIAS)
    kit.directory.set_alias(ALIAS, APPROVER)
    kit.directory.set_absence(APPROVER, AWAY)
    found = kit.directory.entries(["ml@example.com", ALIAS])
    assert set(found.values()) == {Entry(APPROVER, (AWAY,))}


def test_aliases_that_lead_in_a_circle_are_one_person(kit: Kit) -> None:
    kit.directory.set_alias(ALIAS, APPROVER)
    kit.directory.set_alias(APPROVER, ALIAS)
    kit.directory.set_alias("ml@example.com", APPROVER)
    found = kit.directory.entries([ALIAS, APPROVER, "ml@example.com"])
    assert len({each.person for each in found.values()}) == 1


def test_a_subaddress_is_the_address_before_the_plus(kit: Kit) -> None:
    kit.directory.set_alias(ALIAS, "maria+office@example.com")
    kit.directory.set_absence(APPROVER, AWAY)
    found = kit.directory.entries(["maria+shop@example.com", ALIAS])
    assert set(found.values()) == {Entry(APPROVER, (AWAY,))}


def test_where_tags_are_separate_a_subaddress_is_somebody_else(kit: Kit) -> None:
    environment = {"DIRECTORY_TABLE": DIRECTORY_TABLE, "DIRECTORY_TAGS": "separate"}
    directory = Ports(environment).directory
    assert isinstance(directory, DynamoDirectory)
    tagged = "maria+shop@example.com"
    assert directory.entries([tagged])[tagged] == Entry(tagged)
    directory.set_alias(tagged, APPROVER)
    assert directory.entries([tagged])[tagged] == Entry(APPROVER)


def test_a_new_absence_takes_the_place_of_the_old_and_ends_when_they_are_back(kit: Kit) -> None:
    kit.directory.set_absence(APPROVER, Absence(NOW, NOW + timedelta(days=1), REQUESTER))
    kit.directory.set_absence(APPROVER, AWAY)
    assert entry(kit, APPROVER).absences == (AWAY,)
    kit.directory.set_absence(APPROVER, None)
    assert entry(kit, APPROVER) == Entry(APPROVER)


def test_an_absence_leaves_an_alias_as_it_is(kit: Kit) -> None:
    kit.directory.set_alias(ALIAS, APPROVER)
    kit.directory.set_absence(ALIAS, AWAY)
    assert entry(kit, ALIAS) == Entry(APPROVER, (AWAY,))


@pytest.mark.parametrize(
    "away",
    [
        None,
        7,
        "tomorrow",
        ["tomorrow"],
        [{}],
        [{"since": "soon", "until": "2026-04-01", "to": OTHER_APPROVER}],
        [{"since": "2026-03-01", "until": 3, "to": OTHER_APPROVER}],
        [{"since": "2026-03-01", "until": "2026-04-01"}],
        [{"since": "2026-03-01", "until": "2026-04-01", "to": "otto"}],
        [{"since": "0001-01-01T00:00+14:00", "until": "2026-04-01", "to": OTHER_APPROVER}],
    ],
    ids=repr,
)
def test_an_absence_that_cannot_be_read_is_none(kit: Kit, away: Any) -> None:
    put(address=APPROVER, away=away)
    assert entry(kit, APPROVER) == Entry(APPROVER)


def test_an_absence_is_read_as_people_write_dates(kit: Kit) -> None:
    put(address=APPROVER, away=[{"since": "2026-03-01T10:00+01:00", "until": "2026-03-08T09:00", "to": OTHER_APPROVER}])
    assert entry(kit, APPROVER).absences == (AWAY,)


@pytest.mark.parametrize("person", [None, 7, "", {"name": "Maria"}], ids=repr)
def test_an_owner_that_is_no_text_is_none(kit: Kit, person: Any) -> None:
    put(address=ALIAS, person=person)
    assert entry(kit, ALIAS) == Entry(ALIAS)


def test_more_than_a_hundred_addresses_are_looked_up(kit: Kit) -> None:
    people = [f"p{number:03}@example.com" for number in range(130)]
    kit.directory.set_alias(people[-1], people[0])
    found = kit.directory.entries(people)
    assert len(found) == 130
    assert found[people[-1]].person == people[0]


def test_keys_that_were_left_unread_are_read_again(kit: Kit) -> None:
    kit.directory.set_alias(ALIAS, APPROVER)
    left = {DIRECTORY_TABLE: {"Keys": [to_item({"address": ALIAS})], "ConsistentRead": True}}
    with answering("dynamodb", "BatchGetItem") as reading:
        reading.answers.append(Answer(document={"Responses": {}, "UnprocessedKeys": left}))
        assert entry(kit, ALIAS).person == APPROVER
        assert len(reading.asked) > 1


def test_keys_that_stay_unread_are_an_error_to_be_tried_again_not_people_who_are_not_listed(kit: Kit) -> None:
    left = {"k": {"Keys": [to_item({"address": ALIAS})]}}
    document = {"Responses": {}, "UnprocessedKeys": {DIRECTORY_TABLE: left["k"]}}
    with answering("dynamodb", "BatchGetItem", Answer(document=document)), pytest.raises(LedgerUnavailableError):
        Table(client("dynamodb"), DIRECTORY_TABLE).get_many([{"address": ALIAS}])
