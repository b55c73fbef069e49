"""The OpenAPI document: complete, committed, true."""

import difflib
import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def generated() -> str:
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return out.getvalue()


def test_committed_document_is_the_generated_one(generated: str) -> None:
    difference = difflib.unified_diff(
        COMMITTED.read_text().splitlines(), generated.splitlines(), "docs/openapi.yaml", "generated", lineterm="", n=1
    )
    remedy = "cellenium-admin spectacular --validate --fail-on-warn --file docs/openapi.yaml"
    assert COMMITTED.read_text().strip() == generated.strip(), "\n".join([remedy, *difference])


@pytest.fixture(scope="module")
def operations(generated: str) -> dict[str, dict[str, Any]]:
    paths = yaml.safe_load(generated)["paths"]
    return {f"{method} {path}": operation for path, one in paths.items() for method, operation in one.items()}


def test_operations_are_described(operations: dict[str, dict[str, Any]]) -> None:
    assert len(operations) == 85
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert {"400", "401", "403", "405", "406", "500", "503"} <= set(operation["responses"]), name
        assert ("404" in operation["responses"]) == ("{" in name or name.endswith("/imports/validate")), name
        changes = name.startswith(("post", "patch"))
        assert ("422" in operation["responses"]) == changes, name
        parameters = operation.get("parameters", [])
        headers = {one["name"]: one.get("required", False) for one in parameters if one["in"] == "header"}
        assert ({"412", "428"} <= set(operation["responses"])) == headers.get("If-Match", False), name
    assert len({operation["operationId"] for operation in operations.values()}) == len(operations)


def test_heavy_questions_have_examples(operations: dict[str, dict[str, Any]]) -> None:
    for path in ("de", "correlations", "pseudobulk"):
        operation = operations[f"post /api/v1/studies/{{study_id}}/{path}"]
        assert operation["requestBody"]["content"]["application/json"]["examples"]
        for status in ("200", "202"):
            assert operation["responses"][status]["content"]["application/json"]["examples"]
        assert "Prefer" in {parameter["name"] for parameter in operation["parameters"]}
        assert {"Location", "Retry-After"} <= set(operation["responses"]["202"]["headers"])


def test_problems_are_problems(generated: str) -> None:
    responses = yaml.safe_load(generated)["components"]["responses"]
    assert all(set(response["content"]) == {"application/problem+json"} for response in responses.values())
