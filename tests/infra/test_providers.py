"""The providers that post webhooks: a secret for each, and what the webhook function knows of it."""

import json

from tests.infra.templates import StageNamed, Synthesised


def test_each_provider_has_a_secret_that_holds_none_yet(stage: Synthesised) -> None:
    secrets = {secret.path: secret for secret in stage.of_type("AWS::SecretsManager::Secret")}
    signing = stage.settings.providers.keys() - stage.settings.unsigned_providers
    asked = {f"LookKeys/{name}" for name, provider in stage.settings.providers.items() if provider.look}
    assert secrets.keys() == {f"Providers/{name}" for name in signing} | asked
    for secret in secrets.values():
        assert secret.properties["SecretString"] == '{"active": []}'
        assert "GenerateSecretString" not in secret.properties


def test_the_secrets_of_a_protected_stage_outlive_it(stage_named: StageNamed) -> None:
    for name, policy in (("prod", "RetainExceptOnCreate"), ("dev", "Delete")):
        secrets = stage_named(name).of_type("AWS::SecretsManager::Secret")
        assert {secret.body["DeletionPolicy"] for secret in secrets} == {policy}


def test_the_function_and_the_output_have_each_provider_s_scheme_and_secret(stage: Synthesised) -> None:
    providers = {
        name: {"scheme": provider.scheme, **secret_of(stage, name), **provider.expects}
        for name, provider in stage.settings.providers.items()
    }
    assert json.loads(stage.variables("Webhook/Webhook")["PROVIDERS"]) == providers
    assert json.loads(stage.outputs("public")["Providers"]) == providers


def secret_of(stage: Synthesised, name: str) -> dict[str, str]:
    return {} if name in stage.settings.unsigned_providers else {"secret": f"Providers/{name}"}


def test_the_function_that_asks_providers_has_their_api_keys_and_no_other_knows_them(stage_named: StageNamed) -> None:
    for stage, name, scheme in ((stage_named("prod"), "stripe", "stripe"), (stage_named("local"), "mollie", "mollie")):
        keys = {name: {"scheme": scheme, "secret": f"LookKeys/{name}"}}
        assert json.loads(stage.variables("Looks/Looks")["PROVIDERS"]) == keys
        assert json.loads(stage.outputs("public")["LookKeys"]) == keys
        payment = stage.variables("Durable/Payment/Workflow")
        assert payment["LOOKS_PROVIDERS"] == name
        assert payment["LOOKS_FUNCTION"] == f"countersign-{stage.settings.stage}-provider_looks"
    assert "LookKeys" not in stage_named("dev").outputs("public")


def test_the_embedded_cloud_has_a_provider_of_every_common_scheme(stage_named: StageNamed) -> None:
    providers = stage_named("local").settings.providers
    assert {provider.scheme for provider in providers.values()} >= {
        *("adyen", "github", "shopify", "slack", "square", "standard_webhooks", "stripe")
    }
    assert "sandbox" in providers
