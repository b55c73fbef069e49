"""Access keys: two for a user, active or not, last used."""

from datetime import timedelta

from tests.support.iam import ROOT_KEY, START, Driver, allow

NAME = "uploader@example.org"


def test_the_secret_is_shown_once(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    made = iam("CreateAccessKey", UserName=NAME)["AccessKey"]
    assert made["AccessKeyId"].startswith("AKIA")
    assert len(made["AccessKeyId"]) == 20
    assert len(made["SecretAccessKey"]) == 40
    listed = iam("ListAccessKeys", UserName=NAME)["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in listed] == [made["AccessKeyId"]]
    assert "SecretAccessKey" not in listed[0]


def test_a_third_key_is_refused_until_one_is_deleted(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    first = iam("CreateAccessKey", UserName=NAME)["AccessKey"]["AccessKeyId"]
    iam("CreateAccessKey", UserName=NAME)
    message = iam.refused("CreateAccessKey", "LimitExceeded", UserName=NAME)
    assert message == "Cannot exceed quota for AccessKeysPerUser: 2"
    iam("UpdateAccessKey", UserName=NAME, AccessKeyId=first, Status="Inactive")
    iam.refused("CreateAccessKey", "LimitExceeded", UserName=NAME)
    iam("DeleteAccessKey", UserName=NAME, AccessKeyId=first)
    iam("CreateAccessKey", UserName=NAME)


def test_a_key_is_active_or_inactive(iam: Driver) -> None:
    caller = iam.user(NAME)
    iam("UpdateAccessKey", UserName=NAME, AccessKeyId=caller.access_key_id, Status="Inactive")
    key = iam.iam.key(caller.access_key_id)
    assert key is not None
    assert not key.active
    assert not iam.seaweed.keys[caller.access_key_id][2]
    for status in ("active", "Expired", ""):
        iam.refused(
            "UpdateAccessKey", "ValidationError", UserName=NAME, AccessKeyId=caller.access_key_id, Status=status
        )


def test_a_deleted_key_belongs_to_nobody(iam: Driver) -> None:
    caller = iam.user(NAME)
    iam("DeleteAccessKey", UserName=NAME, AccessKeyId=caller.access_key_id)
    assert iam.iam.key(caller.access_key_id) is None
    assert iam.seaweed.keys == {}
    iam.refused("DeleteAccessKey", "NoSuchEntity", UserName=NAME, AccessKeyId=caller.access_key_id)


def test_a_key_of_another_user_cannot_be_touched_through_ones_own_name(iam: Driver) -> None:
    caller, other = iam.user(NAME, allow("iam:*AccessKey*")), iam.user("neighbour@example.org")
    iam.refused("DeleteAccessKey", "NoSuchEntity", by=caller, AccessKeyId=other.access_key_id)
    assert iam.iam.key(other.access_key_id) is not None


def test_a_user_manages_their_own_keys_without_saying_their_name(iam: Driver) -> None:
    caller = iam.user(NAME, allow("iam:*AccessKey*", "arn:aws:iam::*:user/${aws:username}"))
    second = iam("CreateAccessKey", by=caller)["AccessKey"]["AccessKeyId"]
    assert len(iam("ListAccessKeys", by=caller)["AccessKeyMetadata"]) == 2
    iam("UpdateAccessKey", by=caller, AccessKeyId=second, Status="Inactive")
    iam("DeleteAccessKey", by=caller, AccessKeyId=second)
    iam("CreateUser", UserName="neighbour@example.org")
    iam.refused("CreateAccessKey", "AccessDenied", by=caller, UserName="neighbour@example.org")


def test_last_use_is_told_to_the_minute(iam: Driver) -> None:
    caller = iam.user(NAME)
    wanted = {"AccessKeyId": caller.access_key_id}
    never = iam("GetAccessKeyLastUsed", **wanted)
    assert never == {"UserName": NAME, "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    iam.iam.touch_key(caller.access_key_id, "s3", "eu-central-1")
    iam.wait(59)
    iam.iam.touch_key(caller.access_key_id, "sts", "us-east-1")
    last = iam("GetAccessKeyLastUsed", **wanted)["AccessKeyLastUsed"]
    assert last == {"LastUsedDate": START, "ServiceName": "s3", "Region": "eu-central-1"}
    iam.wait(1)
    iam.iam.touch_key(caller.access_key_id, "sts", "us-east-1")
    iam.open()
    last = iam("GetAccessKeyLastUsed", **wanted)["AccessKeyLastUsed"]
    assert last == {"LastUsedDate": START + timedelta(minutes=1), "ServiceName": "sts", "Region": "us-east-1"}


def test_last_use_of_an_unknown_key_is_no_such_entity(iam: Driver) -> None:
    iam.refused("GetAccessKeyLastUsed", "NoSuchEntity", AccessKeyId="AKIAXXXXXXXXXXXXXXXX")
    iam.iam.touch_key("AKIAXXXXXXXXXXXXXXXX", "s3", "eu-central-1")
    iam.refused("GetAccessKeyLastUsed", "NoSuchEntity", AccessKeyId="AKIAXXXXXXXXXXXXXXXX")


def test_the_last_use_of_anothers_key_is_told_to_whom_may_know(iam: Driver) -> None:
    key = iam.user("neighbour@example.org").access_key_id
    caller = iam.user(NAME, allow("iam:GetAccessKeyLastUsed", "arn:aws:iam::*:user/${aws:username}"))
    iam.refused("GetAccessKeyLastUsed", "AccessDenied", by=caller, AccessKeyId=key)
    assert iam("GetAccessKeyLastUsed", by=caller, AccessKeyId=caller.access_key_id)["UserName"] == NAME


def test_the_roots_key_is_seaweedfss_administrator_and_stays(iam: Driver) -> None:
    key = iam.iam.key(ROOT_KEY)
    assert key is not None
    assert key.user_name is None
    assert key.active
    assert iam("ListAccessKeys")["AccessKeyMetadata"][0]["AccessKeyId"] == ROOT_KEY
    for operation, more in (("CreateAccessKey", {}), ("DeleteAccessKey", {"AccessKeyId": ROOT_KEY})):
        assert "UserName" in iam.refused(operation, "ValidationError", **more)


def test_secrets_differ_and_come_from_the_systems_generator(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    secrets = {iam("CreateAccessKey", UserName=NAME)["AccessKey"]["SecretAccessKey"] for _ in range(2)}
    assert len(secrets) == 2
