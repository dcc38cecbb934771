"""Reads the forms of the requester's page."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from countersign.functions import http
from countersign.functions.http import Event
from countersign.services.status_links import Act
from review.form import click_of, fields_of


def act_of(event: Event) -> Act:
    """Return the posted form of a requester. A field that is missing or posted twice is empty.

    Raises:
        BodyTooLargeError, MalformedBodyError: As `click_of` raises.
    """
    click, fields = click_of(event), fields_of(http.body_bytes(event))
    return Act(
        token=click.token,
        action=click.action,
        comment=click.comment,
        shown=click.shown,
        revision=_revision({name: value.replace("\r\n", "\n") for name, value in fields.items()}),
        fetch_site=click.fetch_site,
        source=click.source,
        exchanges=click.exchanges,
    )


def _revision(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form changes, as in the contract `revision`; members without a field are absent."""
    document: dict[str, Any] = {name: fields[name] for name in ("title", "amount") if name in fields}
    rows = list(_rows(fields))
    if rows:
        document["rows"] = rows
    if "attachments" in fields:
        lines = (line.strip().rpartition(" ") for line in fields["attachments"].split("\n") if line.strip())
        document["attachments"] = [{"name": name.strip(), "url": url} for name, _, url in lines]
    return document


def _rows(fields: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the rows, whose fields are numbered from 0 on."""
    for number in count():
        if f"row-label-{number}" not in fields:
            return
        yield {"label": fields[f"row-label-{number}"], "value": fields.get(f"row-value-{number}", "")}
