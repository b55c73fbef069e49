"""kill -9 while Stores go to object storage: nothing names what was not sent, nothing is left that nothing names."""

from typing import Any

import pytest

from studies.models import StudyVersion
from tests.imports import test_kill_points as points
from tests.imports.test_kill_points import House
from tests.sandbox.conftest import put_right
from tests.support.gateway import aws_environment
from tests.support.sandbox import Aws, aws, sandbox

__all__ = ["aws", "aws_environment", "put_right", "sandbox"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]

ARROWS = ("send:before", "put:before", "put:after", "send:after", "put_in_place:before", "finish:after", "clear:before")


@pytest.fixture
def published_house(aws: Aws, aws_environment: None, settings: Any, request: pytest.FixtureRequest) -> House:
    """The same as where Stores stay on the host, with a bucket for them."""
    settings.STORE_URI = f"s3://{aws.make_bucket()}/stores"
    made: House = request.getfixturevalue("house")
    return made


house = points.house


def test_killed_at_each_point_on_the_way_to_object_storage(published_house: House) -> None:
    points.usual_seconds(published_house)
    for point in ARROWS:
        points.import_killed_at(published_house, point, times=1)
    points.import_killed_at(published_house, "send:after", times=2)
    assert StudyVersion.objects.count() == published_house.imports
