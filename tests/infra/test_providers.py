"""The providers that post webhooks: a secret for each, and what the webhook function knows of it."""

import json
from collections.abc import Callable

from tests.infra.templates import Synthesised


def test_each_provider_has_a_secret_that_holds_none_yet(stage: Synthesised) -> None:
    secrets = {secret.path: secret for secret in stage.of_type("AWS::SecretsManager::Secret")}
    assert secrets.keys() == {f"Providers/{name}" for name in stage.settings.providers}
    for secret in secrets.values():
        assert secret.properties["SecretString"] == '{"active": []}'
        assert "GenerateSecretString" not in secret.properties


def test_the_secrets_of_a_protected_stage_outlive_it(stage_named: Callable[[str], Synthesised]) -> None:
    for name, policy in (("prod", "RetainExceptOnCreate"), ("dev", "Delete")):
        secrets = stage_named(name).of_type("AWS::SecretsManager::Secret")
        assert {secret.body["DeletionPolicy"] for secret in secrets} == {policy}


def test_the_function_and_the_output_have_each_provider_s_scheme_and_secret(
    stage: Synthesised,
) -> None:
    providers = {
        name: {"scheme": provider.scheme, "secret": f"Providers/{name}", **provider.expects}
        for name, provider in stage.settings.providers.items()
    }
    assert json.loads(stage.variables("Webhook/Webhook")["PROVIDERS"]) == providers
    assert json.loads(stage.outputs("public")["Providers"]) == providers


def test_the_embedded_cloud_has_a_provider_of_every_common_scheme(stage_named: Callable[[str], Synthesised]) -> None:
    providers = stage_named("local").settings.providers
    assert {provider.scheme for provider in providers.values()} >= {
        *("adyen", "github", "shopify", "slack", "square", "standard_webhooks", "stripe")
    }
    assert "sandbox" in providers
