"""What forks build on: one more workflow, grants across stacks, settings that change what is deployed."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from app import build
from stacks.components.house.sources import MissingSourceError, Sources
from stacks.stage.providers import ProviderSettings
from stacks.stage.settings import Settings
from tests import SETTINGS
from tests.infra.templates import Synthesised, statements

pytestmark = pytest.mark.xdist_group("infra")


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory, sources: Sources, context: dict[str, Any]) -> Synthesised:
    """The dev stage with one more section in its settings, traced, with a base URL and somebody to alarm."""
    settings = (SETTINGS / "dev.toml").read_text(encoding="utf-8")
    settings = settings.replace("[functions]", "[functions]\ntracing = true")
    settings = settings.replace('email = ""', 'email = "ops@example.com"')
    settings = f'base_url = "https://{{api_id}}.example.com/ask/"\n{settings}'
    section = (
        'function = "order_approval"\ncontract = "order-approval"\n'
        "execution_timeout_seconds = 7200\nretention_days = 3\ndeadline_seconds = 60\n"
    )
    file = tmp_path_factory.mktemp("settings") / "fork.toml"
    file.write_text(f"{settings}\n[workflows.second-look]\n{section}", encoding="utf-8")
    return Synthesised(Settings.load(file), sources, context)


def test_a_workflow_is_a_section_of_the_settings(fork: Synthesised) -> None:
    function = fork.properties(fork.one("AWS::Lambda::Function", "Durable/SecondLook/Workflow/Function"))
    assert function["DurableConfig"] == {"ExecutionTimeout": 7_200, "RetentionPeriodInDays": 3}
    assert function["Environment"]["Variables"]["WORKFLOW"] == "second-look"
    rights = set(statements(fork))
    assert (
        "Relay/Relay/Role",
        (
            "lambda:SendDurableExecutionCallbackFailure lambda:SendDurableExecutionCallbackSuccess"
            " on Durable/SecondLook/Workflow/Function.Arn:*"
        ),
    ) in rights
    started = " ".join(sorted(fork.of_each_workflow("Durable/OrderApproval/Live")))
    assert ("Requests/Role", f"lambda:InvokeFunction on {started}") in rights
    assert "Durable/SecondLook/Live" in started
    assert '"second-look"' in fork.outputs("workflow")["Workflows"]
    alarms = {alarm.path for alarm in fork.of_type("AWS::CloudWatch::Alarm")}
    assert {"Alarms/ExecutionsFailed", "Alarms/DeadLetters-second-look-starts-dlq"} <= alarms


def test_a_workflow_without_a_contract_is_refused(sources: Sources, context: dict[str, Any]) -> None:
    settings = Settings.load(SETTINGS / "dev.toml")
    renamed = settings.model_copy(
        update={"policies": {}, "workflows": {"second-look": settings.workflows["order-approval"]}}
    )
    with pytest.raises(MissingSourceError, match=r"second-look\.input\.json does not exist"):
        build(App(context=context), renamed, sources)


def test_a_provider_of_a_scheme_that_the_library_does_not_know_is_refused_with_those_that_it_does(
    sources: Sources, context: dict[str, Any]
) -> None:
    settings = Settings.load(SETTINGS / "dev.toml")
    misspelt = settings.model_copy(update={"providers": {"stripe": ProviderSettings(scheme="strype")}})
    with pytest.raises(MissingSourceError, match=r"strype\.py does not exist.*: .*adyen, github, .*, stripe"):
        build(App(context=context), misspelt, sources)


def test_without_providers_nobody_may_read_secrets_and_the_function_knows_of_none(
    sources: Sources, context: dict[str, Any]
) -> None:
    settings = Settings.load(SETTINGS / "dev.toml").model_copy(update={"providers": {}})
    stage = Synthesised(settings, sources, context)
    assert not [line for _, line in statements(stage) if "secretsmanager" in line]
    variables = stage.properties(stage.one("AWS::Lambda::Function", "Webhook/Webhook/Function"))["Environment"][
        "Variables"
    ]
    assert variables["PROVIDERS"] == "{}"


def test_a_base_url_of_ones_own_holds_the_api_s_id(fork: Synthesised) -> None:
    assert fork.outputs("public")["ApiUrl"] == "https://Api/Api.example.com/ask"


def test_tracing_is_a_setting(fork: Synthesised) -> None:
    for function in fork.of_type("AWS::Lambda::Function"):
        assert function.properties["TracingConfig"] == {"Mode": "Active"}


def test_somebody_hears_the_alarms(fork: Synthesised) -> None:
    subscription = fork.properties(fork.one("AWS::SNS::Subscription"))
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")


def test_roles_of_earlier_stacks_may_be_granted_callbacks_beside_the_heartbeats_of_the_kit_s_own(
    sources: Sources, context: dict[str, Any]
) -> None:
    app = App(context=context)
    stacks = build(app, Settings.load(SETTINGS / "dev.toml"), sources)
    earlier = stacks.public.webhook.function
    workflow = stacks.workflow.workflows["order-approval"]
    workflow.grant_callbacks(earlier)
    template = app.synth().get_stack_by_name("countersign-dev-workflow").template
    granted = {
        str(policy["PolicyDocument"]["Statement"][0]["Action"])
        for policy in _policies(template)
        if "GetStackOutput" in json.dumps(policy["Roles"])
    }
    assert granted == {
        "lambda:SendDurableExecutionCallbackHeartbeat",
        "['lambda:SendDurableExecutionCallbackFailure', 'lambda:SendDurableExecutionCallbackSuccess']",
    }


def _policies(template: Any) -> list[Any]:
    resources = template["Resources"].values()
    return [resource["Properties"] for resource in resources if resource["Type"] == "AWS::IAM::Policy"]


def test_synthesis_is_the_same_twice(sources: Sources, context: dict[str, Any], prod: Synthesised) -> None:
    again = Synthesised(Settings.load(Path(SETTINGS / "prod.toml")), sources, context)
    assert again.templates == prod.templates
