"""An emulator with a durable function, for tests."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import boto3

from local.emulator import emulator
from local.emulator.emulator import Emulator
from operate.embedded import http
from operate.embedded.cloud import ROOT

REGION = "eu-central-1"
VENDOR_LAYER = ROOT / "build" / "vendor-layer" / "python"
FUNCTION = "durable"
PATIENCE_SECONDS = 20

T = TypeVar("T")


@dataclass(frozen=True)
class Cloud:
    """One emulator, whose functions import the SDK from the vendor layer's folder."""

    emulator: Emulator
    corrected: bool
    credentials: tuple[str, str] = ("test", "test")

    def client(self, service: str) -> Any:
        return _client(service, self.emulator.endpoint_url, *self.credentials)

    def deploy(self, name: str = FUNCTION, *, execution_timeout: int = 600, role: str = "any") -> None:
        """Create the durable function and its version 1."""
        durable = {"ExecutionTimeout": execution_timeout, "RetentionPeriodInDays": 1}
        self.create(name, _code(), role, Handler="durable_function.handler", DurableConfig=durable)
        if not self.corrected:
            self._make_durable(name, execution_timeout)
        self.client("lambda").publish_version(FunctionName=name)

    def create(self, name: str, code: str | bytes, role: str = "any", **more: Any) -> None:
        """Create a function of a module or a deployment package."""
        properties = {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": f"arn:aws:iam::000000000000:role/{role}",
            "Timeout": 20,
            "Code": {"ZipFile": zipped(code) if isinstance(code, str) else code},
        }
        self.client("lambda").create_function(FunctionName=name, **properties | more)

    def create_stack(self, name: str, template: str) -> None:
        """Create a stack, and wait until it is complete."""
        self.client("cloudformation").create_stack(StackName=name, TemplateBody=template)
        waiter = self.client("cloudformation").get_waiter("stack_create_complete")
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1})

    def _make_durable(self, name: str, execution_timeout: int) -> None:
        """Turn durability on as an uncorrected MiniStack requires."""
        config = {"DurableConfig": {"Enabled": True, "ExecutionTimeout": execution_timeout}}
        url = f"{self.emulator.endpoint_url}/2015-03-31/functions/{name}/configuration"
        assert http.send("PUT", url, json.dumps(config).encode(), self._signed_for("lambda")).status == 200

    def _signed_for(self, service: str) -> dict[str, str]:
        scope = f"{self.credentials[0]}/20260101/{REGION}/{service}/aws4_request"
        return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}

    def call(self, do: str, **event: Any) -> dict[str, Any]:
        """Start an execution synchronously; return the answer of its first invocation."""
        payload = json.dumps({"do": do, **event}).encode()
        answer: dict[str, Any] = self.client("lambda").invoke(FunctionName=f"{FUNCTION}:1", Payload=payload)
        return answer | {"Payload": answer["Payload"].read()}  # a body that nobody reads keeps its socket open

    def start(self, do: str, *, name: str | None = None, function: str = FUNCTION, **event: Any) -> dict[str, Any]:
        """Start an execution asynchronously on version 1; return Lambda's answer."""
        named = {"DurableExecutionName": name} if name else {}
        answer: dict[str, Any] = self.client("lambda").invoke(
            FunctionName=f"{function}:1",
            InvocationType="Event",
            Payload=json.dumps({"do": do, **event}).encode(),
            **named,
        )
        answer["Payload"].read()
        return answer

    def run(self, do: str, *, function: str = FUNCTION, **event: Any) -> str:
        """Start an execution asynchronously; return its ARN, which an uncorrected MiniStack does not return."""
        before = {execution["DurableExecutionArn"] for execution in self.executions(function)}
        self.start(do, function=function, **event)
        return until(lambda: next((arn for arn in self._arns(function) if arn not in before), None))

    def _arns(self, function: str) -> list[str]:
        return [execution["DurableExecutionArn"] for execution in self.executions(function)]

    def executions(self, function: str = FUNCTION) -> list[dict[str, Any]]:
        answer = self.client("lambda").list_durable_executions_by_function(FunctionName=function, Qualifier="1")
        executions: list[dict[str, Any]] = answer["DurableExecutions"]
        return executions

    def execution(self, arn: str) -> dict[str, Any]:
        execution: dict[str, Any] = self.client("lambda").get_durable_execution(DurableExecutionArn=arn)
        return execution

    def history(self, arn: str) -> list[dict[str, Any]]:
        answer = self.client("lambda").get_durable_execution_history(DurableExecutionArn=arn, IncludeExecutionData=True)
        events: list[dict[str, Any]] = answer["Events"]
        return events

    def invocations(self, arn: str) -> int:
        return sum(event["EventType"] == "InvocationCompleted" for event in self.history(arn))

    def callback_id(self, arn: str) -> str:
        """Wait for the execution's callback; return its id."""

        def find() -> str | None:
            started = (event.get("CallbackStartedDetails") for event in self.history(arn))
            return next((details["CallbackId"] for details in started if details), None)

        return until(find)

    def ended(self, arn: str) -> dict[str, Any]:
        """Wait for the end of an execution; return it."""
        return until(lambda: found if (found := self.execution(arn))["Status"] != "RUNNING" else None)

    def complete(self, callback_id: str, result: str = "yes") -> None:
        self.client("lambda").send_durable_execution_callback_success(CallbackId=callback_id, Result=result)


@cache
def _client(service: str, endpoint_url: str, key_id: str, secret: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )


@contextmanager
def started(home: Path, *, corrected: bool, variables: dict[str, str]) -> Iterator[Cloud]:
    """Run an emulator during a block."""
    assert VENDOR_LAYER.is_dir(), f"{VENDOR_LAYER} does not exist; run `make layer`, which builds it"
    cloud = Cloud(emulator.start(home, with_parent=True, corrected=corrected, variables=variables), corrected)
    try:
        yield cloud
    finally:
        cloud.emulator.stop()


def until(find: Callable[[], T | None]) -> T:
    """Wait until `find` returns a value, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := find()) is None:
        assert time.monotonic() < deadline, f"nothing was found within {PATIENCE_SECONDS} seconds"
        time.sleep(0.05)
    return found


def never(happens: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition stays false for so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happens():
            return False
        time.sleep(0.05)
    return True


def zipped(code: str, name: str = "index.py") -> bytes:
    """Return a deployment package with one module."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, code)
    return archive.getvalue()


def _code() -> bytes:
    path = f"import sys; sys.path.insert(0, {str(VENDOR_LAYER)!r})\n"
    return zipped(path + (Path(__file__).parent / "durable_function.py").read_text(), "durable_function.py")
