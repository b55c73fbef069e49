"""Pages and filters."""

import time

import pytest

from tests.support.access_grants import BUCKET, GrantsLab, refused, wish
from tests.support.sts import ACCOUNT, Caller

B = f"s3://{BUCKET}"


def seeded(lab: GrantsLab, count: int) -> tuple[Caller, str]:
    reader, location = lab.reader(), lab.location()
    lab.grants.seed_grants(wish(location, f"{number:06}/*", reader) for number in range(count))
    return reader, location


def test_a_page_has_a_hundred_unless_asked(lab: GrantsLab) -> None:
    seeded(lab, 250)
    assert [len(page) for page in lab.pages("ListAccessGrants", "AccessGrantsList")] == [100, 100, 50]
    assert [len(page) for page in lab.pages("ListAccessGrants", "AccessGrantsList", MaxResults=0)] == [100, 100, 50]
    assert [len(page) for page in lab.pages("ListAccessGrants", "AccessGrantsList", MaxResults=125)] == [125, 125]
    assert [len(page) for page in lab.pages("ListAccessGrants", "AccessGrantsList", MaxResults=1000)] == [250]


def test_pages_show_everything_once(lab: GrantsLab) -> None:
    seeded(lab, 120)
    found = [
        grant["GrantScope"]
        for page in lab.pages("ListAccessGrants", "AccessGrantsList", MaxResults=7)
        for grant in page
    ]
    assert found == [f"{B}/{number:06}/*" for number in range(120)]


def test_what_is_made_and_deleted_meanwhile_shifts_nothing(lab: GrantsLab) -> None:
    reader, location = seeded(lab, 10)
    first = lab.do("ListAccessGrants", MaxResults=4)
    for grant in first["AccessGrantsList"]:
        lab.do("DeleteAccessGrant", AccessGrantId=grant["AccessGrantId"])
    lab.grant(location, "000000/0/*", reader)
    rest = lab.do("ListAccessGrants", MaxResults=4, NextToken=first["NextToken"])
    assert [grant["GrantScope"][-9:] for grant in rest["AccessGrantsList"]] == [
        "/000004/*",
        "/000005/*",
        "/000006/*",
        "/000007/*",
    ]


@pytest.mark.parametrize("results", [-1, 1001])
@pytest.mark.parametrize(
    "operation",
    ["ListAccessGrants", "ListAccessGrantsLocations", "ListAccessGrantsInstances", "ListCallerAccessGrants"],
)
def test_a_page_has_limits(lab: GrantsLab, operation: str, results: int) -> None:
    with refused("InvalidRequest", "MaxResults"):
        lab.do(operation, MaxResults=results)


def test_a_token_is_good_for_its_list_alone(lab: GrantsLab) -> None:
    reader, _ = seeded(lab, 3)
    token = lab.do("ListAccessGrants", MaxResults=1)["NextToken"]
    flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    for wrong in (flipped, "x", "ä", token + "AAAA", "AAAA"):
        with refused("InvalidRequest", "NextToken"):
            lab.do("ListAccessGrants", NextToken=wrong)
    with refused("InvalidRequest", "NextToken"):
        lab.do("ListAccessGrants", NextToken=token, Permission="READ")
    with refused("InvalidRequest", "NextToken"):
        lab.do("ListCallerAccessGrants", reader, NextToken=token)


def test_callers_tokens_are_their_own(lab: GrantsLab) -> None:
    reader, location = seeded(lab, 3)
    neighbour = lab.reader()
    lab.grant(location, "a/*", neighbour)
    token = lab.do("ListCallerAccessGrants", reader, MaxResults=1)["NextToken"]
    with refused("InvalidRequest", "NextToken"):
        lab.do("ListCallerAccessGrants", neighbour, MaxResults=1, NextToken=token)


def test_locations_have_pages(lab: GrantsLab) -> None:
    role = lab.location_role()
    for number in range(5):
        lab.location(f"{B}/{number}/*", role)
    found = list(lab.pages("ListAccessGrantsLocations", "AccessGrantsLocationsList", MaxResults=2))
    assert [len(page) for page in found] == [2, 2, 1]


def test_filters_hold_together(lab: GrantsLab) -> None:
    reader, neighbour, location = lab.reader(), lab.reader(), lab.location()
    lab.do("AssociateAccessGrantsIdentityCenter", IdentityCenterArn="arn:aws:sso:::instance/ssoins-1234567890abcdef")
    application = f"arn:aws:sso::{ACCOUNT}:application/ssoins-1234567890abcdef/apl-1"
    one = lab.grant(location, "a/*", reader, "READ")
    two = lab.grant(location, "a/*", reader, "WRITE")
    three = lab.grant(location, "a/*", neighbour, "READ", ApplicationArn=application)
    four = lab.grant(location, "b/*", neighbour, "READ")

    def found(**filters: str) -> set[str]:
        return {grant["AccessGrantId"] for grant in lab.do("ListAccessGrants", **filters)["AccessGrantsList"]}

    assert found(GranteeIdentifier=reader.arn) == {one, two}
    assert found(Permission="READ") == {one, three, four}
    assert found(GrantScope=f"{B}/a/*") == {one, two, three}
    assert found(GrantScope=f"{B}/a/") == set()
    assert found(ApplicationArn=application) == {three}
    assert found(GranteeType="IAM") == {one, two, three, four}
    assert found(GranteeType="DIRECTORY_USER") == set()
    assert found(GranteeIdentifier=neighbour.arn, GrantScope=f"{B}/b/*", Permission="READ") == {four}


def test_callers_see_their_own_grants(lab: GrantsLab) -> None:
    reader, neighbour, location = lab.reader(), lab.reader(), lab.location()
    lab.grant(location, "a/*", reader)
    lab.grant(location, "ab/*", reader, "WRITE")
    lab.grant(location, "a/*", neighbour)

    def found(**filters: object) -> list[str]:
        listed = lab.do("ListCallerAccessGrants", reader, **filters)["CallerAccessGrantsList"]
        assert {grant["ApplicationArn"] for grant in listed} <= {"NA"}
        return [grant["GrantScope"] for grant in listed]

    assert found() == [f"{B}/a/*", f"{B}/ab/*"]
    assert found(GrantScope="s3://") == [f"{B}/a/*", f"{B}/ab/*"]
    assert found(GrantScope="s3://ga") == [f"{B}/a/*", f"{B}/ab/*"]
    assert found(GrantScope=f"{B}/a/") == [f"{B}/a/*"]
    assert found(GrantScope=f"{B}/ab/deep/key") == [f"{B}/ab/*"]
    assert found(GrantScope=f"{B}/c") == []
    assert found(AllowedByApplication=True) == [f"{B}/a/*", f"{B}/ab/*"]
    with refused("InvalidRequest", "must begin with s3://"):
        found(GrantScope="gallery/a")


def test_the_root_has_no_grants_of_its_own(lab: GrantsLab) -> None:
    seeded(lab, 3)
    assert lab.do("ListCallerAccessGrants") == {"CallerAccessGrantsList": []}


def test_grants_for_applications_are_left_out_on_request(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    lab.do("AssociateAccessGrantsIdentityCenter", IdentityCenterArn="arn:aws:sso:::instance/ssoins-1234567890abcdef")
    application = f"arn:aws:sso::{ACCOUNT}:application/ssoins-1234567890abcdef/apl-1"
    lab.grant(location, "a/*", reader, ApplicationArn=application)
    (entry,) = lab.do("ListCallerAccessGrants", reader)["CallerAccessGrantsList"]
    assert entry["ApplicationArn"] == application
    assert lab.do("ListCallerAccessGrants", reader, AllowedByApplication=True)["CallerAccessGrantsList"] == []


@pytest.mark.slow
def test_a_hundred_thousand_grants_are_listed_and_matched_fast(lab: GrantsLab) -> None:
    lab.judged = False  # writing 100,000 of them out is not what is measured
    seeded(lab, 50_000)
    reader, location = lab.reader(), lab.location(f"{B}/other/")
    lab.grants.seed_grants(wish(location, f"{number:06}/*", reader) for number in range(50_000))
    total = sum(len(page) for page in lab.pages("ListAccessGrants", "AccessGrantsList", MaxResults=1000))
    assert total == 100_000
    began = time.perf_counter()
    for number in range(0, 50_000, 500):
        scope = lab.access(reader, f"{B}/other/{number:06}/some/key")["MatchedGrantTarget"]
        assert scope == f"{B}/other/{number:06}/*"
    assert (time.perf_counter() - began) / 100 < 0.05  # ten times what it takes, so that a busy machine passes
