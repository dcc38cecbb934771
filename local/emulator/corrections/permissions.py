"""Checks of rights, when IAM is enforced (`AUTH=true`)."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

import json
from email.utils import parseaddr
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import lambda_durable

_CALLBACK_ACTIONS = {
    "succeed": "SendDurableExecutionCallbackSuccess",
    "fail": "SendDurableExecutionCallbackFailure",
    "heartbeat": "SendDurableExecutionCallbackHeartbeat",
}
_EXECUTION_ACTIONS = {
    "checkpoint": "CheckpointDurableExecution",
    "state": "GetDurableExecutionState",
    "history": "GetDurableExecutionHistory",
    "stop": "StopDurableExecution",
}


def check_durable_actions() -> None:
    """Enforce IAM on the operations of durable executions and callbacks.

    Upstream does not know their actions and allows them to all callers with credentials. On AWS they are actions on the
    function at its version, so that `function:<name>:*` matches and the bare ARN does not (the guide: "Security and
    permissions"; https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html).
    """
    action_of, resource_of = iam_actions._lambda_action, iam_actions.extract_resource_arn

    def lambda_action(method: str, path: str) -> str | None:
        route = _durable_route(path)
        action: str | None = _durable_action(*route) if route else action_of(method, path)
        return action

    def extract_resource_arn(service: str, method: str, path: str, *args: Any) -> str:
        route = _durable_route(path) if service == "lambda" else None
        resource: str = _durable_resource(*route) if route else resource_of(service, method, path, *args)
        return resource

    iam_actions._lambda_action = lambda_action
    iam_actions.extract_resource_arn = extract_resource_arn


def check_mail_by_sender() -> None:
    """Enforce the right to send mail on the sender's identity.

    Upstream requires `ses:SendEmail` on `*`, so that a policy that names an identity is never enough. On AWS the
    resource is the sender's identity
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html).
    """
    resource_of = iam_actions._ses_v2_resource_arn

    def ses_v2_resource_arn(method: str, path: str, body: bytes, region: str, account_id: str) -> str:
        if path.rstrip("/") != "/v2/email/outbound-emails":
            resource: str = resource_of(method, path, body, region, account_id)
            return resource
        sender = parseaddr(json.loads(body).get("FromEmailAddress", ""))[1]
        return f"arn:aws:ses:{region}:{account_id}:identity/{sender}"

    iam_actions._ses_v2_resource_arn = ses_v2_resource_arn


def take_loopback_for_tls() -> None:
    """Treat every request as sent over TLS in policies, by the condition key `aws:SecureTransport`.

    Upstream reports that no request was, which is true, so that a queue whose policy requires TLS refuses all of them.
    On AWS the SDKs use TLS
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html). Here no request leaves
    the machine.
    """
    resolve = iam_evaluator._resolve_condition_key

    def resolve_condition_key(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    iam_evaluator._resolve_condition_key = resolve_condition_key


def _durable_route(path: str) -> tuple[str, str, str] | None:
    """Split a path into the kind of resource, its id and the action; None for other paths."""
    kind, _, rest = path.removeprefix("/2025-12-01/").partition("/")
    if kind == "durable-execution-callbacks":
        callback_id, _, verb = rest.partition("/")
        return kind, callback_id, verb
    if kind == "durable-executions":
        arn, _, verb = rest.rpartition("/")
        return (kind, arn, verb) if verb in _EXECUTION_ACTIONS else (kind, rest, "")
    return None


def _durable_action(kind: str, what: str, verb: str) -> str | None:
    if kind == "durable-executions":
        return _EXECUTION_ACTIONS.get(verb, "GetDurableExecution")
    # No function owns an unknown id: the service itself refuses it.
    return _CALLBACK_ACTIONS.get(verb) if what in lambda_durable._callback_index else None


def _durable_resource(kind: str, what: str, _verb: str) -> str:
    if kind == "durable-executions":
        return what
    arn, _ = lambda_durable._callback_index[what]
    function_and_version: str = arn.partition("/")[0]
    return function_and_version
