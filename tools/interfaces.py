"""Generate docs/openapi.json, docs/asyncapi.json and docs/http.md from the code: `python -m tools.interfaces`.

The docstring of each route's function has a section `HTTP:` with one entry a line: `body SCHEMA: text`, `query SCHEMA:
text`, `STATUS SCHEMA: text` or `problems: code, …`. A schema is a file of `countersign.contracts.schemas`. The forms of
pages are those of the sample pages. What every route can answer is added here.
"""

import inspect
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

CALLERS = {
    "requests_api": ("SigV4", "sigv4"),
    "webhook.providers": ("signature of the provider", "signature"),
    "webhook.callbacks": ("`Authorization: Bearer`, token of the hand-off", "token"),
    "review": ("token of the link", ""),
}
"""How callers of the functions in a module are authorized, and the security scheme."""

_HEADER = {"type": "apiKey", "in": "header"}
SECURITY = {
    "sigv4": _HEADER | {"name": "Authorization", "x-amazon-apigateway-authtype": "awsSigv4"},
    "token": {"type": "http", "scheme": "bearer", "description": "The token of the hand-off's envelope."},
    "signature": _HEADER | {"name": "webhook-signature", "description": "Of Standard Webhooks; other schemes differ."},
}

EVERY_ROUTE = ("not_configured", "try_again", "unexpected")
EVERY_BODY = ("malformed", "body_too_large")
EVERY_PAGE = {429: "Too many requests.", 500: "The page failed.", 503: "A part of the kit did not answer."}
EVERY_FORM = {400: "The body is not a form in UTF-8.", 413: "The form has more than 256 KiB."}
GATEWAY = {429: "Above the throttle of the route.", 500: "API Gateway failed.", 503: "The function did not answer."}
REFUSED = {403: "The signature or the rights of the caller do not allow the call."}
UNKNOWN_ROUTE = (
    "Pages answer `HEAD` like `GET`. Every other method and path answers 404: a page if the caller accepts `text/html`,"
    " else the problem `unknown_route`."
)
GENERATED = """# HTTP and events reference

Every route and event of the kit. [HTTP and events](http-and-events.md) explains how they work together. For programs
there are [openapi.json](openapi.json) (OpenAPI 3.1) and [asyncapi.json](asyncapi.json) (AsyncAPI 3.0).

This page is generated from the code: `python -m tools.interfaces`.
"""

_ENTRY = re.compile(r"(\w+)(?: (\S+))?: (.+)")
_FORM = "application/x-www-form-urlencoded"
_PAGE = {"text/html": {"schema": {"type": "string"}}}
_PLAIN: dict[str, dict[str, Any]] = {"any": {}, "object": {"type": "object"}, "text": {"type": "string"}}
"""Schemas without a file."""

_RENAMED = {"definitions": "$defs", "dependencies": "dependentRequired"}
"""Keywords of draft 7, in which the schemas are written, by their names in OpenAPI 3.1."""

Responses = Iterator[tuple[int, str, dict[str, Any]]]


def main() -> None:
    """Write the files."""
    sys.path.extend(str(ROOT / folder) for folder in ("lambdas", "layers/countersign/python"))
    for name, text in documents().items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")


def documents() -> dict[str, str]:
    """Return the text of each file, by its name in docs/."""
    api, events = openapi(), asyncapi()
    written = {"openapi.json": api, "asyncapi.json": events}
    return {name: json.dumps(each, indent=2) + "\n" for name, each in written.items()} | {"http.md": _page(events)}


class Operation:
    """One route.

    Attributes:
        key: The route key.
        entries: The entries of its docstring: each with its kind, its schema and its text.
    """

    def __init__(self, key: str, function: Callable[..., Any]) -> None:
        self.key, self._function, self.module = key, function, function.__module__
        self.method, _, self.path = key.partition(" ")
        self.is_page = self.module.startswith("review.")
        text, _, section = inspect.cleandoc(function.__doc__ or "").partition("\n\nHTTP:\n")
        self.summary = text.partition("\n")[0]
        self.entries = [_entry(line.strip(), key) for line in section.splitlines()]
        self.caller, self.security = next(each for name, each in CALLERS.items() if self.module.startswith(name))

    @property
    def codes(self) -> list[str]:
        """The codes of the problems that it names, and of those of its body."""
        named = [code for kind, _, said in self.entries if kind == "problems" for code in said.split(", ")]
        return named + [code for kind, *_ in self.entries if kind == "body" for code in EVERY_BODY]

    def document(self) -> dict[str, Any]:
        """Return it in the form of OpenAPI."""
        head = ".head" if self.method == "HEAD" else ""
        return {
            "operationId": f"{self.module.removesuffix('.handler')}.{self._function.__name__}{head}",
            "summary": self.summary,
            "tags": [self.module.partition(".")[0]],
            "security": [{self.security: []}] if self.security else [],
            "parameters": list(self._parameters()),
            **self._body(),
            "responses": self._responses(),
        }

    def _parameters(self) -> Iterator[dict[str, Any]]:
        for name in re.findall(r"{(\w+)}", self.path):
            yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for schema in [_schema(name) for kind, name, _ in self.entries if kind == "query"]:
            for name, value in schema["properties"].items():
                yield {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": value}

    def _body(self) -> dict[str, Any]:
        if self.is_page and self.method == "POST":
            return {"requestBody": {"required": True, "content": {_FORM: {"schema": _forms()[self.path[1:]]}}}}
        for schema, said in [(schema, said) for kind, schema, said in self.entries if kind == "body"]:
            content = {"*/*" if schema == "any" else "application/json": _body_of(schema)}
            return {"requestBody": {"required": schema != "any", "description": said, "content": content}}
        return {}

    def _responses(self) -> dict[str, Any]:
        found: dict[int, dict[str, Any]] = {}
        for status, said, content in sorted((*self._answers(), *self._gateway()), key=lambda each: each[0]):
            response = found.setdefault(status, {"description": "", "content": {}})
            response["description"] = f"{response['description']} {said}".strip()
            response["content"] |= content
            if status in (429, 503):
                response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
        return {str(status): response for status, response in found.items()}

    def _answers(self) -> Responses:
        for kind, schema, said in self.entries:
            if kind.isdigit():
                yield int(kind), said, _PAGE if self.is_page else _answer(schema)
        if self.is_page:
            common = EVERY_PAGE | (EVERY_FORM if self.method == "POST" else {})
            yield from ((status, said, _PAGE) for status, said in common.items())
            return
        by_status: dict[int, list[str]] = defaultdict(list)
        for code in (*self.codes, *EVERY_ROUTE):
            by_status[problems()[code][0]].append(code)
        for status, codes in by_status.items():
            yield status, " ".join(f"{problems()[code][1]} (`{code}`)." for code in codes), _problem(status, codes)

    def _gateway(self) -> Responses:
        for status, said in (GATEWAY | (REFUSED if self.security == "sigv4" else {})).items():
            yield status, said, {"application/json": _body_of("gateway-answer")}


def _entry(line: str, key: str) -> tuple[str, str, str]:
    found = _ENTRY.fullmatch(line)
    if found is None:
        raise ValueError(f"{key}: {line!r} under `HTTP:` must be `KIND: text` or `KIND SCHEMA: text`, on one line")
    kind, schema, said = found.groups("")
    return kind, schema, said


def operations() -> list[Operation]:
    """Return every route but `$default`."""
    from requests_api.handler import ROUTES
    from review.handler import PAGES
    from webhook import callbacks, handler

    found: dict[str, Callable[..., Any]] = {**ROUTES, **handler.ROUTES, **callbacks.ROUTES, **PAGES}
    for key in [key for key, function in found.items() if function.__module__ == "review.handler"]:
        method, _, name = key.partition(" /")  # its module is imported at its first request
        found[key] = getattr(import_module(f"review.{name}"), "post" if method == "POST" else "show")
    return [Operation(key, found[key]) for key in sorted(found, key=lambda key: key.split(" ")[::-1])]


def problems() -> dict[str, tuple[int, str]]:
    """Return the status and the title of each problem code."""
    from countersign.functions import http

    kinds = (*http.PROBLEMS.values(), http.UNKNOWN_ROUTE, http.UNEXPECTED)
    return {each.code: (int(each.status), each.title) for each in kinds}


def openapi() -> dict[str, Any]:
    """Return the document of the HTTP API (https://spec.openapis.org/oas/v3.1.1.html)."""
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for each in operations():
        paths[each.path][each.method.lower()] = each.document()
    unknown = {"description": UNKNOWN_ROUTE, "content": _problem(404, ["unknown_route"])}
    limits = "Bodies have at most 256 KiB. JSON has no duplicate members, and no NaN."
    return {
        "openapi": "3.1.1",
        "info": {"title": "Countersign", "version": "1", "description": f"{limits} {UNKNOWN_ROUTE}"},
        "servers": [{"url": "{api_url}", "variables": {"api_url": {"default": "https://approvals.example.com"}}}],
        "paths": paths,
        "components": {
            "responses": {"unknown_route": unknown},
            "schemas": _referenced(paths),
            "securitySchemes": SECURITY,
        },
    }


def _answer(schema: str) -> dict[str, Any]:
    return {"text/plain": {"schema": _PLAIN[schema]}} if schema == "text" else {"application/json": _body_of(schema)}


def _problem(status: int, codes: list[str]) -> dict[str, Any]:
    own = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    return {"application/problem+json": {"schema": {"allOf": [_reference("problem"), own]}}}


def _body_of(schema: str) -> dict[str, Any]:
    """Return the content of a body; that of a request has the input of each workflow of the kit."""
    if schema != "request":
        return {"schema": _PLAIN[schema] if schema in _PLAIN else _reference(schema)}
    inputs = {name.removesuffix(".input"): _reference(name) for name in _names() if name.endswith(".input")}
    contracts = [
        {"if": {"properties": {"workflow": {"const": workflow}}}, "then": {"properties": {"input": reference}}}
        for workflow, reference in inputs.items()
    ]
    example, *_ = _schema("approval.input")["examples"]
    whole = {"workflow": "approval", "request_id": "approval-1001", "input": example}
    return {"schema": {"allOf": [_reference(schema), *contracts]}, "examples": {"approval": {"value": whole}}}


# Schemas


def _names() -> list[str]:
    folder = files("countersign.contracts.schemas")
    return sorted(path.name.removesuffix(".json") for path in folder.iterdir() if path.name.endswith(".json"))


@cache
def _schema(name: str) -> dict[str, Any]:
    text = files("countersign.contracts.schemas").joinpath(f"{name}.json").read_text("utf-8")
    schema: dict[str, Any] = _translated(json.loads(text), name)
    return schema


def _translated(value: Any, name: str) -> Any:
    """Return a part of a schema with keywords and references as in a document that holds all schemas."""
    if isinstance(value, list):
        return [_translated(item, name) for item in value]
    if not isinstance(value, dict):
        return value
    found = {_RENAMED.get(key, key): _translated(item, name) for key, item in value.items() if key != "$schema"}
    if "$ref" in found:
        file, _, pointer = found["$ref"].replace("/definitions/", "/$defs/").partition("#")
        found["$ref"] = _reference(file.removesuffix(".json") or name)["$ref"] + pointer
    return found


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _referenced(document: Any) -> dict[str, Any]:
    """Return the schemas to which a document refers, and those to which they refer, by name."""
    found: dict[str, Any] = {}
    waiting = [document]
    while waiting:
        names = re.findall(r'"#/components/schemas/([\w.-]+)', json.dumps(waiting.pop()))
        for name in set(names) - found.keys():
            found[name] = _schema(name)
            waiting.append(found[name])
    return dict(sorted(found.items()))


class _Forms(HTMLParser):
    """Collects the fields of forms: the values of each field, by the form's action."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the action of a form, or a field."""
        has = dict(attrs)
        if tag == "form":
            self._action = has["action"] or ""
        elif has.get("name") and tag in ("input", "textarea", "button"):
            schema = self.fields[self._action].setdefault(has["name"] or "", {"type": "string"})
            if tag == "button":
                schema["enum"] = sorted({*schema.get("enum", ()), has["value"]})
            elif has.get("type") == "checkbox":
                self.fields[self._action][has["name"] or ""] = {"type": "array", "items": {"type": "string"}}


@cache
def _forms() -> dict[str, dict[str, Any]]:
    """Return the schema of each form, by its action. The fields of a page's rows are numbered."""
    from tools.views import every_page

    parser = _Forms()
    parser.feed("".join(every_page().values()))
    found = {}
    for action, fields in parser.fields.items():
        numbered = {re.sub(r"\d+$", "[0-9]+", name): each for name, each in fields.items() if name[-1].isdigit()}
        found[action] = {
            "type": "object",
            "required": ["t"],
            "properties": {name: each for name, each in sorted(fields.items()) if not name[-1].isdigit()},
        } | ({"patternProperties": {f"^{name}$": each for name, each in sorted(numbered.items())}} if numbered else {})
    return found


# Events


def asyncapi() -> dict[str, Any]:
    """Return the document of the bus (https://www.asyncapi.com/docs/reference/specification/v3.0.0)."""
    sent = dict((*_hand_offs(), *_events()))
    result = _message("TaskResult", _schema("task-result")["title"], _reference("task-result"))
    bus = {
        "address": None,
        "description": "The event bus on Amazon EventBridge in the output `BusName`. The name of a message is its"
        " detail type, its payload the detail. The source is `countersign`, or of a TaskResult that of the service.",
        "messages": sent | {"TaskResult": result},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Countersign", "version": "1"},
        "defaultContentType": "application/json",
        "channels": {"bus": bus},
        "operations": {"publish": _operation("send", *sent), "answer": _operation("receive", "TaskResult")},
        "components": {"schemas": _referenced(bus)},
    }


def _message(name: str, title: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "title": title, "payload": payload}


def _operation(action: str, *messages: str) -> dict[str, Any]:
    references = [{"$ref": f"#/channels/bus/messages/{name}"} for name in messages]
    return {"action": action, "channel": {"$ref": "#/channels/bus"}, "messages": references}


def _hand_offs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a message for each end of an envelope's kind."""
    for end, said in _schema("envelope")["properties"]["kind"]["x-ends"].items():
        payload = {"allOf": [_reference("envelope"), {"properties": {"kind": {"pattern": rf"\.{end}$"}}}]}
        yield end, _message(f"*.{end}", said, payload)


def _events() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the message of each lifecycle event: its schema says which `kind` it has."""
    for name in _names():
        kind = _schema(name).get("properties", {}).get("kind", {}).get("const")
        if kind:
            yield kind, _message(kind, _schema(name)["description"], _reference(name))


# The page


def _page(events: Mapping[str, Any]) -> str:
    codes = ((f"`{code}`", str(status), title) for code, (status, title) in sorted(problems().items()))
    messages = events["channels"]["bus"]["messages"].values()
    parts = [GENERATED, "## Routes\n", *_rows("route | authorization | answers", _routes())]
    parts += [f"\n{UNKNOWN_ROUTE} Every route can answer 500 and 503, and 429 above its throttle.\n"]
    parts += ["## Problems\n", *_rows("code | status | meaning", codes), "", "## Events\n"]
    parts += _rows("detail type | meaning", ((f"`{each['name']}`", each["title"]) for each in messages))
    return "\n".join([*parts, ""])


def _rows(heading: str, rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {heading} |"
    yield f"|{'---|' * (heading.count('|') + 1)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _routes() -> Iterator[tuple[str, ...]]:
    for each in operations():
        answers = [f"{kind} {said[0].lower()}{said[1:-1]}" for kind, _, said in each.entries if kind.isdigit()]
        answers += [f"{status} `{code}`" for status, code in sorted((problems()[code][0], code) for code in each.codes)]
        if each.method != "HEAD":  # as GET, without the page
            yield f"`{each.key}`", each.caller, " · ".join(answers)


if __name__ == "__main__":
    main()
