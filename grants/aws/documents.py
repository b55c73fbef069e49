"""Policy documents on the wire."""

import json
from collections.abc import Mapping
from typing import Any


def written(document: Mapping[str, Any]) -> str:
    """Write a policy document as short as it can be: AWS counts characters."""
    return json.dumps(document, separators=(",", ":"))
