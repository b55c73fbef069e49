"""Requests made up from the OpenAPI document: nothing fails on our side, nothing is answered that is not described."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.parameters import ParameterLocation

from cellenium_admin.core.models import Job, User
from cellenium_admin.wsgi import application
from tests.builders.access import access_world
from tests.builders.people import person, token_of
from tests.builders.stores import PublishedStudy, answered_correlation, published_study
from tests.sandbox.conftest import put_right
from tests.support.gateway import aws_environment
from tests.support.sandbox import sandbox

__all__ = ["aws_environment", "put_right", "sandbox"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
schema = schemathesis.openapi.from_path(DOCUMENT)
schema.app = application


@pytest.fixture
def administrator(db: None) -> User:
    return person("administrator", "administrator")


@pytest.fixture
def made(administrator: User) -> PublishedStudy:
    return published_study(owner=administrator)


@pytest.fixture
def real(administrator: User, made: PublishedStudy) -> dict[str, str]:
    """What made-up paths hardly ever hit."""
    job = Job.objects.create(name="imports.run_import", owner=administrator)
    analysis = answered_correlation(made, job)
    ids = {"study_id": made.study.pk, "job_id": job.pk, "analysis_id": analysis.pk}
    return {name: str(value) for name, value in ids.items()}


def access(owner: User) -> tuple[dict[str, str], dict[str, str]]:
    """Things of access that nobody has changed yet, and their tags."""
    found = access_world(owner)
    tags = found["tags"]
    return {name: str(found[name]) for name in tags}, tags


@pytest.mark.usefixtures("aws_environment")
@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_made_up_requests(case: Case, administrator: User, real: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {token_of(administrator)}"}
    case.call_and_validate(headers=headers, checks=[*CHECKS, negative_data_rejection])
    ids, tags = access(administrator)
    known = {name: value for name, value in (real | ids).items() if name in (case.path_parameters or {})}
    if known:
        case.path_parameters.update(known)
        [tag] = [tags[name] for name in known if name in tags] or [""]
        if tag and "If-Match" in (case.headers or {}):
            headers["If-Match"] = tag
        wrong = {place for place, one in case.meta.components.items() if one.mode is GenerationMode.NEGATIVE}
        still_wrong = bool(wrong) and wrong <= {ParameterLocation.BODY, ParameterLocation.QUERY}
        checks = [*CHECKS, negative_data_rejection] if still_wrong else CHECKS
        case.call_and_validate(headers=headers, checks=checks)
