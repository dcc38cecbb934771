"""The port of the providers: requests, and the loading of a provider by its name."""

import subprocess
import sys
from pathlib import Path

import pytest

from countersign.domain.errors import ConfigurationError, SignatureError, UnknownSchemeError
from countersign.providers import base
from countersign.providers.base import WebhookRequest

LIBRARY = Path(__file__).parents[3] / "layers/countersign/python"
FOLDER = LIBRARY / "countersign/providers"
SCHEMES = tuple(sorted(path.stem for path in FOLDER.glob("[a-z]*.py") if "PROVIDER = " in path.read_text("utf-8")))
HEAVY = {*("boto3", "botocore", "fastjsonschema"), "aws_durable_execution_sdk_python"}


# Loading
def test_every_provider_file_is_a_scheme() -> None:
    kit = {"adyen", "github", "paypal", "shopify", "slack", "square", "standard_webhooks", "stripe"}
    assert base.schemes() == SCHEMES
    assert kit <= set(SCHEMES)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_provider_is_loaded_by_the_name_of_its_module(scheme: str) -> None:
    provider = base.load(scheme)
    assert type(provider).__module__ == f"countersign.providers.{scheme}"
    assert provider is base.load(scheme)


@pytest.mark.parametrize(
    "scheme",
    [
        *("os", "1stripe", "stripe-eu", "x" * 10_000),
        *("", "paypall", "Stripe", "stripe ", "stripe\n", "../stripe", "stripe.x", "domain.errors", "__init__", "_x"),
        "ｓtripe",
    ],
)
def test_an_unknown_scheme_is_refused_with_the_known_ones(scheme: str) -> None:
    with pytest.raises(UnknownSchemeError, match=f"the kit has {', '.join(SCHEMES)}$") as error:
        base.load(scheme)
    assert isinstance(error.value, ConfigurationError)
    assert len(str(error.value)) < 250


@pytest.mark.parametrize("scheme", SCHEMES)
def test_loading_a_provider_imports_only_what_it_needs(scheme: str) -> None:
    """No heavy module and no other provider is imported."""
    code = f"import sys; from countersign.providers import base; base.load({scheme!r}); print(*sys.modules)"
    # -S: site-packages may import modules at the start.
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], env={"PYTHONPATH": str(LIBRARY)}, check=True, capture_output=True, text=True
    )
    loaded = set(run.stdout.split())
    assert not loaded & HEAVY
    assert {name for name in SCHEMES if f"countersign.providers.{name}" in loaded} == {scheme}


# Requests
def test_header_names_are_converted_to_lower_case() -> None:
    request = WebhookRequest({"Stripe-Signature": "a", "CONTENT-TYPE": "b", "x": "c"}, b"")
    assert request.headers == {"stripe-signature": "a", "content-type": "b", "x": "c"}


def test_a_repeated_header_is_joined_by_a_comma() -> None:
    assert WebhookRequest({"X-A": "1", "x-a": "2", "X-a": "3"}, b"").header("x-a") == "1,2,3"


def test_an_identifier_is_printable_ascii_of_at_most_200_characters() -> None:
    assert WebhookRequest({"x-id": "x" * 200}, b"").identifier("x-id") == "x" * 200
    for value in ("x" * 201, "é", "\x00", "a\tb", "\ud800"):
        with pytest.raises(SignatureError, match="malformed"):
            WebhookRequest({"x-id": value}, b"").identifier("x-id")
