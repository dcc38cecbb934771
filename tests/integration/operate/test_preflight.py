"""preflight: a stage that is ready has no finding, and each obstacle is a finding with the command that removes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from countersign.domain.clock import SystemClock
from countersign.functions.clients import client
from operate.preflight import CHECKS
from stacks.stage.api import ApiSettings, HostedZone
from stacks.stage.providers import PartnerSettings
from stacks.stage.settings import AccountSettings
from tests.integration.conftest import ACCOUNT, REGION, Answer, answering
from tests.integration.operate.conftest import OPERATOR, SES, DeployedStage, Examined, Run, answering_all
from tests.integration.operate.test_access import CLOUD

CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0a1b"
PARTNER = "aws.partner/stripe.com/ed_1001"
UNKNOWN = "Unable to determine service/operation name to be authorized"


@dataclasses.dataclass
class Ready(Examined):
    """A stage that can be deployed."""

    patch: pytest.MonkeyPatch

    def notes(self) -> list[str]:
        """Return the notes with their advice."""
        notes = (each for each in self.results() if each["advice"] and not each["finding"])
        return [f"{each['what']} → {each['advice']}" for each in notes]

    def drift(self, status: str) -> None:
        self.describe("public", DriftInformation={"StackDriftStatus": "DRIFTED"})
        drifts = [{"LogicalResourceId": "ApproverFunction", "StackResourceDriftStatus": status}]
        asked = {"StackResourceDrifts": drifts}
        self.patch.setattr(self.stage.client("cloudformation"), "describe_stack_resource_drifts", lambda **_: asked)

    def serve_in_zone(self, zone: dict[str, Any] | None, *types: str) -> None:
        hosted = HostedZone(id="Z1", name="example.com")
        self.stage.change(api=ApiSettings(domain="ask.example.com", hosted_zone=hosted))

        def found(**_: str) -> dict[str, Any]:
            if zone is None:
                raise ClientError({"Error": {"Code": "NoSuchHostedZone", "Message": ""}}, "GetHostedZone")
            return {"HostedZone": zone}

        records = [{"Name": "ask.example.com.", "Type": each} for each in types]
        records += [{"Name": "other.example.com.", "Type": "A"}]
        route53 = self.stage.client("route53")
        self.patch.setattr(route53, "get_hosted_zone", found)
        self.patch.setattr(route53, "list_resource_record_sets", lambda **_: {"ResourceRecordSets": records})

    def serve_by_certificate(self, answer: Answer | None = None, region: str = REGION) -> None:
        arn = CERTIFICATE.replace(REGION, region)
        self.stage.change(api=ApiSettings(domain="ask.example.com", certificate_arn=arn))
        self.answers["DescribeCertificate"].by_default = answer or issued()


def issued(**changes: Any) -> Answer:
    found = {"Status": "ISSUED", "DomainName": "example.com", "SubjectAlternativeNames": ["*.example.com"]}
    return Answer(document={"Certificate": found | changes})


def limits(total: int, free: int) -> dict[str, Any]:
    return {"AccountLimit": {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": free}}


@pytest.fixture
def ready(stage: DeployedStage, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ready]:
    answers = {
        "lambda": {
            "ListDurableExecutionsByFunction": Answer(404, "ResourceNotFoundException"),
            "GetAccountSettings": Answer(document=limits(1_000, 1_000)),
            "GetFunctionConcurrency": Answer(),
            "ListFunctions": Answer(document={"Functions": []}),
        },
        "apigatewayv2": {"GetDomainName": Answer(404, "NotFoundException")},
        "acm": {"DescribeCertificate": Answer(400, "ResourceNotFoundException")},
        "ssm": {"GetParameter": Answer(document={"Parameter": {"Value": "28"}})},
        "service-quotas": {"GetServiceQuota": Answer(document={"Quota": {"Value": 5_000}})},
        "sesv2": SES,
    }
    stage.change(
        account=AccountSettings(id=ACCOUNT, region=REGION),
        mail={"sender": "kit@acme.org", "identities": ()},
        alarms={"email": "oncall@acme.org"},
        payments={"operators": ("finance@acme.org",)},
    )
    with answering_all(answers) as operations:
        yield Ready("preflight", stage, run, operations, monkeypatch)


def test_a_stage_that_can_be_deployed_has_no_finding_and_every_area_is_checked(ready: Ready) -> None:
    status, out, _ = ready.run("preflight")
    *lines, total = out.splitlines()
    assert (status, total) == (0, f"{len(lines)} results, 0 findings")
    assert {line[2:15].strip() for line in lines} == {"account", *CHECKS}
    ready.stage.described.clear()
    vars(ready.stage).pop("present")
    assert ready.findings() == {}, "nothing of it needs to be deployed"


def take_the_partner_s_bus(it: Ready) -> None:
    it.stage.change(partners={"stripe": PartnerSettings(scheme="stripe", account="acct_1", event_source=PARTNER)})
    client("events").create_partner_event_source(Name=PARTNER, Account=ACCOUNT)
    client("events").create_event_bus(Name=PARTNER, EventSourceName=PARTNER)


def take_the_domain(it: Ready) -> None:
    it.serve_by_certificate()
    it.answer("GetDomainName", DomainName="ask.example.com")


def reserve(it: Ready, total: int, free: int) -> None:
    it.stage.change(limits={"public_concurrency": 100})
    it.answer("GetAccountSettings", **limits(total, free))


ELSEWHERE = f"account: {OPERATOR} acts on the account {ACCOUNT}; the stage belongs to 210987654321"
NO_ACCOUNT = f"account: {OPERATOR} acts on the account {ACCOUNT} in {REGION}; settings/dev.toml names no account"
DEFECTS: dict[str, tuple[Callable[[Ready], object], str]] = {
    ELSEWHERE: (
        lambda it: it.stage.change(account=AccountSettings(id="210987654321", region=REGION)),
        "export AWS_PROFILE=<a profile of 210987654321>",
    ),
    f"account: the region is {REGION}; the stage belongs to eu-west-1": (
        lambda it: it.stage.change(account=AccountSettings(id=ACCOUNT, region="eu-west-1")),
        "export AWS_REGION=eu-west-1",
    ),
    NO_ACCOUNT: (
        lambda it: it.stage.change(account=None, ledger={"protected": True}),
        f'add [account] with id = "{ACCOUNT}" and region = "{REGION}" to settings/dev.toml',
    ),
    "settings: mail.sender is kit@shop.example; allowed: an SES identity of your account; shop.example is reserved for"
    " examples and tests, and neither sends nor receives mail": (
        lambda it: it.stage.change(mail={"sender": "kit@shop.example"}),
        "correct it in settings/dev.toml",
    ),
    "settings: alarms.email is empty; allowed: an e-mail address, because the stage is protected: without a receiver,"
    " alarms reach nobody": (
        lambda it: it.stage.change(alarms={"email": ""}, ledger={"protected": True}),
        "correct it in settings/dev.toml",
    ),
    f"bootstrap: the CDK's bootstrap stack is missing in {REGION}": (
        lambda it: it.answer("GetParameter", 400, "ParameterNotFound"),
        "make bootstrap STAGE=dev",
    ),
    "bootstrap: the CDK's bootstrap stack has version 5; the stage needs 6": (
        lambda it: it.answer("GetParameter", Parameter={"Value": "5"}),
        "make bootstrap STAGE=dev",
    ),
    "stacks: countersign-dev-ledger is ROLLBACK_COMPLETE, because its first deploy failed": (
        lambda it: it.describe("ledger", StackStatus="ROLLBACK_COMPLETE", EnableTerminationProtection=True),
        "--no-enable-termination-protection --stack-name countersign-dev-ledger",
    ),
    "stacks: countersign-dev-public is UPDATE_ROLLBACK_FAILED": (
        lambda it: it.describe("public", StackStatus="UPDATE_ROLLBACK_FAILED"),
        "aws cloudformation continue-update-rollback --stack-name countersign-dev-public",
    ),
    "stacks: countersign-dev-public is DELETE_FAILED": (
        lambda it: it.describe("public", StackStatus="DELETE_FAILED"),
        "aws cloudformation delete-stack --stack-name countersign-dev-public",
    ),
    "stacks: countersign-dev-public is UPDATE_IN_PROGRESS: another deploy is running": (
        lambda it: it.describe("public", StackStatus="UPDATE_IN_PROGRESS"),
        "wait",
    ),
    "drift: countersign-dev-public has drifted: ApproverFunction DELETED": (
        lambda it: it.drift("DELETED"),
        "aws cloudformation detect-stack-drift --stack-name countersign-dev-public",
    ),
    "names: the event bus countersign-dev-hand-offs exists and is not the stage's": (
        lambda _: client("events").create_event_bus(Name="countersign-dev-hand-offs"),
        "choose another name under [app] or [api] in settings/dev.toml",
    ),
    f"names: the event bus {PARTNER} exists and is not the stage's": (
        take_the_partner_s_bus,
        f"aws events delete-event-bus --name {PARTNER}",
    ),
    "names: the API domain ask.example.com exists and is not the stage's": (
        take_the_domain,
        "aws apigatewayv2 delete-domain-name --domain-name ask.example.com",
    ),
    f"durable: {REGION} has no Lambda durable functions": (
        lambda it: it.answer("ListDurableExecutionsByFunction", 403, "AccessDeniedException", message=UNKNOWN),
        "choose another region",
    ),
    "concurrency: 10 of the account's 10 concurrent executions are unreserved, and the stage reserves 100 for each of"
    " two functions": (lambda it: reserve(it, 10, 10), "to 0, or aws service-quotas request-service-quota-increase"),
    "concurrency: 250 of the account's 1000 concurrent executions are unreserved, and the stage reserves 100 for each"
    " of two functions": (lambda it: reserve(it, 1_000, 250), "settings/dev.toml to 75, or"),
    "mail: SES has not verified kit@acme.org: no mail is sent": (
        lambda it: it.answer("GetEmailIdentity", 404, "NotFoundException"),
        "aws sesv2 create-email-identity --email-identity kit@acme.org",
    ),
    "domain: the hosted zone Z1 is not in this account": (lambda it: it.serve_in_zone(None), "list-hosted-zones"),
    "domain: the hosted zone Z1 is for example.org., not for example.com": (
        lambda it: it.serve_in_zone({"Name": "example.org."}),
        "correct [api] in settings/dev.toml",
    ),
    "domain: the hosted zone Z1 is private, and a certificate needs a public one": (
        lambda it: it.serve_in_zone({"Name": "example.com.", "Config": {"PrivateZone": True}}),
        "correct [api] in settings/dev.toml",
    ),
    "domain: ask.example.com has a record of type CNAME already": (
        lambda it: it.serve_in_zone({"Name": "example.com."}, "CAA", "CNAME"),
        "--hosted-zone-id Z1 --start-record-name ask.example.com shows it",
    ),
    f"domain: the certificate of ask.example.com is in us-east-1; the API needs one in {REGION}": (
        lambda it: it.serve_by_certificate(region="us-east-1"),
        "aws acm request-certificate --validation-method DNS --domain-name ask.example.com",
    ),
    f"domain: the certificate {CERTIFICATE} does not exist in this account": (
        lambda it: it.serve_by_certificate(Answer(400, "ResourceNotFoundException")),
        "aws acm request-certificate",
    ),
    "domain: the certificate of ask.example.com is PENDING_VALIDATION": (
        lambda it: it.serve_by_certificate(issued(Status="PENDING_VALIDATION")),
        f"aws acm describe-certificate --certificate-arn {CERTIFICATE}",
    ),
    f"domain: the certificate {CERTIFICATE} is for example.com, *.example.org, not for ask.example.com": (
        lambda it: it.serve_by_certificate(issued(SubjectAlternativeNames=["example.com", "*.example.org"])),
        "aws acm request-certificate",
    ),
}


@pytest.mark.parametrize("finding", DEFECTS, ids=range(len(DEFECTS)))
def test_each_obstacle_is_a_finding_with_the_command_that_removes_it(ready: Ready, finding: str) -> None:
    defect, advice = DEFECTS[finding]
    defect(ready)
    (found,) = ready.findings().items()
    assert found[0] == finding
    assert advice in found[1]


def test_a_domain_with_its_zone_or_its_certificate_is_ready(ready: Ready) -> None:
    ready.serve_in_zone({"Name": "example.com.", "Config": {"PrivateZone": False}})
    assert ready.findings() == {}
    ready.stage.built = [("public", "AWS::Route53::RecordSet", "ask.example.com")]
    ready.serve_in_zone({"Name": "example.com."}, "A")
    assert ready.findings() == {}, "the record is the stage's own"
    ready.serve_by_certificate()
    assert ready.findings() == {}


def test_the_embedded_cloud_needs_no_preflight(ready: Ready) -> None:
    ready.stage.cloud = CLOUD
    status, out, errors = ready.run("preflight")
    assert (status, out, "--stage" in errors) == (2, "", True), errors


def test_in_another_account_nothing_else_is_checked(ready: Ready) -> None:
    ready.stage.change(account=AccountSettings(id="210987654321", region="eu-west-1"))
    assert (len(ready.findings()), ready.answers["GetAccountSettings"].asked) == (2, [])


def test_the_concurrency_that_the_deployed_stage_reserves_counts_as_free(ready: Ready) -> None:
    ready.stage.built = [("public", "AWS::Lambda::Function", name) for name in ("review", "webhook")]
    ready.answer("GetFunctionConcurrency", ReservedConcurrentExecutions=100)
    reserve(ready, 300, 100)
    assert ready.findings() == {}


def test_a_function_of_the_same_name_that_no_stack_of_the_stage_has_is_a_finding(ready: Ready) -> None:
    names = ("payment", "order-approval", "x")
    ready.answer("ListFunctions", Functions=[{"FunctionName": f"countersign-dev-{name}"} for name in names])
    ready.stage.built = [("workflow", "AWS::Lambda::Function", "countersign-dev-payment")]
    (found,) = ready.findings()
    assert found == "names: the function countersign-dev-order-approval exists and is not the stage's"


def fill_the_quota(it: Ready) -> None:
    at = SystemClock().now() - timedelta(hours=1)
    metric = {"MetricName": "ConcurrentExecutions", "Value": 800.0, "Timestamp": at}
    client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[metric])


NOTES: dict[str, Callable[[Ready], object]] = {
    "payments.operators names finance@shop.example, whom no mail reaches → name real operators in"
    " settings/dev.toml": lambda it: it.stage.change(payments={"operators": ("finance@shop.example",)}),
    "countersign-dev-public is ROLLBACK_COMPLETE, because its first deploy failed → the deploy deletes it, and creates"
    " it again": lambda it: it.describe("public", StackStatus="ROLLBACK_COMPLETE", EnableTerminationProtection=False),
    "countersign-dev-public has drifted: ApproverFunction MODIFIED → undo the change, because a deploy may keep it;"
    " then aws cloudformation detect-stack-drift --stack-name countersign-dev-public": lambda it: it.drift("MODIFIED"),
    "10 of the account's 10 concurrent executions are unreserved, and the stage reserves none → enough for a first"
    " try; before people use the stage: aws service-quotas request-service-quota-increase --service-code lambda"
    " --quota-code L-B99A9384 --desired-value 1000": lambda it: it.answer("GetAccountSettings", **limits(10, 10)),
    "800 of 1,000 concurrent executions were in use → aws service-quotas request-service-quota-increase --service-code"
    " lambda --quota-code L-B99A9384 --desired-value 2000": fill_the_quota,
}


@pytest.mark.parametrize("note", NOTES, ids=range(len(NOTES)))
def test_what_does_not_prevent_a_deploy_is_a_note(ready: Ready, note: str) -> None:
    NOTES[note](ready)
    assert (ready.findings(), ready.notes()) == ({}, [note])


def test_a_missing_right_is_unknown_and_no_pass(ready: Ready) -> None:
    refusal = f"User: {OPERATOR} is not authorized to perform: lambda:GetAccountSettings because no policy allows it"
    ready.answer("GetAccountSettings", 403, "AccessDeniedException", message=refusal)
    needs = "unknown: needs lambda:GetAccountSettings"
    assert list(ready.findings()) == [f"concurrency: {needs}", f"quotas: {needs}"]


@pytest.mark.parametrize(("code", "words"), [("ExpiredToken", "aws sso login"), ("InvalidClientTokenId", "--profile")])
def test_credentials_that_do_not_work_end_with_three(ready: Ready, code: str, words: str) -> None:
    refused = ClientError({"Error": {"Code": code, "Message": ""}}, "GetCallerIdentity")
    with answering("sts", "GetCallerIdentity", refused):
        status, out, errors = ready.run("preflight")
    assert (status, out, words in errors) == (3, "", True), errors
