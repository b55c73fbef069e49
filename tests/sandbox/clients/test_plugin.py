"""The official boto3 plugin of S3 Access Grants, unchanged, by environment variables alone."""

import hashlib
from pathlib import Path

import pytest

from tests.support.clients import ProgramWithPlugin
from tests.support.gallery import BUCKET, Gallery, Uploader


def test_a_program_with_the_plugin_reads_and_writes_its_project_alone(uploader: Uploader, neighbour: Uploader) -> None:
    with ProgramWithPlugin(uploader.variables) as program:
        assert (
            program.does("get_object", Bucket=BUCKET, Key=f"{uploader.project}/first.txt")["answer"]["Body"] == "first"
        )
        assert "answer" in program.does("put_object", Bucket=BUCKET, Key=f"{uploader.project}/new", Body="cells")
        denied = program.does("get_object", Bucket=BUCKET, Key=f"{neighbour.project}/first.txt")
        assert denied == {"error": "AccessDenied", "operation": "GetDataAccess"}
    assert f"{uploader.project}/new" in uploader.gallery.keys(uploader.project)


@pytest.mark.slow
def test_all_it_knows_works_inside_and_nothing_outside(uploader: Uploader, neighbour: Uploader) -> None:
    def everything(project: str) -> list[tuple[str, dict[str, object]]]:
        first, listing = {"Bucket": BUCKET, "Key": f"{project}/first.txt"}, {"Bucket": BUCKET, "Prefix": f"{project}/"}
        return [
            ("list_objects_v2", listing),
            ("list_objects", listing),
            ("head_object", first),
            ("get_object", first),
            ("put_object", {"Bucket": BUCKET, "Key": f"{project}/again.txt", "Body": "again"}),
            (
                "copy_object",
                {"Bucket": BUCKET, "Key": f"{project}/b.txt", "CopySource": f"{BUCKET}/{project}/first.txt"},
            ),
            ("delete_object", {"Bucket": BUCKET, "Key": f"{project}/again.txt"}),
            ("delete_objects", {"Bucket": BUCKET, "Delete": {"Objects": [{"Key": f"{project}/b.txt"}]}}),
        ]

    with ProgramWithPlugin(uploader.variables) as program:
        for operation, parameters in everything(uploader.project):
            assert "answer" in program.does(operation, **parameters), operation
        for operation, parameters in everything(neighbour.project):
            assert program.does(operation, **parameters)["error"] == "AccessDenied", operation
    for project in (uploader.project, neighbour.project):
        assert uploader.gallery.keys(project) == [f"{project}/first.txt"]


@pytest.mark.slow
def test_a_large_file_goes_in_parts(uploader: Uploader, tmp_path: Path) -> None:
    sent, back = tmp_path / "plate.h5ad", tmp_path / "back.h5ad"
    sent.write_bytes(b"".join(hashlib.sha256(number.to_bytes(4)).digest() for number in range(40 * 2**15)))
    place = {"Bucket": BUCKET, "Key": f"{uploader.project}/plate.h5ad"}
    with ProgramWithPlugin(uploader.variables) as program:
        assert program.does("upload_file", Filename=str(sent), **place) == {"answer": {}}
        assert program.does("download_file", Filename=str(back), **place) == {"answer": {}}
    assert uploader.gallery.s3.head_object(**place)["ETag"].endswith('-5"')
    assert back.read_bytes() == sent.read_bytes()


@pytest.mark.slow
def test_a_grant_to_read_lets_nobody_write(gallery: Gallery) -> None:
    reader = gallery.uploader("READ")
    place = {"Bucket": BUCKET, "Key": f"{reader.project}/first.txt"}
    with ProgramWithPlugin(reader.variables) as program:
        assert "answer" in program.does("get_object", **place)
        assert program.does("put_object", **place, Body="x") == {"error": "AccessDenied", "operation": "GetDataAccess"}


@pytest.mark.slow
def test_it_asks_once_and_keeps_what_it_got(uploader: Uploader) -> None:
    control = uploader.gallery.sandbox.control
    control.clear_calls()
    with ProgramWithPlugin(uploader.variables) as program:
        for _ in range(3):
            assert "answer" in program.does("get_object", Bucket=BUCKET, Key=f"{uploader.project}/first.txt")
    assert len(control.calls(operation="GetDataAccess")) == 1
    assert len(control.calls(operation="GetAccessGrantsInstanceForPrefix")) == 1


@pytest.mark.slow
def test_after_revocation_a_new_program_gets_nothing_and_the_old_one_goes_on(uploader: Uploader) -> None:
    place = {"Bucket": BUCKET, "Key": f"{uploader.project}/first.txt"}
    with ProgramWithPlugin(uploader.variables) as old:
        assert "answer" in old.does("get_object", **place)
        uploader.revoke()
        assert "answer" in old.does("get_object", **place)
        with ProgramWithPlugin(uploader.variables) as new:
            assert new.does("get_object", **place) == {"error": "AccessDenied", "operation": "GetDataAccess"}


@pytest.mark.slow
def test_a_cut_off_session_is_refused_by_s3_itself(uploader: Uploader) -> None:
    gallery, place = uploader.gallery, {"Bucket": BUCKET, "Key": f"{uploader.project}/first.txt"}
    with ProgramWithPlugin(uploader.variables) as program:
        assert "answer" in program.does("get_object", **place)
        gallery.cut(uploader.name, {"ArnLike": {"aws:PrincipalArn": gallery.role}})
        try:
            assert program.does("get_object", **place) == {"error": "AccessDenied", "operation": "GetObject"}
        finally:
            gallery.uncut(uploader.name)


@pytest.mark.slow
def test_after_its_end_a_kept_session_is_refused(uploader: Uploader, moved_clock: None) -> None:
    place = {"Bucket": BUCKET, "Key": f"{uploader.project}/first.txt"}
    with ProgramWithPlugin(uploader.variables) as program:
        assert "answer" in program.does("get_object", **place)
        uploader.gallery.sandbox.control.move_clock(3601)
        assert program.does("get_object", **place) == {"error": "ExpiredToken", "operation": "GetObject"}


@pytest.mark.slow
def test_an_inactive_key_is_refused_before_anything_is_asked(uploader: Uploader) -> None:
    key = uploader.key["AccessKeyId"]
    uploader.gallery.iam.update_access_key(UserName=uploader.name, AccessKeyId=key, Status="Inactive")
    with ProgramWithPlugin(uploader.variables) as program:
        outcome = program.does("get_object", Bucket=BUCKET, Key=f"{uploader.project}/first.txt")
    assert outcome == {"error": "InvalidClientTokenId", "operation": "GetCallerIdentity"}
