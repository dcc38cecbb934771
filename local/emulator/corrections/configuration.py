"""The durability of functions."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners


def keep_durable_config() -> None:
    """Make a function with a `DurableConfig` durable.

    Upstream drops the property of an `AWS::Lambda::Function`, and looks for a member `Enabled` that Lambda's API does
    not have. On AWS a function with a `DurableConfig` is durable (the model: `DurableConfig`; the guide: "Configure").
    """
    functions = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    functions["create"] = provisioners._lambda_create = _keeping(provisioners._lambda_create)
    build = lambda_svc._build_config

    def build_config(name: str, data: Mapping[str, Any], *args: Any) -> dict[str, Any]:
        return _durable(build(name, data, *args), data)

    lambda_svc._build_config = build_config


def _keeping(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_function(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
        created = create(logical_id, properties, stack_name)
        _durable(lambda_svc._functions[created[0]]["config"], properties)
        return created

    return create_function


def _durable(config: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    if durable_config := wanted.get("DurableConfig"):
        numbers = {key: int(value) for key, value in durable_config.items() if key != "KMSKeyArn"}
        config["DurableConfig"] = {**durable_config, **numbers, "Enabled": True}
    return config
