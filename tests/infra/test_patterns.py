"""The callback patterns: a stage deploys all of them or none, and encrypted answers have a key where they are asked."""

import json
from typing import Any

from local.demo.scripts import SCRIPTS
from stacks.components.house.sources import Sources
from tests.infra.templates import Synthesised, statements

MAX_ENVIRONMENT_BYTES = 4_096
"""All variables of a function as one JSON object, which is what Lambda measures:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""

MAX_INLINE_POLICIES = 10_240
"""Characters of all policies of one role together:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""

LONGEST = {"AWS::Partition": "aws-us-gov", "AWS::Region": "ap-southeast-2", "AWS::AccountId": "1" * 12}
LONGEST_NAME = "x" * 64
LONGEST_ARN = f"arn:aws:lambda:ap-southeast-2:111122223333:function:{LONGEST_NAME}"


def longest(value: Any, reference: str) -> str:
    """Return a text of a template with one as long as it may be in the place of everything that it refers to."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(longest(part, reference) for part in parts)
    return LONGEST.get(value.get("Ref"), reference)


def compact(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


def keys(stage: Synthesised) -> list[str]:
    """Return the keys that answers may be encrypted with, which the stage's own key is not."""
    own = {"CustomerKey/Key", "Alarms/Key"}
    return [key.path for key in stage.of_type("AWS::KMS::Key") if key.path not in own]


def rights_to_answers(stage: Synthesised) -> set[tuple[str, str]]:
    """Return who may use a key directly; the stage's own key is used through services only."""
    return {(role, line) for role, line in statements(stage) if "kms:" in line and "kms:ViaService" not in line}


def knowing_of_answers(stage: Synthesised) -> set[str]:
    functions = stage.of_type("AWS::Lambda::Function")
    return {each.path for each in functions if "ANSWERS_KEY" in each.properties["Environment"]["Variables"]}


def test_the_gallery_shows_every_pattern_that_is_deployed_and_no_other(stage: Synthesised) -> None:
    assert set(stage.patterns) == (set(SCRIPTS) if stage.settings.patterns else set())


def test_every_module_of_the_patterns_is_deployed_and_each_once(stage: Synthesised) -> None:
    modules = {path.stem for path in Sources.of_checkout().functions.glob("patterns/*.py")} - {"__init__"}
    handlers = [function.properties["Handler"] for function in stage.of_type("AWS::Lambda::Function")]
    deployed = sorted(handler for handler in handlers if handler.startswith("patterns."))
    assert deployed == sorted(f"patterns.{module}.handler" for module in modules if stage.settings.patterns)


def test_without_patterns_and_encrypted_workflows_a_stage_has_neither_their_stack_nor_a_key(prod: Synthesised) -> None:
    assert "countersign-prod-patterns" not in prod.templates
    assert not keys(prod)
    assert not knowing_of_answers(prod)
    assert not rights_to_answers(prod)


def test_an_encrypted_workflow_of_the_settings_has_a_key_and_nobody_else_reads_what_it_asks(
    strict: Synthesised,
) -> None:
    assert keys(strict) == ["Answers/Key"]
    assert knowing_of_answers(strict) == {"Webhook/Webhook/Function", "Durable/OrderApproval/Workflow/Function"}
    assert rights_to_answers(strict) == {
        ("Webhook/Webhook/Role", "kms:Encrypt on Answers/Key.Arn"),
        ("Durable/OrderApproval/Workflow/Role", "kms:Decrypt kms:Encrypt on Answers/Key.Arn"),
    }


def test_the_key_is_rotated_opened_to_its_account_only_and_kept_as_the_ledger_is(
    strict: Synthesised, stage: Synthesised
) -> None:
    for synthesised in (strict, stage) if stage.encrypted else (strict,):
        key = synthesised.one("AWS::KMS::Key", "Answers/Key")
        assert key.properties["EnableKeyRotation"] is True
        (statement,) = synthesised.properties(key)["KeyPolicy"]["Statement"]
        assert statement["Principal"] == {"AWS": "arn:<Partition>:iam::<AccountId>:root"}
        table = synthesised.one("AWS::DynamoDB::Table", "Ledger/Table")
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            assert key.body[policy] == table.body[policy]


def test_invocations_of_the_plain_lambda_are_retried_and_kept_when_they_fail_for_good(stage: Synthesised) -> None:
    configured = map(stage.properties, stage.of_type("AWS::Lambda::EventInvokeConfig"))
    retries = [each for each in configured if each["FunctionName"] == "Decider/Function"]
    assert len(retries) == (1 if stage.patterns else 0)
    for each in retries:
        assert (each["MaximumRetryAttempts"], each["MaximumEventAgeInSeconds"]) == (2, 6 * 3_600)
        decider = stage.properties(stage.one("AWS::Lambda::Function", "Decider/Function"))
        assert decider["DeadLetterConfig"]["TargetArn"] == "DeciderDeadLetters.Arn"


def test_what_every_function_is_told_fits_however_long_the_names_are_that_lambda_makes(stage: Synthesised) -> None:
    for function in stage.of_type("AWS::Lambda::Function"):
        variables = function.properties["Environment"]["Variables"]
        told = {name: longest(value, LONGEST_NAME) for name, value in variables.items()}
        assert len(compact(told)) <= MAX_ENVIRONMENT_BYTES, function.path


def test_the_policies_of_a_role_are_no_longer_together_than_iam_takes(stage: Synthesised) -> None:
    lengths: dict[str, int] = {}
    for policy in stage.of_type("AWS::IAM::Policy"):
        (role,) = stage.properties(policy)["Roles"]
        lengths[role] = lengths.get(role, 0) + len(compact(_spelt_out(policy.properties["PolicyDocument"])))
    assert lengths
    assert {role: length for role, length in lengths.items() if length > MAX_INLINE_POLICIES} == {}


def _spelt_out(document: Any) -> Any:
    if isinstance(document, list):
        return [_spelt_out(item) for item in document]
    if not isinstance(document, dict):
        return document
    if document.keys() & {"Ref", "Fn::GetAtt", "Fn::GetStackOutput", "Fn::Join"}:
        return longest(document, LONGEST_ARN)
    return {name: _spelt_out(member) for name, member in document.items()}
