"""The domain: its certificate or its hosted zone exists and matches."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from operate.checks import Findings
from operate.errors import code_of
from operate.stage import Stage
from stacks.stage.api import ApiSettings, HostedZone

_FILE = "correct [api] in settings/{}.toml"
_IN_THE_WAY = ("A", "CNAME")
"""The types of records that keep the domain's own, an A record, from being made."""


def domain(stage: Stage) -> Findings:
    """Check that the API can be served at the domain of the settings."""
    api = stage.settings.api
    if not api.domain:
        yield "the API has no domain of its own", ""
    elif api.hosted_zone:
        yield _zone(stage, api.hosted_zone)
    else:
        yield _certificate(stage, api)


def _zone(stage: Stage, zone: HostedZone) -> tuple[str, str]:
    advice = f"aws route53 list-hosted-zones shows the zones; {_FILE.format(stage.name)}"
    try:
        found = stage.client("route53").get_hosted_zone(Id=zone.id)["HostedZone"]
    except ClientError as error:
        if code_of(error) != "NoSuchHostedZone":
            raise
        return f"the hosted zone {zone.id} is not in this account", advice
    if found["Name"].rstrip(".") != zone.name:
        return f"the hosted zone {zone.id} is for {found['Name']}, not for {zone.name}", advice
    if found.get("Config", {}).get("PrivateZone"):
        return f"the hosted zone {zone.id} is private, and a certificate needs a public one", advice
    return _record(stage, zone.id)


def _record(stage: Stage, zone_id: str) -> tuple[str, str]:
    """Check that the domain's record is the stage's own: CloudFormation takes no record over."""
    domain = stage.settings.api.domain
    listed = stage.client("route53").list_resource_record_sets(
        HostedZoneId=zone_id, StartRecordName=domain, MaxItems="10"
    )["ResourceRecordSets"]
    others = [each["Type"] for each in listed if each["Name"].rstrip(".") == domain and each["Type"] in _IN_THE_WAY]
    own = {name.rstrip(".") for name in stage.owned("AWS::Route53::RecordSet")}
    if others and domain not in own:
        show = f"aws route53 list-resource-record-sets --hosted-zone-id {zone_id} --start-record-name {domain}"
        advice = f"delete it, or choose another domain under [api] in settings/{stage.name}.toml; {show} shows it"
        return f"{domain} has a record of type {others[0]} already", advice
    return f"the hosted zone {zone_id} takes the records of {domain}", ""


def _certificate(stage: Stage, api: ApiSettings) -> tuple[str, str]:
    arn = api.certificate_arn
    request = f"aws acm request-certificate --validation-method DNS --domain-name {api.domain}"
    advice = f"{request}, then write its ARN under [api] in settings/{stage.name}.toml"
    region = arn.split(":")[3]
    if region != stage.region:
        return f"the certificate of {api.domain} is in {region}; the API needs one in {stage.region}", advice
    try:
        found = stage.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return f"the certificate {arn} does not exist in this account", advice
    if found["Status"] != "ISSUED":
        show = f"aws acm describe-certificate --certificate-arn {arn} shows the DNS record that proves it"
        return f"the certificate of {api.domain} is {found['Status']}", f"wait until it is ISSUED; {show}"
    if not _covers(found, api.domain):
        return f"the certificate {arn} is for {', '.join(_names(found))}, not for {api.domain}", advice
    return f"the certificate of {api.domain} is ISSUED", ""


def _covers(certificate: dict[str, Any], domain: str) -> bool:
    return not {domain, f"*.{domain.partition('.')[2]}"}.isdisjoint(_names(certificate))


def _names(certificate: dict[str, Any]) -> list[str]:
    names: list[str] = certificate.get("SubjectAlternativeNames") or [certificate["DomainName"]]
    return names
