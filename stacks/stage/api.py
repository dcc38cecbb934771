"""The API's own domain: `[api]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from stacks.stage.fields import Table, matching
from stacks.stage.problems import Problem

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"
_CERTIFICATE = r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[a-f0-9-]+"


class HostedZone(Table):
    """A public hosted zone of the account. Its id and its name together need no look-up at synthesis."""

    id: Annotated[str, matching(r"Z[A-Z0-9]{1,31}", "the id of a hosted zone, such as Z0123456789ABCDEFGHIJ")]
    """Its id, as `aws route53 list-hosted-zones` prints it after `/hostedzone/`."""
    name: Annotated[str, matching(_HOST, "a domain in lower case, without a full stop at the end")]
    """Its domain."""


class ApiSettings(Table):
    """The API's address."""

    domain: Annotated[
        str, matching(f"({_HOST})?", "a host name in lower case, such as approvals.example.com, or nothing")
    ] = ""
    """Host name of the API and of all links; empty for AWS's address. It needs `hosted_zone` or `certificate_arn`."""
    hosted_zone: HostedZone | None = None
    """The domain's zone in Route 53. The deploy adds the domain's record and the record that proves its certificate."""
    certificate_arn: Annotated[str, matching(f"({_CERTIFICATE})?", "the ARN of a certificate in ACM, or nothing")] = ""
    """The domain's certificate in the stage's region, if the zone is elsewhere. Create the domain's CNAME record
    yourself: its target is the output `ApiDomainTarget`."""

    @property
    def zone(self) -> tuple[str, str] | None:
        """Id and name of the hosted zone."""
        return (self.hosted_zone.id, self.hosted_zone.name) if self.hosted_zone else None

    @property
    def base_url(self) -> str:
        """The base of all links by the domain; empty without one."""
        return f"https://{self.domain}" if self.domain else ""


def check_api(api: ApiSettings, base_url: str) -> Iterator[Problem]:
    """Report a domain that cannot be served, and a base URL that contradicts it.

    Args:
        api: The settings of the API.
        base_url: The base URL of the settings or the context; empty for none.
    """
    if api.domain:
        yield from _check_domain(api)
        if base_url not in ("", api.base_url):
            yield Problem(
                "base_url", base_url, f"{api.base_url}, from domain under [api], or nothing", "remove one of them"
            )
    elif api.hosted_zone or api.certificate_arn:
        yield Problem("api.domain", None, "the host name to serve", "write it, or remove [api]")


def _check_domain(api: ApiSettings) -> Iterator[Problem]:
    zone = api.hosted_zone
    if not (zone or api.certificate_arn):
        allowed = "a host name together with hosted_zone or certificate_arn"
        fix = 'add hosted_zone = { id = "Z…", name = "example.com" }, or certificate_arn'
        yield Problem("api.domain", api.domain, allowed, fix)
    if zone and api.certificate_arn:
        allowed = "nothing, because with hosted_zone the deploy creates a certificate"
        yield Problem("api.certificate_arn", api.certificate_arn, allowed, "remove one of them")
    if zone and not f".{api.domain}".endswith(f".{zone.name}"):
        allowed = f"{api.domain}, or a parent domain of it"
        yield Problem("api.hosted_zone.name", zone.name, allowed, "correct it, or the domain")
