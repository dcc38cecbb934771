"""The callback patterns: a stage deploys all of them or none, and encrypted answers have a key where they are asked."""

from local.demo.scripts import SCRIPTS
from stacks.components.house.sources import Sources
from tests.infra.templates import Synthesised, statements


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


def test_the_showcase_has_every_deployed_pattern_and_no_other(stage: Synthesised) -> None:
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


def test_an_encrypted_workflow_of_the_settings_has_a_key_and_no_other_function_decrypts_its_answers(
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
        assert stage.function("Decider")["DeadLetterConfig"]["TargetArn"] == "DeciderDeadLetters.Arn"
