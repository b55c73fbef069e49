"""The client of a principal: what it prints, what it keeps, and that it says what to do next."""

import ast
import sys
import time

import pytest

from tests.clients.conftest import CLIENT, Reader

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_it_needs_nothing_but_botocore() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9)) for path in CLIENT.glob("*.py")]
    names = {
        name.split(".")[0]
        for tree in trees
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert names - sys.stdlib_module_names == {"botocore", "cellenium_access"}


def test_what_was_granted_and_who_one_is(reader: Reader) -> None:
    assert reader.told("grants", "--json") == [{"Permission": "READWRITE", "GrantScope": reader.scope}]
    assert reader.good("grants", "--target", reader.world.stack.scope).split() == ["READWRITE", reader.scope]
    assert reader.world.principal.name in reader.good("whoami")


def test_credentials_in_every_format_are_used_by_a_shell(reader: Reader) -> None:
    found = reader.told("credentials", reader.scope, "--format", "json")
    assert set(found) == {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    process = reader.told("credentials", reader.scope, "--format", "credential-process")
    assert process["Version"] == 1
    assert process["AccessKeyId"] == found["AccessKeyId"], "out of the cache"
    for name in ("env", "powershell"):
        assert found["SessionToken"] in reader.good("credentials", reader.scope, "--format", name)
    anew = reader.told("credentials", reader.scope, "--format", "json", "--no-cache")
    assert anew["AccessKeyId"] != found["AccessKeyId"]


@pytest.mark.parametrize("hostile", ["a b", "q'uote", 'dou"ble', "do$lar`x`", "semi;colon", "new\nline"])
def test_nothing_in_a_path_gets_into_the_shell(hostile: str, reader: Reader) -> None:
    """AWS refuses some, grants others: either way the shell sees no word of it."""
    done = reader.run("credentials", f"{reader.world.stack.scope}data/{hostile}/*", "--format", "shell")
    for line in done.stdout.splitlines():
        assert line.startswith(("unset AWS_", "export AWS_"))
    if done.returncode:
        assert done.returncode == 1
        assert done.stdout == ""


def test_the_cache_is_for_its_owner_alone(reader: Reader) -> None:
    first = reader.told("credentials", reader.scope, "--format", "json")
    directory = reader.home / ".cache" / "cellenium-access"
    [kept] = directory.iterdir()
    assert (directory.stat().st_mode & 0o777, kept.stat().st_mode & 0o777) == (0o700, 0o600)
    assert reader.told("credentials", reader.scope, "--format", "json") == first
    other = reader.told("credentials", reader.scope, "--format", "json", "--min-remaining", "12h")
    assert other["AccessKeyId"] != first["AccessKeyId"]
    kept.chmod(0o644)
    assert reader.told("credentials", reader.scope, "--format", "json")["AccessKeyId"] != other["AccessKeyId"]
    kept.unlink()
    (reader.home / "elsewhere").write_text("{}")
    kept.symlink_to(reader.home / "elsewhere")
    reader.told("credentials", reader.scope, "--format", "json")
    assert (reader.home / "elsewhere").read_text() == "{}", "a link is replaced and not followed"
    assert not kept.is_symlink()


def test_a_refusal_says_what_to_type_and_is_not_kept(reader: Reader) -> None:
    done = reader.run("credentials", f"{reader.world.stack.scope}other/*")
    assert done.returncode == 1
    assert f"--permission READWRITE '{reader.scope}'" in done.stderr
    assert done.stdout == ""
    assert not (reader.home / ".cache" / "cellenium-access").exists()


def test_wrong_usage_and_missing_configuration(reader: Reader) -> None:
    assert reader.run("credentials", reader.scope, "--duration", "13h").returncode == 2
    assert reader.run("credentials", "bucket/prefix").returncode == 2
    assert reader.run("exec", reader.scope).returncode == 2
    nobody = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "")
    without = reader.run("grants", **nobody)
    assert (without.returncode, "aws configure" in without.stderr) == (3, True)
    nowhere = reader.run("grants", AWS_REGION="", AWS_DEFAULT_REGION="")
    assert (nowhere.returncode, "AWS_REGION" in nowhere.stderr) == (3, True)


def test_exec_gives_the_environment_and_the_exit_code(reader: Reader) -> None:
    done = reader.run("exec", reader.scope, "--", "sh", "-c", 'echo "$AWS_SESSION_TOKEN"; exit 7', AWS_PROFILE="")
    assert done.returncode == 7
    assert len(done.stdout.strip()) > 50
    assert reader.run("exec", reader.scope, "--", "no-such-program").returncode == 2
    wider = reader.run("exec", reader.scope, "--permission", "READWRITE", "--", "sh", "-c", "echo $AWS_REGION")
    assert wider.stdout.strip() == reader.world.aws.region


def test_profiles_of_one_bucket_have_names_of_their_own_and_never_call_themselves(reader: Reader) -> None:
    one = reader.good("credentials", reader.scope, "--format", "profile")
    other = reader.good("credentials", reader.scope, "--format", "profile", "--permission", "WRITE")
    assert one.splitlines()[0] != other.splitlines()[0]
    assert " --no-profile" in one
    (reader.home / ".aws").mkdir()
    (reader.home / ".aws" / "config").write_text("[profile mine]\nregion = eu-central-1\n")
    pinned = reader.run("credentials", reader.scope, "--format", "profile", "--name", "x", AWS_PROFILE="mine")
    assert pinned.stdout.startswith("[profile x]")
    assert " --profile mine" in pinned.stdout
    bad = reader.run("credentials", "foo", "--account-id", "123456789012", "--format", "profile")
    assert (bad.returncode, "Traceback" in bad.stderr) == (2, False)


def test_the_aws_cli_gets_its_credentials_from_the_client_again_and_again(reader: Reader) -> None:
    config = reader.home / ".aws" / "config"
    config.parent.mkdir()
    config.write_text(reader.good("credentials", reader.scope, "--format", "profile", "--permission", "READWRITE"))
    bucket = reader.world.stack.bucket
    keyless = {n: v for n, v in reader.variables.items() if n not in {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}}
    words = config.read_text()
    own = " ".join(f"{name}={reader.variables[name]}" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    config.write_text(words.replace("credential_process = ", f"credential_process = env {own} "))
    terminal = type(reader.terminal())(reader.home, {**keyless, "AWS_PROFILE": f"{bucket}-data-readwrite"})
    (reader.home / "file").write_bytes(b"x" * 9_000_000)
    terminal.good(f"aws s3 cp file s3://{bucket}/data/file")
    assert "data/file" in terminal.good(f"aws s3 ls --recursive s3://{bucket}/data/")
    assert "Forbidden" in terminal.refused(f"aws s3 cp s3://{bucket}/other/two -")
    control = reader.world.control
    control.move_clock(4000)
    try:
        assert "ExpiredToken" in terminal.refused(f"aws s3 ls s3://{bucket}/data/"), (
            "the client goes by the clock of this machine"
        )
    finally:
        control.move_clock(0)
    for kept in (reader.home / ".cache" / "cellenium-access").iterdir():
        kept.unlink()
    started = time.monotonic()
    terminal.good(f"aws s3 sync s3://{bucket}/data/ here/")
    assert (reader.home / "here" / "file").stat().st_size == 9_000_000
    assert time.monotonic() - started < 60
