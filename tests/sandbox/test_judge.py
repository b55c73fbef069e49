"""botocore's service models judge the raw answers of every operation the sandbox answers itself."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.model import OperationModel
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from grants import policies
from grants.sandbox import wire
from grants.sandbox.access_grants.service import OPERATIONS as S3_CONTROL
from grants.sandbox.embedded import EmbeddedSandbox
from grants.sandbox.iam import operations
from grants.sandbox.iam.mfa import code
from tests.support.judge import faults_of
from tests.support.sandbox import Aws, allow, trusting

INSTANCE = "arn:aws:s3:eu-central-1:123456789012:access-grants/default"
CENTER = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
S3_SETTINGS = {
    f"{verb}{name}"
    for verb in ("Get", "Put", "Delete")
    for name in ("BucketEncryption", "BucketOwnershipControls", "PublicAccessBlock", "BucketPolicy")
}
S3_OPERATIONS = S3_SETTINGS | {
    "CreateBucket", "DeleteBucket", "DeleteObjects", "GetBucketLocation", "GetBucketLogging", "GetBucketPolicyStatus",
    "PutBucketLogging",
}  # fmt: skip


class Judge:
    """Hears every raw answer that a client gets."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.account = aws, {"AccountId": aws.account}
        self.heard: set[str] = set()
        self.faults: list[str] = []

    def client(self, service: str, credentials: Mapping[str, str] | None = None) -> Any:
        """Give a client whose answers are judged."""
        client = self.aws(service, credentials or self.aws.sandbox.root)
        client.meta.events.register("before-parse", self.hear)
        return client

    def hear(self, operation_model: OperationModel, response_dict: Mapping[str, Any], **_: Any) -> None:
        body = response_dict["body"]
        if response_dict["status_code"] < 300:
            raw = body if isinstance(body, bytes) else b""
            self.heard.add(operation_model.name)
            self.faults += faults_of(operation_model, response_dict["status_code"], response_dict["headers"], raw)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """Give an account of its own, for its instance of S3 Access Grants is made and deleted."""
    sandbox = EmbeddedSandbox(Path(tmp_path_factory.mktemp("judged")) / "state")
    sandbox.start()
    try:
        yield Aws(sandbox)
    finally:
        sandbox.stop()


@pytest.fixture
def judge(own: Aws) -> Judge:
    return Judge(own)


def test_every_s3_control_operation(judge: Judge, own: Aws) -> None:
    control, account = judge.client("s3control"), judge.account
    control.create_access_grants_instance(**account, IdentityCenterArn=CENTER)
    control.get_access_grants_instance(**account)
    control.list_access_grants_instances(**account)
    control.dissociate_access_grants_identity_center(**account)
    control.associate_access_grants_identity_center(**account, IdentityCenterArn=CENTER)
    control.dissociate_access_grants_identity_center(**account)
    policy_and_tags(control, account)
    bucket = own.make_bucket()
    control.get_access_grants_instance_for_prefix(**account, S3Prefix=f"s3://{bucket}")
    location_and_grant(judge, control, bucket)
    control.delete_access_grants_instance(**account)
    assert judge.faults == []
    assert judge.heard == set(S3_CONTROL)


def policy_and_tags(control: Any, account: Mapping[str, str]) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "210987654321"}, "Action": "s3:GetDataAccess"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": INSTANCE}]})
    control.put_access_grants_instance_resource_policy(**account, Policy=text, Organization="o-1234567890")
    control.get_access_grants_instance_resource_policy(**account)
    control.delete_access_grants_instance_resource_policy(**account)
    control.tag_resource(**account, ResourceArn=INSTANCE, Tags=[{"Key": "a", "Value": ""}])
    control.list_tags_for_resource(**account, ResourceArn=INSTANCE)
    control.untag_resource(**account, ResourceArn=INSTANCE, TagKeys=["a"])


def location_and_grant(judge: Judge, control: Any, bucket: str) -> None:
    account, role = judge.account, judge.aws.make_role(policies.location_trust(INSTANCE), allow("s3:*"))
    place = {"LocationScope": f"s3://{bucket}/p*", "IAMRoleArn": role}
    location = control.create_access_grants_location(**account, **place)["AccessGrantsLocationId"]
    identified = {**account, "AccessGrantsLocationId": location}
    control.get_access_grants_location(**identified)
    control.update_access_grants_location(**identified, IAMRoleArn=role)
    control.list_access_grants_locations(**account)
    reader = judge.aws.make_user(allow(["s3:GetDataAccess", "s3:ListCallerAccessGrants"]))
    grantee = {"GranteeType": "IAM", "GranteeIdentifier": reader["Arn"]}
    grant = control.create_access_grant(**identified, Grantee=grantee, Permission="READ")["AccessGrantId"]
    control.get_access_grant(**account, AccessGrantId=grant)
    control.list_access_grants(**account, MaxResults=1)
    asking = judge.client("s3control", reader)
    asking.list_caller_access_grants(**account)
    asking.get_data_access(**account, Target=f"s3://{bucket}/p/x", Permission="READ")
    control.delete_access_grant(**account, AccessGrantId=grant)
    control.delete_access_grants_location(**identified)


def test_every_sts_operation(judge: Judge, own: Aws) -> None:
    uploader = own.make_user(allow("sts:*"))
    sts = judge.client("sts", uploader)
    sts.get_caller_identity()
    sts.assume_role(RoleArn=own.make_role(uploader["Arn"]), RoleSessionName="work", SourceIdentity="uploader")
    assert judge.faults == []
    assert judge.heard == {"GetCallerIdentity", "AssumeRole"}


def test_every_s3_operation_the_front_answers(judge: Judge, own: Aws) -> None:
    s3, bucket = judge.client("s3"), {"Bucket": own.name("judged")}
    s3.create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": own.region})
    s3.get_bucket_location(**bucket)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(**bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.get_bucket_encryption(**bucket)
    s3.delete_bucket_encryption(**bucket)
    s3.put_bucket_ownership_controls(**bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.get_bucket_ownership_controls(**bucket)
    s3.delete_bucket_ownership_controls(**bucket)
    s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    s3.get_public_access_block(**bucket)
    s3.delete_public_access_block(**bucket)
    target = {"TargetBucket": bucket["Bucket"], "TargetPrefix": "log/"}
    s3.put_bucket_logging(**bucket, BucketLoggingStatus={"LoggingEnabled": target})
    s3.get_bucket_logging(**bucket)
    arn = f"arn:aws:s3:::{bucket['Bucket']}/*"
    statement = {"Effect": "Deny", "Principal": {"AWS": own.account}, "Action": "s3:PutObjectTagging", "Resource": arn}
    s3.put_bucket_policy(**bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.get_bucket_policy(**bucket)
    s3.get_bucket_policy_status(**bucket)
    s3.delete_bucket_policy(**bucket)
    s3.put_object(**bucket, Key="a", Body=b"cells")
    s3.delete_objects(**bucket, Delete={"Objects": [{"Key": "a"}]})
    s3.delete_bucket(**bucket)
    assert judge.faults == []
    assert judge.heard >= S3_OPERATIONS


def test_every_iam_operation(judge: Judge, own: Aws) -> None:
    iam, user, group = judge.client("iam"), {"UserName": own.name("user")}, {"GroupName": own.name("group")}
    iam.create_user(**user, Tags=[{"Key": "a", "Value": "b"}])
    iam.get_user(**user)
    iam.update_user(**user)
    iam.list_users(MaxItems=1)
    iam.create_group(**group)
    iam.update_group(**group)
    iam.add_user_to_group(**group, **user)
    iam.get_group(**group)
    iam.list_groups()
    iam.list_groups_for_user(**user)
    iam.tag_user(**user, Tags=[{"Key": "c", "Value": ""}])
    iam.list_user_tags(**user)
    iam.untag_user(**user, TagKeys=["c"])
    role = a_role(iam, own)
    inline_policies(iam, user, group, role)
    managed_policies(iam, own, user, group, role)
    keys_and_passwords(iam, user)
    certificates(iam, user)
    devices(iam, own, user)
    the_account(iam, own, user)
    iam.remove_user_from_group(**group, **user)
    iam.delete_group(**group)
    iam.delete_role(**role)
    iam.delete_user(**user)
    assert judge.faults == []
    assert judge.heard == set(operations.ALL)


def a_role(iam: Any, own: Aws) -> dict[str, str]:
    role, trust = {"RoleName": own.name("role")}, json.dumps(trusting(f"arn:aws:iam::{own.account}:root"))
    iam.create_role(**role, AssumeRolePolicyDocument=trust, Tags=[{"Key": "a", "Value": "b"}])
    iam.get_role(**role)
    iam.list_roles()
    iam.update_role(**role, MaxSessionDuration=7200)
    iam.update_role_description(**role, Description="reads")
    iam.update_assume_role_policy(**role, PolicyDocument=trust)
    iam.tag_role(**role, Tags=[{"Key": "c", "Value": ""}])
    iam.list_role_tags(**role)
    iam.untag_role(**role, TagKeys=["c"])
    return role


def inline_policies(iam: Any, user: dict[str, str], group: dict[str, str], role: dict[str, str]) -> None:
    text, named = json.dumps(allow("s3:GetObject")), {"PolicyName": "reading"}
    for kind, owner in (("user", user), ("group", group), ("role", role)):
        getattr(iam, f"put_{kind}_policy")(**owner, **named, PolicyDocument=text)
        getattr(iam, f"get_{kind}_policy")(**owner, **named)
        getattr(iam, f"list_{kind}_policies")(**owner)
        iam.get_account_authorization_details(MaxItems=1)
        getattr(iam, f"delete_{kind}_policy")(**owner, **named)


def managed_policies(iam: Any, own: Aws, user: dict[str, str], group: dict[str, str], role: dict[str, str]) -> None:
    text = json.dumps(allow("s3:GetObject"))
    made = iam.create_policy(PolicyName=own.name("policy"), PolicyDocument=text, Tags=[{"Key": "a", "Value": "b"}])
    policy = {"PolicyArn": made["Policy"]["Arn"]}
    iam.get_policy(**policy)
    iam.list_policies(Scope="Local")
    iam.tag_policy(**policy, Tags=[{"Key": "c", "Value": ""}])
    iam.list_policy_tags(**policy)
    iam.untag_policy(**policy, TagKeys=["c"])
    iam.create_policy_version(**policy, PolicyDocument=text)
    iam.set_default_policy_version(**policy, VersionId="v2")
    iam.get_policy_version(**policy, VersionId="v2")
    iam.list_policy_versions(**policy)
    iam.delete_policy_version(**policy, VersionId="v1")
    for kind, owner in (("user", user), ("group", group), ("role", role)):
        getattr(iam, f"attach_{kind}_policy")(**owner, **policy)
        iam.get_account_authorization_details()
        getattr(iam, f"list_attached_{kind}_policies")(**owner)
        iam.list_entities_for_policy(**policy)
        getattr(iam, f"detach_{kind}_policy")(**owner, **policy)
    iam.delete_policy(**policy)


def keys_and_passwords(iam: Any, user: dict[str, str]) -> None:
    key = {"AccessKeyId": iam.create_access_key(**user)["AccessKey"]["AccessKeyId"]}
    iam.list_access_keys(**user)
    iam.get_access_key_last_used(**key)
    iam.update_access_key(**user, **key, Status="Inactive")
    iam.delete_access_key(**user, **key)
    iam.create_login_profile(**user, Password="correct horse 7 B!")
    iam.get_login_profile(**user)
    iam.update_login_profile(**user, PasswordResetRequired=True)
    iam.delete_login_profile(**user)
    made = iam.create_service_specific_credential(**user, ServiceName="codecommit.amazonaws.com")
    credential = {"ServiceSpecificCredentialId": made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]}
    iam.list_service_specific_credentials(**user)
    iam.update_service_specific_credential(**user, **credential, Status="Inactive")
    iam.delete_service_specific_credential(**user, **credential)


def certificates(iam: Any, user: dict[str, str]) -> None:
    public = rsa.generate_private_key(65_537, 2_048).public_key()
    text = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    ssh = {"SSHPublicKeyId": iam.upload_ssh_public_key(**user, SSHPublicKeyBody=text)["SSHPublicKey"]["SSHPublicKeyId"]}
    iam.get_ssh_public_key(**user, **ssh, Encoding="SSH")
    iam.list_ssh_public_keys(**user)
    iam.update_ssh_public_key(**user, **ssh, Status="Inactive")
    iam.delete_ssh_public_key(**user, **ssh)
    made = iam.upload_signing_certificate(**user, CertificateBody=a_certificate())["Certificate"]
    signing = {"CertificateId": made["CertificateId"]}
    iam.list_signing_certificates(**user)
    iam.update_signing_certificate(**user, **signing, Status="Inactive")
    iam.delete_signing_certificate(**user, **signing)


def a_certificate() -> str:
    key, day = ec.generate_private_key(ec.SECP256R1()), datetime(2026, 1, 1)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.org")])
    begun = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = begun.serial_number(1).not_valid_before(day).not_valid_after(day + timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def devices(iam: Any, own: Aws, user: dict[str, str]) -> None:
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=own.name("phone"))["VirtualMFADevice"]
    serial, seed = {"SerialNumber": made["SerialNumber"]}, made["Base32StringSeed"].decode()
    step = int(datetime.now().timestamp()) // 30
    codes = {"AuthenticationCode1": code(seed, step - 1), "AuthenticationCode2": code(seed, step)}
    iam.enable_mfa_device(**user, **serial, **codes)
    iam.resync_mfa_device(**user, **serial, **codes)
    iam.list_mfa_devices(**user)
    iam.list_virtual_mfa_devices()
    iam.deactivate_mfa_device(**user, **serial)
    iam.delete_virtual_mfa_device(**serial)


def the_account(iam: Any, own: Aws, user: dict[str, str]) -> None:
    iam.get_account_summary()
    iam.create_account_alias(AccountAlias="judged")
    iam.list_account_aliases()
    iam.delete_account_alias(AccountAlias="judged")
    asked = {"ActionNames": ["s3:GetObject"], "ResourceArns": ["arn:aws:s3:::gallery/a"]}
    iam.simulate_custom_policy(PolicyInputList=[json.dumps(allow("s3:*"))], **asked)
    arn = f"arn:aws:iam::{own.account}:user/{user['UserName']}"
    iam.simulate_principal_policy(PolicySourceArn=arn, **asked)


WRONG = {
    "an unknown element": b"<R><Nothing>x</Nothing></R>",
    "a time that is none": b"<R><CreatedAt>yesterday</CreatedAt></R>",
    "a value that is none": b"<R><Permission>ADMIN</Permission></R>",
    "the same twice": b"<R><GrantScope>a</GrantScope><GrantScope>b</GrantScope></R>",
    "an element in a scalar": b"<R><GrantScope><Deep/></GrantScope></R>",
    "an unknown element deep inside": b"<R><Grantee><Name>x</Name></Grantee></R>",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=list(WRONG))
def test_the_judge_hears_what_is_wrong(body: bytes) -> None:
    assert len(faults_of(wire.model("s3control").operation_model("GetAccessGrant"), 200, {}, body)) == 1


def test_the_judge_misses_what_is_missing() -> None:
    tags = b"<R><Tags><Tag><Key>a</Key></Tag></Tags></R>"
    assert faults_of(wire.model("s3control").operation_model("ListTagsForResource"), 200, {}, tags)
    user = b"<GetUserResponse><GetUserResult></GetUserResult><ResponseMetadata/></GetUserResponse>"
    assert faults_of(wire.model("iam").operation_model("GetUser"), 200, {}, user) == ["GetUser.User is missing"]
    assert faults_of(wire.model("s3control").operation_model("TagResource"), 200, {}, b"")
