"""The sandbox of this worker for every test of the local AWS, put right again after each that used it."""

from collections.abc import Iterator

import pytest

from tests.support.sandbox import aws, sandbox

__all__ = ["aws", "put_right", "sandbox"]
_KNOBS = ("grantee_lag", "role_lag", "deletion_lag", "list_lag", "key_lag", "policy_lag", "event_lag")


@pytest.fixture(autouse=True)
def put_right(request: pytest.FixtureRequest) -> Iterator[None]:
    """Turn clock, lags and faults back, so that the next test finds an AWS that works."""
    yield
    if "sandbox" not in request.fixturenames:
        return
    control = request.getfixturevalue("sandbox").control
    control.move_clock(0)
    control.set_knobs(**dict.fromkeys(_KNOBS, 0), secure_transport=True, event_copies=1, event_disorder=False)
    control.clear_faults()
