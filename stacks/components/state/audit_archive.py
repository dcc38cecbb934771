"""The immutable copy of the audit: a bucket with Object Lock, and the right to add to it."""

from __future__ import annotations

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

_ENTRIES = "audit/*"
_NAME = "AuditBucketName"

_CHANGES_OF_WHAT_IS_KEPT = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
)

_LOCKED = "Object Lock keeps its objects from changes, and its one writer logs every refused put"
_UNDER_NOBODY_S_KEY = (
    "S3's own key encrypts it: with a customer key, deleting the key would make locked objects unreadable"
)
_OWN_OBJECTS = "The entries of each batch are an object of their own below one prefix, and no put can replace another"
_ONE_COPY = "it is itself a copy of the ledger's audit; a fork that must survive the loss of a region replicates both"


class AuditArchive(Construct):
    """The bucket, and the right to add to it.

    Every version of an object is locked as soon as it is put. A protected stage uses the mode COMPLIANCE: nobody, not
    even the account's root, can unlock an object early, and only this makes the copy a proof. Other stages use
    GOVERNANCE: a role with `s3:BypassGovernanceRetention` can still delete everything.

    Args:
        object_lock_days: How long objects are locked.
        protected: Whether to use COMPLIANCE.

    Attributes:
        bucket: The bucket.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        object_lock_days: int,
        protected: bool,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        mode = s3.ObjectLockRetention.compliance if protected else s3.ObjectLockRetention.governance
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            object_lock_default_retention=mode(Duration.days(object_lock_days)),
            # S3's own key: deleting a key of ours would make locked objects unreadable.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            removal_policy=removal_policy,
        )
        # A stage can end its copies; an export in use would refuse that.
        CrossStackReferences.of(self.bucket).produce(ReferenceStrength.WEAK)
        accept(
            self.bucket,
            Accepted(_LOCKED, solutions="S1", nist="S3BucketLoggingEnabled", checkov="CKV_AWS_18"),
            Accepted(_UNDER_NOBODY_S_KEY, nist="S3DefaultEncryptionKMS"),
            Accepted(_ONE_COPY, nist="S3BucketReplicationEnabled"),
        )
        CfnOutput(self, "Name", value=self.bucket.bucket_name).override_logical_id(_NAME)

    def grant_append(self, grantee: iam.IGrantable) -> None:
        """Let a role of a later stack add entries and read them.

        Denials keep it from changing an entry, even if it is granted more later. A condition on the header of a put
        refuses to replace an object:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html.
        Object Lock's default retention needs no right.
        """
        role = grantee.grant_principal
        assert isinstance(role, iam.Role), "functions put entries, and have a role"
        # Not `bucket_arn`: its name across stacks is unknown until synth, and the finding below contains the name.
        stack = Stack.of(self)
        name = Fn.get_stack_output(stack.stack_name, _NAME, stack.region)
        entries = [
            stack.format_arn(service="s3", region="", account="", resource=f"{Token.as_string(name)}/{_ENTRIES}")
        ]
        replacing = {"Null": {"s3:if-none-match": "true"}}
        deny = iam.Effect.DENY
        for statement in (
            iam.PolicyStatement(actions=["s3:GetObject", "s3:PutObject"], resources=entries),
            iam.PolicyStatement(effect=deny, actions=["s3:PutObject"], resources=entries, conditions=replacing),
            iam.PolicyStatement(effect=deny, actions=list(_CHANGES_OF_WHAT_IS_KEPT), resources=entries),
        ):
            role.add_to_policy(statement)
        accept(role, Accepted(_OWN_OBJECTS, solutions=f"IAM5[Resource::{shown(self, entries[0])}]"))
