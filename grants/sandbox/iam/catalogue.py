"""AWS's managed policies as moto carries them: read when first asked for, copied into the account when attached."""

import base64
import copy
import functools
import hashlib
import json
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy

PREFIX = "arn:aws:iam::aws:policy/"


def find(arn: str) -> AWSManagedPolicy | None:
    """Give a copy of AWS's own policy of this ARN, attached to nothing."""
    return copy.deepcopy(everything().get(arn)) if arn.startswith(PREFIX) else None


@functools.cache
def everything() -> dict[str, AWSManagedPolicy]:
    """Give all of them by ARN."""
    policies = [_made(name, data) for name, data in json.loads(aws_managed_policies_data).items()]
    return {policy.arn: policy for policy in policies}


def _made(name: str, data: dict[str, Any]) -> AWSManagedPolicy:
    policy = AWSManagedPolicy.from_data(name, "aws", "aws", data)
    # moto does not know AWS's ids; one made of the ARN is the same tomorrow.
    policy.id = f"ANPA{base64.b32encode(hashlib.sha256(policy.arn.encode()).digest()).decode()[:17]}"
    return policy
