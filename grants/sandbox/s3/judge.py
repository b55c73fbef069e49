"""Asks the evaluator for every permission an S3 request needs, bucket policies and public access blocks included."""

from grants.sandbox.authorization import Context, decide, denial
from grants.sandbox.calls import Caller, CallerKind
from grants.sandbox.errors import access_denied
from grants.sandbox.s3.actions import Need
from grants.sandbox.s3.policies import BucketPolicies, is_public
from grants.sandbox.s3.settings import BucketSettings


class Judge:
    """Says why somebody may not do a thing in S3."""

    def __init__(self, account: str, settings: BucketSettings, policies: BucketPolicies) -> None:
        """Judge by the buckets' `policies` and their public access blocks among the `settings`."""
        self._account, self._settings, self._policies = account, settings, policies

    def require(self, caller: Caller, need: Need, context: Context) -> None:
        """Raise AccessDenied in AWS's words unless the caller has a permission."""
        refusal = self.refusal(caller, need, context)
        if refusal:
            raise access_denied(refusal)

    def refusal(self, caller: Caller, need: Need, context: Context) -> str:
        """Say why a permission is missing, or nothing."""
        bucket = need.resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        policy = self._policies.of(bucket)
        anonymous = caller.kind is CallerKind.ANONYMOUS
        if policy is not None and anonymous and self._settings.blocks(bucket, "RestrictPublicBuckets"):
            policy = policy if not is_public(policy.document) else None
        account = self._account
        keys = {**context, "s3:ResourceAccount": account, "aws:ResourceAccount": account, **need.context}
        decision = decide(caller, need.action, need.resource, keys, resource_policy=policy)
        return "" if decision.allowed else denial(caller, need.action, need.resource, decision)

    def may_list(self, caller: Caller, bucket: str, context: Context) -> bool:
        """Tell whether the caller may know that a key is missing.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        return not self.refusal(caller, Need("s3:ListBucket", f"arn:aws:s3:::{bucket}"), context)
