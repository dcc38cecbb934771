"""The stage and the credentials that a command uses, and the errors without them."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from countersign.testing.builders import TASK_ID
from operate import stage
from operate.embedded.cloud import Cloud
from operate.program import main
from operate.stage import Target
from tests.integration.conftest import TABLE, Kit, answering

HERE = "http://127.0.0.1:1"
CLOUD = Cloud(HERE, "eu-central-1", "0", f"{HERE}/$default", HERE, {"external-tasks": HERE}, "", "", {}, {}, {})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an embedded cloud that is not up."""
    monkeypatch.setattr(stage, "HOME", tmp_path)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(arguments)
    captured = capsys.readouterr()
    assert captured.out == ""
    return status, captured.err


# Where


def test_the_embedded_cloud_is_used_if_it_is_up_and_no_option_says_otherwise(aws: None, home: Path) -> None:
    CLOUD.write(home)
    assert Target().find().cloud
    assert Target(local=True).find().cloud
    assert Target(local=True, stage="local", table=TABLE).find().cloud
    assert not Target(stage="dev").find().cloud
    assert not Target(table=TABLE).find().cloud


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ("", 2, "Name a file of settings/ with --stage"),
        ("--stage nope", 2, "unknown stage 'nope'\n  Use one of: dev, "),
        ("--local", 3, "Start it with `make up`"),
        ("--local --stage dev", 2, "without --profile, --region and --stage"),
        ("--local --profile p", 2, "without --profile, --region and --stage"),
        ("--local --region r", 2, "without --profile, --region and --stage"),
        ("--table nope", 3, "Check the account, --region, --stage and --table"),
    ],
)
def test_options_that_name_nothing_or_contradict_each_other_are_refused(
    aws: None, home: Path, capsys: pytest.CaptureFixture[str], arguments: str, status: int, words: str
) -> None:
    ended, errors = refused(capsys, "tasks", *arguments.split())
    assert (ended, words in errors) == (status, True), errors


def test_a_command_says_that_it_acts_on_the_embedded_cloud_unless_an_option_does(
    aws: None, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    CLOUD.write(home)
    status, errors = refused(capsys, "tasks", "--stage", "nope")
    assert "embedded cloud" not in errors
    status, errors = refused(capsys, "tasks")
    assert status == 4, "nothing listens there"
    assert "On the embedded cloud at http://127.0.0.1:1" in errors


def test_a_shell_reads_the_variables_of_the_embedded_cloud_as_they_are(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    CLOUD.write(home)
    assert main(["env", "--local"]) == 0
    commands = 'echo "${AWS_PROFILE-none} $API_URL $QUEUE_EXTERNAL_TASKS"; env'
    script = f"AWS_PROFILE=mine; {capsys.readouterr().out} {commands}"
    printed = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True).stdout
    first, *rest = printed.splitlines()
    assert first == f"none {HERE}/$default {HERE}"
    assert {"AWS_ACCESS_KEY_ID=test", "AWS_REGION=eu-central-1", f"AWS_ENDPOINT_URL={HERE}"} <= set(rest)


def test_a_cloud_on_another_machine_and_an_account_have_no_variables_for_a_shell(
    aws: None, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    CLOUD.write(home)
    file = home / "cloud.json"
    file.write_text(file.read_text().replace("127.0.0.1", "aws.example.com"))
    assert refused(capsys, "env", "--local")[0] == 3
    status, errors = refused(capsys, "env", "--stage", "dev")
    assert (status, "countersign env --local" in errors) == (2, True), errors


def test_a_stage_that_is_not_deployed_is_named_with_its_region(aws: None, capsys: pytest.CaptureFixture[str]) -> None:
    absent = ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
    with answering("cloudformation", "DescribeStacks", absent):
        status, errors = refused(capsys, "tasks", "--stage", "dev", "--region", "eu-west-1")
    assert status == 3
    assert "countersign-dev-ledger is not deployed in the stage dev in eu-west-1" in errors
    assert "make deploy STAGE=dev" in errors


def test_a_table_can_be_named_in_place_of_the_stage(kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    kit.open_task()
    assert main(["tasks", "--table", TABLE, "--json"]) == 0
    assert [task["task_id"] for task in json.loads(capsys.readouterr().out)] == [TASK_ID]


# Credentials


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("operate.stage.get_session", Session)


def test_no_credentials_end_with_three(no_credentials: None, capsys: pytest.CaptureFixture[str]) -> None:
    status, errors = refused(capsys, "tasks", "--stage", "dev")
    assert (status, "no AWS credentials" in errors) == (3, True), errors
    assert "--profile" in errors


def test_a_profile_gives_credentials_and_region(
    no_credentials: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile ops]\naws_access_key_id = a\naws_secret_access_key = b\nregion = eu-north-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    found = Target(profile="ops", stage="dev").find()
    assert (found.label, found.client("dynamodb").meta.region_name) == ("the stage dev in eu-north-1", "eu-north-1")
    monkeypatch.setenv("AWS_REGION", "eu-south-2")
    for region, named in (
        ("eu-south-2", Target(profile="ops", stage="dev")),
        ("eu-west-3", Target(region="eu-west-3")),
    ):
        where = replace(named, profile="ops", stage="dev").find()
        assert where.region == where.client("sqs").meta.region_name == region, "as the CDK takes it"
