"""Trust policies for the role this service runs as, by where it runs, and the policy of its access log's bucket. Pure.

Each names one account, and where AWS lets one say so, one cluster or one service account.
"""

from collections.abc import Mapping
from typing import Any

from grants.policies import VERSION, Document


def ec2_instances() -> Document:
    """Give the trust for EC2, which hands the role to instances with its instance profile.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html
    """
    return _trust({"Service": "ec2.amazonaws.com"}, "sts:AssumeRole")


def ecs_tasks(account: str, region: str, partition: str = "aws") -> Document:
    """Give the trust for tasks of ECS in one account and Region; the role is the task role, not the execution role.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    here = {
        "ArnLike": {"aws:SourceArn": f"arn:{partition}:ecs:{region}:{account}:*"},
        "StringEquals": {"aws:SourceAccount": account},
    }
    return _trust({"Service": "ecs-tasks.amazonaws.com"}, "sts:AssumeRole", Condition=here)


def kubernetes_service_account(
    account: str, *, issuer: str, namespace: str, name: str, partition: str = "aws"
) -> Document:
    """Give the trust for one service account of one EKS cluster; `issuer` is its OIDC issuer without https://.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
    """
    exactly = {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": f"system:serviceaccount:{namespace}:{name}",
    }
    provider = {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"}
    return _trust(provider, "sts:AssumeRoleWithWebIdentity", Condition={"StringEquals": exactly})


def access_log(target: str, prefix: str, *, bucket: str, account: str, partition: str = "aws") -> Document:
    """Give what lets S3 write the access log of one bucket into another one, below a prefix.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    statement = {
        "Sid": "AccessLog",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:{partition}:s3:::{target}/{prefix}*",
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"arn:{partition}:s3:::{bucket}"},
            "StringEquals": {"aws:SourceAccount": account},
        },
    }
    return {"Version": VERSION, "Statement": [statement]}


def _trust(principal: Mapping[str, str], action: str, **more: Any) -> Document:
    return {
        "Version": VERSION,
        "Statement": [{"Effect": "Allow", "Principal": dict(principal), "Action": action, **more}],
    }
