"""The API's own domain."""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from stacks.components.edge.api import PublicApi
from stacks.components.edge.api_stage import STAGE, ApiStage


class ApiDomain(Construct):
    """A domain name of the API, with its certificate and its record if their zone is in Route 53.

    Args:
        api: The API.
        stage: The API's stage.
        domain: The host name.
        zone: Id and name of the hosted zone; None if the zone is elsewhere.
        certificate_arn: The certificate; empty for a new one, which the zone proves.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        api: PublicApi,
        stage: ApiStage,
        domain: str,
        zone: tuple[str, str] | None,
        certificate_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        hosted_zone = None
        if zone:
            zone_id, zone_name = zone
            hosted_zone = route53.HostedZone.from_hosted_zone_attributes(
                self, "Zone", hosted_zone_id=zone_id, zone_name=zone_name
            )
        name = apigatewayv2.DomainName(
            self, "Name", domain_name=domain, certificate=self._certificate(domain, hosted_zone, certificate_arn)
        )
        mapping = apigatewayv2.CfnApiMapping(self, "Mapping", api_id=api.api.api_id, domain_name=name.name, stage=STAGE)
        mapping.node.add_dependency(stage)
        if hosted_zone is None:
            CfnOutput(self, "Target", value=name.regional_domain_name).override_logical_id("ApiDomainTarget")
            return
        route53.ARecord(
            self,
            "Record",
            zone=hosted_zone,
            record_name=domain,
            target=route53.RecordTarget.from_alias(
                targets.ApiGatewayv2DomainProperties(name.regional_domain_name, name.regional_hosted_zone_id)
            ),
        )

    def _certificate(self, domain: str, zone: route53.IHostedZone | None, arn: str) -> acm.ICertificate:
        if zone is None:
            return acm.Certificate.from_certificate_arn(self, "Certificate", arn)
        proof = acm.CertificateValidation.from_dns(zone)
        return acm.Certificate(self, "Certificate", domain_name=domain, validation=proof)
