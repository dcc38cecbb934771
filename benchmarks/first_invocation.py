"""A process of Lambda: import a handler, and have it handle its first event; `benchmarks.cold_start` runs it.

Standard input has the handler's module, the event if there is one, members of the expected answer, and the items of the
ledger. Standard error gets the processor time until the answer, in seconds. Nothing is sent: botocore's event
`before-send` comes after botocore has signed a request, and is answered here in the place of AWS.
"""

import importlib
import json
import sys
import time
from types import SimpleNamespace
from typing import Any

TOLD = json.load(sys.stdin)


def answer_of_aws(request: Any, **_: Any) -> Any:
    """Return what AWS answers to a request: DynamoDB has the items, and everything succeeds."""
    from botocore.awsrequest import AWSResponse

    operation = request.headers.get("X-Amz-Target", b"").decode().rpartition(".")[2]
    document = json.dumps(_answer(operation, request.body)).encode()
    body = SimpleNamespace(stream=lambda *_, **__: iter([document]))
    return AWSResponse(request.url, 200, {"x-amzn-requestid": "bench"}, body)


def _answer(operation: str, body: bytes) -> dict[str, Any]:
    match operation:
        case "GetItem":
            return {"Item": found} if (found := _item(json.loads(body)["Key"])) else {}
        case "BatchGetItem":
            asked = json.loads(body)["RequestItems"]
            found = {table: filter(None, map(_item, each["Keys"])) for table, each in asked.items()}
            return {"Responses": {table: list(items) for table, items in found.items()}, "UnprocessedKeys": {}}
        case "Query":
            values = json.loads(body)["ExpressionAttributeValues"]
            prefix = "|".join(values.get(name, {"S": ""})["S"] for name in (":pk", ":sk"))
            return {"Items": [item for key, item in TOLD["items"].items() if key.startswith(prefix)]}
        case "UpdateItem":  # each attribute is a counter; of other updates nothing is read
            names = json.loads(body).get("ExpressionAttributeNames", {})
            return {"Attributes": {name: {"N": "1"} for name in names.values()}}
        case "GetSecretValue":
            return {"ARN": "bench", "Name": "bench", "SecretString": TOLD["secret"]}
    return {"MessageId": "bench"}


def _item(key: dict[str, dict[str, str]]) -> Any:
    return TOLD["items"].get("|".join(value["S"] for value in key.values()))


handler = importlib.import_module(TOLD["module"]).handler
if TOLD["event"] and TOLD["items"]:
    from botocore import handlers

    handlers.BUILTIN_HANDLERS.append(("before-send", answer_of_aws))
if TOLD["event"]:
    answer = handler(TOLD["event"], None)
    if any(answer.get(name) != value for name, value in TOLD["answer"].items()):
        sys.exit(f"{TOLD['module']}: the answer is {answer}")
sys.stderr.write(str(time.process_time()))  # what follows is the end of the process, for which no user waits
