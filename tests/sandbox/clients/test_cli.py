"""The AWS CLI by environment variables alone, typed as in cytoskel's guide to its staging bucket."""

import hashlib
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.clients import Terminal
from tests.support.gallery import BUCKET, GROUP, Gallery, Uploader

SCRIPT = """
export AWS_PROFILE=cpg_staging
export AWS_REGION={region}
if output=$({asking}); then
  export AWS_ACCESS_KEY_ID=$(echo "$output" | {member} AccessKeyId)
  export AWS_SECRET_ACCESS_KEY=$(echo "$output" | {member} SecretAccessKey)
  export AWS_SESSION_TOKEN=$(echo "$output" | {member} SessionToken)
else
  echo "no access"
fi
"""
MEMBER = "python3 -c 'import json, sys; print(json.load(sys.stdin)[\"Credentials\"][sys.argv[1]])'"
MANY = 40 * 2**20


def fill(path: Path, size: int) -> str:
    """Write a file whose every part differs, and give its digest."""
    block = hashlib.sha256(path.name.encode()).digest()
    data = b"".join(hashlib.sha256(block + number.to_bytes(4)).digest() for number in range(size // 32))
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_user_asks_for_access_and_uploads(uploader: Uploader, neighbour: Uploader) -> None:
    """The whole guide in short; the other tests here take each step apart."""
    answer = uploader.terminal.told(uploader.asking(seconds=43_200))
    assert answer["MatchedGrantTarget"] == f"{uploader.url}/*"
    assert answer["Grantee"] == {"GranteeType": "IAM", "GranteeIdentifier": uploader.arn}
    session = uploader.terminal.with_(answer["Credentials"])
    (session.home / "localfile.txt").write_text("cells")
    session.good(f"aws s3 cp localfile.txt {uploader.url}/")
    assert "localfile.txt" in session.good(f"aws s3 ls {uploader.url}/")
    assert "AccessDenied" in session.refused(f"aws s3 cp localfile.txt {neighbour.url}/")


@pytest.mark.slow
def test_the_guides_script_in_a_profile_of_its_own(uploader: Uploader) -> None:
    keyless = {name: value for name, value in uploader.variables.items() if "ACCESS_KEY" not in name}
    keyless |= {
        "AWS_CONFIG_FILE": str(uploader.terminal.home / ".aws/config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(uploader.terminal.home / ".aws/credentials"),
    }
    terminal = Terminal(uploader.terminal.home, keyless)
    for setting, value in (
        ("access_key_id", uploader.key["AccessKeyId"]),
        ("secret_access_key", uploader.key["SecretAccessKey"]),
    ):
        terminal.good(f"aws configure set aws_{setting} '{value}' --profile cpg_staging")
    assert uploader.arn in terminal.good("aws sts get-caller-identity --profile cpg_staging")
    script = SCRIPT.format(asking=uploader.asking(), region=uploader.gallery.sandbox.region, member=MEMBER)
    (terminal.home / "s3_credentials.sh").write_text(script)
    inside = "(source ./s3_credentials.sh; aws sts get-caller-identity; aws s3 ls " + uploader.url + "/)"
    shown = terminal.good(inside)
    assert "assumed-role/gallery-access/access-grants-" in shown
    assert "first.txt" in shown
    assert "InvalidAccessKeyId" not in shown


@pytest.mark.slow
def test_who_am_i(uploader: Uploader) -> None:
    account = uploader.gallery.account
    mine = uploader.terminal.told("aws sts get-caller-identity")
    assert (mine["Arn"], mine["Account"]) == (uploader.arn, account)
    session = uploader.access().told("aws sts get-caller-identity")
    assert session["Arn"].startswith(f"arn:aws:sts::{account}:assumed-role/gallery-access/access-grants-")
    assert session["UserId"].endswith(session["Arn"].split("/")[-1])


@pytest.mark.slow
def test_the_users_own_key_reaches_no_object(uploader: Uploader) -> None:
    for command in (
        f"ls {uploader.url}/",
        "ls",
        f"cp {uploader.url}/first.txt here.txt",
        f"rm {uploader.url}/first.txt",
    ):
        assert any(code in uploader.terminal.refused(f"aws s3 {command}") for code in ("AccessDenied", "403"))


@pytest.mark.slow
def test_the_guides_target_of_a_whole_bucket_is_refused(uploader: Uploader) -> None:
    complaint = uploader.terminal.refused(uploader.asking(f"s3://{BUCKET}/*"))
    assert "AccessDenied" in complaint
    assert "You do not have READWRITE permissions to the requested S3 Prefix" in complaint


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "complaint"), [(899, "900"), (43_201, "43200")])
def test_how_long_access_lasts_has_limits(uploader: Uploader, seconds: int, complaint: str) -> None:
    assert complaint in uploader.terminal.refused(uploader.asking(seconds=seconds))


@pytest.mark.slow
def test_list_caller_access_grants_tells_a_user_their_own(uploader: Uploader, neighbour: Uploader) -> None:
    for number in range(3):
        uploader.grant(f"{uploader.project}/part{number}/*", "READ")
    listing = f"aws s3control list-caller-access-grants --account-id {uploader.gallery.account}"
    own = uploader.terminal.told(listing)["CallerAccessGrantsList"]
    scopes = {(grant["GrantScope"], grant["Permission"]) for grant in own}
    parts = {(f"{uploader.url}/part{number}/*", "READ") for number in range(3)}
    assert scopes == {(f"{uploader.url}/*", "READWRITE"), *parts}
    assert uploader.terminal.told(f"{listing} --page-size 1")["CallerAccessGrantsList"] == own
    one = uploader.terminal.told(f"{listing} --grant-scope {uploader.url}/part1")["CallerAccessGrantsList"]
    assert {grant["GrantScope"] for grant in one} == {f"{uploader.url}/*", f"{uploader.url}/part1/*"}
    neighbours = neighbour.terminal.told(listing)["CallerAccessGrantsList"]
    assert [grant["GrantScope"] for grant in neighbours] == [f"{neighbour.url}/*"]


@pytest.mark.slow
def test_inside_the_prefix_everything_works(uploader: Uploader) -> None:
    session = uploader.access()
    plate = session.home / "plate"
    plate.mkdir()
    for number in range(4):
        (plate / f"well {number}+ü.txt").write_text(f"well {number}")
    session.good(f"aws s3 sync plate {uploader.url}/plate")
    assert "well 3+ü.txt" in session.good(f"aws s3 ls --recursive {uploader.url}/")
    session.good(f"aws s3 sync {uploader.url}/plate copy")
    assert [path.read_text() for path in sorted((session.home / "copy").iterdir())] == [f"well {n}" for n in range(4)]
    (plate / "well 0+ü.txt").unlink()
    session.good(f"aws s3 sync plate {uploader.url}/plate --delete")
    session.good(f"aws s3 cp {uploader.url}/first.txt {uploader.url}/second.txt")
    session.good(f"aws s3 mv {uploader.url}/second.txt {uploader.url}/third.txt")
    session.good(f"aws s3 rm {uploader.url}/first.txt")
    session.good(f"aws s3 rm --recursive {uploader.url}/plate/")
    assert uploader.gallery.keys(uploader.project) == [f"{uploader.project}/third.txt"]


@pytest.mark.slow
def test_outside_the_prefix_nothing_works(uploader: Uploader, neighbour: Uploader) -> None:
    session = uploader.access()
    (session.home / "localfile.txt").write_text("cells")
    (session.home / "folder").mkdir()
    (session.home / "folder" / "a.txt").write_text("a")
    commands = [
        "ls",
        f"ls s3://{BUCKET}",
        f"ls s3://{BUCKET}/",
        f"ls {neighbour.url}/",
        f"ls {uploader.url}",
        f"cp localfile.txt {neighbour.url}/",
        f"cp localfile.txt {uploader.url}x/localfile.txt",
        f"cp {neighbour.url}/first.txt stolen.txt",
        f"cp {neighbour.url}/first.txt {uploader.url}/stolen.txt",
        f"cp {uploader.url}/first.txt {neighbour.url}/given.txt",
        f"sync folder {neighbour.url}/folder",
        f"sync {neighbour.url}/ stolen",
        f"rm {neighbour.url}/first.txt",
        f"mb s3://{BUCKET}-private",
        f"rb s3://{BUCKET}",
    ]
    for command in commands:
        complaint = session.refused(f"aws s3 {command}")
        assert "AccessDenied" in complaint or "(403)" in complaint, f"{command}: {complaint}"
    assert not [path for path in session.home.rglob("*") if "first" in path.name or "stolen.txt" in path.name]
    assert uploader.gallery.keys(neighbour.project) == [f"{neighbour.project}/first.txt"]
    assert uploader.gallery.keys(uploader.project) == [f"{uploader.project}/first.txt"]


@pytest.mark.slow
def test_a_grant_to_read_lets_nobody_write(gallery: Gallery) -> None:
    reader = gallery.uploader("READ")
    for permission in ("WRITE", "READWRITE"):
        assert "AccessDenied" in reader.terminal.refused(reader.asking(permission=permission))
    session = reader.access("READ")
    session.good(f"aws s3 cp {reader.url}/first.txt here.txt")
    assert "AccessDenied" in session.refused(f"aws s3 cp here.txt {reader.url}/there.txt")
    assert "AccessDenied" in session.refused(f"aws s3 rm {reader.url}/first.txt")


@pytest.mark.slow
def test_access_to_write_of_a_grant_to_read_and_write_does_not_read(uploader: Uploader) -> None:
    session = uploader.access("WRITE")
    (session.home / "localfile.txt").write_text("cells")
    session.good(f"aws s3 cp localfile.txt {uploader.url}/")
    assert "403" in session.refused(f"aws s3 cp {uploader.url}/localfile.txt back.txt")
    assert "AccessDenied" in session.refused(f"aws s3 ls {uploader.url}/")


@pytest.mark.slow
def test_a_large_file_goes_in_parts(uploader: Uploader, neighbour: Uploader) -> None:
    session = uploader.access()
    wanted = fill(session.home / "plate.h5ad", MANY)
    session.good(f"aws s3 cp plate.h5ad {uploader.url}/plate.h5ad --no-progress")
    head = session.told(f"aws s3api head-object --bucket {BUCKET} --key {uploader.project}/plate.h5ad")
    assert head["ContentLength"] == MANY
    assert head["ETag"].endswith('-5"')
    session.good(f"aws s3 cp {uploader.url}/plate.h5ad back.h5ad --no-progress")
    assert digest(session.home / "back.h5ad") == wanted
    complaint = session.refused(f"aws s3 cp plate.h5ad {neighbour.url}/plate.h5ad --no-progress")
    assert "AccessDenied" in complaint
    assert "CreateMultipartUpload" in complaint


@pytest.mark.slow
def test_an_upload_in_parts_can_be_looked_at_and_given_up(uploader: Uploader) -> None:
    session = uploader.access()
    (session.home / "part").write_bytes(b"x" * 5 * 2**20)
    place = f"--bucket {BUCKET} --key {uploader.project}/big"
    upload = session.told(f"aws s3api create-multipart-upload {place}")["UploadId"]
    session.good(f"aws s3api upload-part {place} --upload-id {upload} --part-number 1 --body part")
    assert len(session.told(f"aws s3api list-parts {place} --upload-id {upload}")["Parts"]) == 1
    session.good(f"aws s3api abort-multipart-upload {place} --upload-id {upload}")
    assert "NoSuchUpload" in session.refused(f"aws s3api list-parts {place} --upload-id {upload}")


@pytest.mark.slow
def test_a_presigned_address_opens_what_its_signer_may_open(uploader: Uploader, neighbour: Uploader) -> None:
    session = uploader.access()
    address = session.good(f"aws s3 presign {uploader.url}/first.txt").strip()
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.read() == b"first"
    other = session.good(f"aws s3 presign {neighbour.url}/first.txt").strip()
    for wrong in (other, address.replace("first.txt", "second.txt")):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(wrong, timeout=10)


@pytest.mark.slow
def test_after_revocation_no_new_access_and_the_old_until_it_ends(uploader: Uploader, moved_clock: None) -> None:
    session = uploader.access()
    uploader.revoke()
    assert "You do not have READWRITE permissions" in uploader.terminal.refused(uploader.asking())
    listing = f"aws s3control list-caller-access-grants --account-id {uploader.gallery.account}"
    assert uploader.terminal.told(listing)["CallerAccessGrantsList"] == []
    session.good(f"aws s3 ls {uploader.url}/")
    uploader.gallery.sandbox.control.move_clock(3601)
    assert "ExpiredToken" in session.refused(f"aws s3 ls {uploader.url}/")


@pytest.mark.slow
def test_a_session_can_be_cut_off_by_its_id(uploader: Uploader) -> None:
    gallery, cut, kept = uploader.gallery, uploader.access(), uploader.access()
    user_id = cut.told("aws sts get-caller-identity")["UserId"]
    gallery.cut(user_id.split(":")[1], {"StringEquals": {"aws:userid": user_id}})
    assert "AccessDenied" in cut.refused(f"aws s3 ls {uploader.url}/")
    assert "403" in cut.refused(f"aws s3 cp {uploader.url}/first.txt here.txt")
    kept.good(f"aws s3 ls {uploader.url}/")


@pytest.mark.slow
def test_all_sessions_older_than_now_can_be_cut_off(uploader: Uploader, moved_clock: None) -> None:
    gallery, old = uploader.gallery, uploader.access()
    gallery.sandbox.control.move_clock(60)
    moment = gallery.sandbox.control.clock()["now"]
    gallery.cut("older", {"DateLessThan": {"aws:TokenIssueTime": moment}})
    try:
        assert "AccessDenied" in old.refused(f"aws s3 ls {uploader.url}/")
        gallery.sandbox.control.move_clock(62)
        uploader.access().good(f"aws s3 ls {uploader.url}/")
    finally:
        gallery.uncut("older")


@pytest.mark.slow
def test_after_its_end_a_session_is_refused_everywhere(uploader: Uploader, moved_clock: None) -> None:
    session = uploader.access(seconds=900)
    session.good(f"aws s3 ls {uploader.url}/")
    uploader.gallery.sandbox.control.move_clock(901)
    for command in (f"aws s3 ls {uploader.url}/", f"aws s3 rm {uploader.url}/first.txt", "aws sts get-caller-identity"):
        assert "ExpiredToken" in session.refused(command)
    uploader.access().good(f"aws s3 ls {uploader.url}/")


@pytest.mark.slow
def test_an_inactive_key_asks_in_vain_and_ends_no_session(uploader: Uploader) -> None:
    root = Terminal(uploader.terminal.home, uploader.gallery.sandbox.environment())
    session = uploader.access()
    update = f"aws iam update-access-key --user-name {uploader.name} --access-key-id {uploader.key['AccessKeyId']}"
    root.good(f"{update} --status Inactive")
    assert "InvalidClientTokenId" in uploader.terminal.refused("aws sts get-caller-identity")
    assert "InvalidAccessKeyId" in uploader.terminal.refused(f"aws s3 ls {uploader.url}/")
    assert "InvalidAccessKeyId" in uploader.terminal.refused(uploader.asking())
    session.good(f"aws s3 ls {uploader.url}/")
    root.good(f"{update} --status Active")
    uploader.terminal.good(uploader.asking())


@pytest.mark.slow
def test_an_administrator_does_by_command_what_cytoskel_does(gallery: Gallery, tmp_path: Path) -> None:
    root = Terminal(tmp_path, gallery.sandbox.environment())
    account = f"--account-id {gallery.account}"
    assert gallery.location in root.good(f"aws s3control list-access-grants-locations {account}")
    user = root.told("aws iam create-user --user-name test_user")["User"]["Arn"]
    key = root.told("aws iam create-access-key --user-name test_user")["AccessKey"]
    root.good(f"aws iam add-user-to-group --group-name {GROUP} --user-name test_user")
    assert user in root.good("aws iam list-users --query 'Users[].Arn'")
    grant = root.told(
        f"aws s3control create-access-grant {account} --access-grants-location-id {gallery.location} "
        "--access-grants-location-configuration 'S3SubPrefix=cpg9999/*' --permission READWRITE "
        f"--grantee GranteeType=IAM,GranteeIdentifier={user}"
    )
    assert grant["GrantScope"] == f"s3://{BUCKET}/cpg9999/*"
    assert grant["AccessGrantArn"].endswith(f":access-grants/default/grant/{grant['AccessGrantId']}")
    listed = root.told(f"aws s3control list-access-grants {account} --grantee-identifier {user} --grantee-type IAM")
    assert [entry["AccessGrantId"] for entry in listed["AccessGrantsList"]] == [grant["AccessGrantId"]]
    theirs = Terminal(tmp_path, gallery.sandbox.environment(key))
    target = f"--target 's3://{BUCKET}/cpg9999/*' --permission READ"
    theirs.good(f"aws s3control get-data-access {account} {target}")
    root.good(f"aws s3control delete-access-grant {account} --access-grant-id {grant['AccessGrantId']}")
    assert "AccessDenied" in theirs.refused(f"aws s3control get-data-access {account} {target}")
    assert "DeleteConflict" in root.refused("aws iam delete-user --user-name test_user")
    root.good(f"aws iam delete-access-key --user-name test_user --access-key-id {key['AccessKeyId']}")
    root.good(f"aws iam remove-user-from-group --group-name {GROUP} --user-name test_user")
    root.good("aws iam delete-user --user-name test_user")
    assert json.loads(root.good("aws iam list-users --query \"Users[?UserName=='test_user']\"")) == []
