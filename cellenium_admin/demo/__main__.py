"""`python -m cellenium_admin.demo [--once | --clean]`."""

import argparse
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cellenium_admin.demo import tour
from cellenium_admin.demo.client import Client, DemoError
from cellenium_admin.demo.grants import tour_of_grants
from cellenium_admin.demo.house import STATE, House, clean
from cellenium_admin.demo.people import ADMINISTRATOR, PEOPLE, log_everybody_in, make_administrator, manage, token_name
from cellenium_admin.demo.study import pbmc68k_study
from cellenium_admin.demo.tour import say
from cellenium_admin.demo.uploader import upload
from cellenium_admin.embedded import EmbeddedServerError

STAGES = 10
START_SECONDS = 120


class Stages:
    """Numbers the stages and says how long each took."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._number = 0

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Announce a stage and tell its time at its end."""
        self._number += 1
        say(f"[{self._number}/{STAGES}] {title}")
        started = time.monotonic()
        yield
        say(f"      done in {time.monotonic() - started:.1f} s")


def main() -> int:
    """Run the demo; 0 when the main job worked and, without --once, the user ended it."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the job instead of serving")
    parser.add_argument("--clean", action="store_true", help="remove the state of earlier runs")
    options = parser.parse_args()
    try:
        if options.clean:
            clean()
            return 0
        return _run(once=options.once)
    except (DemoError, EmbeddedServerError) as error:
        tour.fail(error)
        return 1


def _run(*, once: bool) -> int:
    house = House()
    try:
        with house.supervisor:
            _show(house)
            if not once:
                _serve(house)
    finally:
        house.close()
    return 0


def _show(house: House) -> None:
    started, stages = time.monotonic(), Stages()
    with stages.stage("Starting PostgreSQL, Valkey, a local AWS and a login provider"):
        house.start_servers()
        say(f"      S3, IAM, STS, SQS and S3 Access Grants at {house.aws.endpoint_url}, see docs/sandbox.md")
        say(f"      OpenID Connect at {house.provider.issuer}")
    with stages.stage("Migrating the database as its owner"):
        manage("migrate", "--verbosity", "0")
        manage("load_features", "--organism", "human")
    with stages.stage("Making an administrator, and what the bucket needs in AWS"):
        make_administrator(house.secrets)
        tour.told("access", "up", "--yes")
    with stages.stage("Starting the web server, a Celery worker and beat"):
        house.start_processes()
        _wait_until_ready(house.url)
    with stages.stage("Logging in at the provider: a curator, an uploader, a neighbour and a stranger"):
        browsers = log_everybody_in(house.url, house.secrets)
        house.save_secrets()
        house.write_environment()
        uploader = Client(house.url, house.secrets[token_name(PEOPLE[1])])
    with stages.stage("The uploader takes credentials and puts a study into the bucket with the AWS CLI"):
        neighbour = browsers["neighbour"].call("GET", "/me")["upload_prefix"]
        uri = upload(browsers["uploader"], neighbour, _study())
    with stages.stage("Waiting for the bucket to tell of it and the worker to import it"):
        study = tour.imported_study(uploader, uri)
        tour.show_study(study)
    with stages.stage("Asking the API"):
        tour.show_markers(uploader, study)
        tour.show_correlations(uploader, study)
    with stages.stage("Access grants: given, used, taken back, compared"):
        tour_of_grants(house, uri)
    with stages.stage("The trail of all that"):
        tour.show_trail(Client(house.url, house.secrets["CELLENIUM_TOKEN_ADMINISTRATOR"]))
    say(f"\nThe main job works: {time.monotonic() - started:.1f} s from the first server to the last answer.")


def _study() -> Path:
    path = STATE / "pbmc68k_reduced.h5ad"
    if not path.exists():
        pbmc68k_study(path)
    return path


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):  # noqa: S310 -- our own loopback address
                return
        except OSError:
            time.sleep(0.1)
    raise DemoError(f"The web server did not answer within {START_SECONDS} s: look at {_relative(STATE)}/logs/web.log.")


def _serve(house: House) -> None:
    say(f"""
  Uploads    {house.url}/my/ (log in at the provider as {", ".join(person.name for person in PEOPLE)})
  Admin      {house.url}/admin/ (as curator, or {ADMINISTRATOR.email} with {house.secrets["password"]})
  API docs   {house.url}/api/v1/docs
  Tokens     {", ".join(token_name(person) for person in (ADMINISTRATOR, *PEOPLE))} in {_relative(STATE)}/env
  AWS        {house.aws.endpoint_url} (S3, IAM, STS, SQS, S3 Access Grants), keys in {_relative(STATE)}/env

  In another shell:  set -a; . {_relative(STATE)}/env
                     curl -H "Authorization: Bearer $CELLENIUM_TOKEN_UPLOADER" $CELLENIUM_URL/api/v1/studies
                     aws s3 ls --recursive $CELLENIUM_H5AD_STORE
  Ctrl-C ends everything.""")
    (STATE / "ready").touch()
    house.supervisor.run_forever()
    say("\nStopping.")


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    sys.exit(main())
