"""Settings that change what is deployed."""

from tests.infra.templates import Synthesised, statements


def test_without_providers_no_role_reads_secrets_and_the_function_has_none(bare: Synthesised) -> None:
    reading = {role for role, line in statements(bare) if "secretsmanager" in line}
    assert reading == {"Approver/Approver/Role"}, "the token of its channel"
    assert bare.variables("Webhook/Webhook")["PROVIDERS"] == "{}"


def test_a_base_url_of_the_settings_contains_the_api_s_id(varied: Synthesised) -> None:
    assert varied.outputs("public")["ApiUrl"] == "https://Api/Api.example.com/ask"


def test_every_workflow_reads_how_long_the_audit_is_kept(varied: Synthesised) -> None:
    functions = map(varied.properties, varied.of_type("AWS::Lambda::Function"))
    days = {each["Environment"]["Variables"].get("AUDIT_KEEP_DAYS") for each in functions if "DurableConfig" in each}
    assert days == {"430"}


def test_the_address_for_alarms_is_subscribed(varied: Synthesised) -> None:
    subscription = varied.properties(varied.one("AWS::SNS::Subscription"))
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
