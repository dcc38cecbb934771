"""away, alias, person: the directory says who stands in for whom, whose addresses are one person's, and names."""

import json
from datetime import UTC, datetime

import pytest

from countersign.domain.people import Absence, Entry
from countersign.domain.questions import Person
from countersign.functions.clients import client
from countersign.testing.builders import APPROVER, OTHER_APPROVER
from tests.integration.conftest import DIRECTORY_TABLE, Kit
from tests.integration.operate.conftest import Run

DATES = ("--since", "2026-08-01", "--until", "2026-08-15T12:00+02:00")


def entry(kit: Kit, address: str) -> Entry:
    return kit.directory.entries([address])[address]


def test_an_absence_is_recorded_and_ended(kit: Kit, run: Run) -> None:
    status, out, _ = run("away", APPROVER.upper(), "--to", f" {OTHER_APPROVER}", *DATES)
    since, until = "2026-08-01T00:00:00.000000Z", "2026-08-15T10:00:00.000000Z"
    assert (status, out) == (0, f"{OTHER_APPROVER} stands in for {APPROVER} from {since} until {until}\n")
    absence = Absence(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 15, 10, tzinfo=UTC), OTHER_APPROVER)
    assert entry(kit, APPROVER).absences == (absence,)
    status, out, _ = run("away", APPROVER, "--back", "--json")
    assert (status, json.loads(out)) == (0, {"address": APPROVER, "absence": None})
    assert entry(kit, APPROVER).absences == ()


def test_another_address_of_a_person_is_recorded(kit: Kit, run: Run) -> None:
    assert run("alias", "M.Lopez@example.com", "--of", APPROVER)[:2] == (0, f"m.lopez@example.com is {APPROVER}\n")
    assert entry(kit, "m.lopez@example.com").person == APPROVER


def test_what_is_known_of_a_person_is_recorded_and_removed(kit: Kit, run: Run) -> None:
    known = ("--name", "Maria Rossi", "--language", "en", "--time-zone", "Europe/Rome", "--slack", "W012AB3CD")
    line = f"{APPROVER}: --name Maria Rossi, --language en, --time-zone Europe/Rome, --slack W012AB3CD\n"
    assert run("person", APPROVER, *known)[:2] == (0, line)
    profile: Person = {"name": "Maria Rossi", "language": "en", "time_zone": "Europe/Rome"}
    assert entry(kit, APPROVER) == Entry(APPROVER, (), profile, "W012AB3CD")
    status, out, _ = run("person", APPROVER, "--slack", "", "--json")
    assert (status, json.loads(out), entry(kit, APPROVER).slack) == (0, {"address": APPROVER, "slack": None}, "")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("away", "maria", "--to", OTHER_APPROVER, *DATES), "must be an e-mail address, got: maria"),
        (("away", APPROVER, "--to", "otto", *DATES), "must be an e-mail address, got: otto"),
        (("away", APPROVER, "--to", APPROVER.upper(), *DATES), "cannot be their own stand-in"),
        (("away", APPROVER, "--to", "li@elsewhere.example", *DATES), "must have the same domain"),
        (("away", APPROVER, "--to", OTHER_APPROVER), "needs --to, --since and --until"),
        (("away", APPROVER, "--to", OTHER_APPROVER, "--since", "soon", "--until", "2026-08-01"), "got: soon"),
        (("away", APPROVER, "--to", OTHER_APPROVER, "--since", "2026-08-02", "--until", "2026-08-01"), "must be after"),
        (("alias", "m@example.com", "--of", "x y@example.com"), "must be an e-mail address, got: x y@example.com"),
        (("person", APPROVER), "nothing to record"),
        (("person", APPROVER, "--name", "Maria\nRossi"), "--name must be one line of at most 64"),
        (("person", APPROVER, "--name", "M" * 65), "--name must be one line of at most 64"),
        (("person", APPROVER, "--language", "xx"), "--language must be one of"),
        (("person", APPROVER, "--time-zone", "Europe/Atlantis"), "got: Europe/Atlantis"),
        (("person", APPROVER, "--time-zone", "../etc/passwd"), "--time-zone must be an IANA time zone"),
        (("person", APPROVER, "--slack", "C012AB3CD"), "--slack must be the id of a user"),
    ],
)
def test_an_invalid_entry_is_refused_and_writes_nothing(
    kit: Kit, run: Run, arguments: tuple[str, ...], why: str
) -> None:
    status, out, errors = run(*arguments)
    assert (status, out, why in errors) == (1, "", True), errors
    assert client("dynamodb").scan(TableName=DIRECTORY_TABLE)["Items"] == []
