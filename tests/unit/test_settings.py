"""Settings: every mistake is refused with the file, the key, the value, what is allowed and what to do."""

import dataclasses
from pathlib import Path

import pytest

from stacks.settings import EXECUTION_MARGIN_SECONDS, MAX_DEADLINE_SECONDS, Settings
from stacks.settings_file import SettingsError

SETTINGS = Path(__file__).resolve().parents[2] / "settings"

VALID = """
base_url = "https://ask.example.com/"

[ledger]
protected = true

[hand_off]
archive_days = 7

[functions]
log_retention_days = 14
tracing = false

[throttles]
default = { rate_per_second = 10, burst = 20 }
requests = { rate_per_second = 10, burst = 20 }
review = { rate_per_second = 10, burst = 20 }

[mail]
sender = "approvals@example.com"

[alarms]
email = ""

[workflows.order-approval]
function = "order_approval"
execution_timeout_seconds = 7200
retention_days = 7
deadline_seconds = 3600
"""


def load(folder: Path, text: str = VALID, *, stage: str = "test", base_url: str = "") -> Settings:
    file = folder / f"{stage}.toml"
    file.write_text(text, encoding="utf-8")
    return Settings.load(file, base_url=base_url)


def refused(folder: Path, text: str) -> SettingsError:
    with pytest.raises(SettingsError) as refusal:
        load(folder, text)
    return refusal.value


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_the_kit_s_own_stages_load(stage: str) -> None:
    settings = Settings.load(SETTINGS / f"{stage}.toml")
    assert settings.stage == stage
    assert "order-approval" in settings.workflows


def test_every_deadline_of_the_contract_fits_into_the_kit_s_stages() -> None:
    for file in SETTINGS.glob("*.toml"):
        for workflow in Settings.load(file).workflows.values():
            assert workflow.execution_timeout_seconds >= MAX_DEADLINE_SECONDS + EXECUTION_MARGIN_SECONDS


def test_settings_are_what_the_file_says(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.stage == "test"
    assert settings.base_url == "https://ask.example.com"
    assert settings.ledger.protected is True
    assert settings.throttles.review.burst == 20
    assert settings.workflows["order-approval"].deadline_seconds == 3_600


def test_they_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(tmp_path).base_url = "https://example.com"  # type: ignore[misc]


def test_what_has_a_default_may_be_left_out(tmp_path: Path) -> None:
    settings = load(tmp_path, VALID.replace('[alarms]\nemail = ""', "").replace("tracing = false", ""))
    assert settings.alarms.email == ""
    assert settings.functions.tracing is False
    assert settings.mail.identities == ()


def test_identities_are_a_list_of_names(tmp_path: Path) -> None:
    text = VALID.replace("[mail]", '[mail]\nidentities = ["example.com"]')
    assert load(tmp_path, text).mail.identities == ("example.com",)


def test_messages_go_by_mail_unless_another_channel_is_named(tmp_path: Path) -> None:
    assert load(tmp_path).mail.channel == "email"
    assert load(tmp_path, VALID.replace("[mail]", '[mail]\nchannel = "sns"')).mail.channel == "sns"


@pytest.mark.parametrize(
    ("written", "instead", "key", "value", "allowed"),
    [
        (
            "[mail]",
            '[mail]\nchannel = "pigeon"',
            "mail.channel",
            "pigeon",
            "text in quotes, one of email, sns",
        ),
        ("protected = true", "protected = 1", "ledger.protected", 1, "true or false"),
        ("protected = true", "", "ledger.protected", None, "true or false"),
        ("protected = true", "protectd = true", "ledger.protectd", True, "one of protected"),
        ("[ledger]\nprotected = true", "", "ledger", None, "a table [ledger]"),
        (
            "review = { rate_per_second = 10, burst = 20 }",
            "review = 10",
            "throttles.review",
            10,
            "a table [throttles.review]",
        ),
        ("archive_days = 7", "archive_days = -1", "hand_off.archive_days", -1, "a whole number, 0 to 3650 days"),
        ("archive_days = 7", "archive_days = 7.5", "hand_off.archive_days", 7.5, "a whole number, 0 to 3650 days"),
        ("archive_days = 7", "archive_days = true", "hand_off.archive_days", True, "a whole number, 0 to 3650 days"),
        (
            "log_retention_days = 14",
            "log_retention_days = 15",
            "functions.log_retention_days",
            15,
            "a whole number, one of 1, 3, 7, 14, 30, 90, 180, 365, 731, 1827, 3653",
        ),
        (
            "review = { rate_per_second = 10, burst = 20 }",
            "review = { rate_per_second = 10, burst = 0 }",
            "throttles.review.burst",
            0,
            "a whole number, 1 to 5000 requests",
        ),
        ("review = { rate_per_second = 10, burst = 20 }", "", "throttles.review", None, "a table [throttles.review]"),
        (
            "approvals@example.com",
            "approvals",
            "mail.sender",
            "approvals",
            "text in quotes, an e-mail address",
        ),
        ("[mail]", "[mail]\nidentities = [1]", "mail.identities", [1], "a list of texts in quotes"),
        (
            'email = ""',
            'email = "nobody"',
            "alarms.email",
            "nobody",
            "text in quotes, an e-mail address, or nothing",
        ),
        (
            '"order_approval"',
            '"../secrets"',
            "workflows.order-approval.function",
            "../secrets",
            "text in quotes, a folder name under lambdas/: lower-case letters, digits, _",
        ),
        (
            "[workflows.order-approval]",
            "[workflows.Order_Approval]",
            "workflows",
            "Order_Approval",
            "a name of at most 40 lower-case letters, digits and hyphens, a letter first",
        ),
        (
            "retention_days = 7\n",
            "retention_days = 91\n",
            "workflows.order-approval.retention_days",
            91,
            "a whole number, 1 to 90 days",
        ),
        (
            "execution_timeout_seconds = 7200",
            "execution_timeout_seconds = 31622401",
            "workflows.order-approval.execution_timeout_seconds",
            31_622_401,
            "a whole number, 60 to 31622400 seconds",
        ),
        (
            "execution_timeout_seconds = 7200",
            "execution_timeout_seconds = 7199",
            "workflows.order-approval.execution_timeout_seconds",
            7_199,
            "at least 7200: deadline_seconds and 3600 more, to act on the deadline",
        ),
        ("base_url", "stage", "stage", "https://ask.example.com/", None),
    ],
)
def test_a_mistake_is_refused_with_all_that_is_needed_to_mend_it(
    tmp_path: Path, written: str, instead: str, key: str, value: object, allowed: str | None
) -> None:
    assert written in VALID
    refusal = refused(tmp_path, VALID.replace(written, instead))
    assert (refusal.file, refusal.key, refusal.value) == (tmp_path / "test.toml", key, value)
    if allowed:
        assert refusal.allowed == allowed
    assert refusal.fix
    for part in (str(refusal.file), key, refusal.allowed, refusal.fix):
        assert part in str(refusal)


def test_without_workflows_there_is_nothing_to_deploy(tmp_path: Path) -> None:
    refusal = refused(tmp_path, VALID.partition("[workflows.")[0])
    assert refusal.key == "workflows"
    assert refusal.allowed == "at least one table [workflows.<name>]"


@pytest.mark.parametrize(
    "base_url",
    [
        "https://ask.example.com",
        "https://{api_id}.execute-api.eu-west-1.amazonaws.com",
        "http://localhost:4566/_aws/execute-api/{api_id}/$default",
        "http://127.0.0.1:4566",
        "http://[::1]:4566",
    ],
)
def test_a_base_url_takes_the_place_of_the_file_s(tmp_path: Path, base_url: str) -> None:
    assert load(tmp_path, base_url=base_url).base_url == base_url


@pytest.mark.parametrize(
    "base_url",
    [
        "ask.example.com",
        "http://ask.example.com",
        "http://localhost.example.com",
        "https://ask.example.com/?t=",
        "https://ask.example.com/{stage}",
        "https://user@ask.example.com",
        "javascript:alert(1)",
        "https://ask.example.com\n.evil.example",
    ],
)
def test_a_base_url_that_is_not_safe_in_a_mail_is_refused(tmp_path: Path, base_url: str) -> None:
    with pytest.raises(SettingsError, match=r"base_url is .*; allowed: text in quotes, an https URL"):
        load(tmp_path, base_url=base_url)


def test_a_missing_file_names_the_stages_there_are(tmp_path: Path) -> None:
    load(tmp_path, stage="dev")
    with pytest.raises(SettingsError, match=r"prod\.toml: is missing; allowed: .*: dev; fix: choose one of these"):
        Settings.load(tmp_path / "prod.toml")


def test_a_stage_s_name_must_do_for_the_name_of_a_stack(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="rename the file"):
        load(tmp_path, stage="My_Stage")


def test_a_file_that_is_not_toml_says_where(tmp_path: Path) -> None:
    refusal = refused(tmp_path, "[ledger\n")
    assert "line 1" in refusal.fix
