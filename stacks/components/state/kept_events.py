"""Kept events: the bucket with verified posts of providers, and the rights to add to it and to read it."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import (
    CfnOutput,
    CrossStackReferences,
    Duration,
    Fn,
    ReferenceStrength,
    RemovalPolicy,
    Stack,
    Token,
)
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.components.house.findings import Accepted, accept, shown
from stacks.components.house.rights import allow
from stacks.components.state.customer_key import CustomerKey

_EVENTS = "events/*"
_NAME = "EventsBucketName"

_LOGGED_BY_ITS_USERS = (
    "its writer logs every failed put, its reader every replay; CloudTrail's data events show all else"
)
_ERASABLE = "a version behind each object would keep personal data that an operator has erased"
_NOT_A_RECORD = "the ledger is the record of what events did; the copies serve replays, and expire after some days"
_UNDER_S3_S_KEY = "S3's own key encrypts it; a stage with real data sets customer_keys = true in its settings"
_ONE_PREFIX = "The function puts each event as an object of its own below one prefix, and reads nothing else there"


class KeptEvents(Construct):
    """The bucket of a stage's kept events. The bucket deletes each after some days.

    The webhook function may add to it and read nothing of it, the replay function may read it.

    Args:
        keep_days: How many days it keeps an event.
        key: The stage's key; None for S3's own.

    Attributes:
        bucket: The bucket.
        environment: Variables of the functions that use it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        keep_days: int,
        key: CustomerKey | None,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key.key if key else None,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(keep_days))],
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            removal_policy=removal_policy,
        )
        # A stage can stop keeping events; an export in use would refuse that.
        CrossStackReferences.of(self.bucket).produce(ReferenceStrength.WEAK)
        self.environment: Mapping[str, str] = {"EVENTS_BUCKET": self.bucket.bucket_name}
        accept(
            self.bucket,
            Accepted(_LOGGED_BY_ITS_USERS, solutions="S1", nist="S3BucketLoggingEnabled", checkov="CKV_AWS_18"),
            Accepted(_ERASABLE, nist="S3BucketVersioningEnabled", checkov="CKV_AWS_21"),
            Accepted(_NOT_A_RECORD, nist="S3BucketReplicationEnabled"),
        )
        if key is None:
            accept(self.bucket, Accepted(_UNDER_S3_S_KEY, nist="S3DefaultEncryptionKMS"))
        CfnOutput(self, "Name", value=self.bucket.bucket_name).override_logical_id(_NAME)

    def grant_put(self, grantee: iam.IGrantable) -> None:
        """Allow adding events, and replacing one by a later delivery."""
        allow(grantee, "s3:PutObject", on=[self._arn(f"/{_EVENTS}")])
        self._allow_key(grantee, "kms:GenerateDataKey")
        self._accept_prefix(grantee)

    def grant_read(self, grantee: iam.IGrantable) -> None:
        """Allow reading events. Without the right to list, S3 would answer 403 for an unknown key."""
        allow(grantee, "s3:GetObject", on=[self._arn(f"/{_EVENTS}")])
        allow(grantee, "s3:ListBucket", on=[self._arn()])
        self._allow_key(grantee, "kms:Decrypt")
        self._accept_prefix(grantee)

    def _arn(self, path: str = "") -> str:
        # Not `bucket_arn`: its name across stacks is unknown until synth, and the finding below contains the name.
        stack = Stack.of(self)
        name = Token.as_string(Fn.get_stack_output(stack.stack_name, _NAME, stack.region))
        return stack.format_arn(service="s3", region="", account="", resource=f"{name}{path}")

    def _allow_key(self, grantee: iam.IGrantable, action: str) -> None:
        if self._key:
            through = {"StringEquals": {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}}
            allow(grantee, action, on=[self._key.key.key_arn], conditions=through)

    def _accept_prefix(self, grantee: iam.IGrantable) -> None:
        principal = grantee.grant_principal
        construct = principal if isinstance(principal, iam.Role) else grantee
        finding = f"IAM5[Resource::{shown(self, self._arn(f'/{_EVENTS}'))}]"
        accept(construct, Accepted(_ONE_PREFIX, solutions=finding))  # type: ignore[arg-type]
