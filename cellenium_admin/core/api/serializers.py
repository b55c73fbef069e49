"""Bases of what comes in: fields that take one JSON type only, and no field we do not know."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know: a misspelt option must not be taken for its default."""

    def to_internal_value(self, data: Any) -> Any:
        """Check the names, then the values."""
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := sorted(set(data) - known):
                detail = f"Unknown field; known here: {', '.join(sorted(known)) or 'none'}."
                raise serializers.ValidationError({name: [detail] for name in unknown}, code="unknown_field")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """`true` or `false`, not `"yes"` or 1."""

    def to_internal_value(self, data: Any) -> bool:
        """Take a JSON boolean."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictIntegerField(serializers.IntegerField):
    """A JSON number without a fraction, not a string of digits."""

    def to_internal_value(self, data: Any) -> int:
        """Take a JSON integer."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class StrictFloatField(serializers.FloatField):
    """A finite JSON number."""

    def to_internal_value(self, data: Any) -> float:
        """Take a JSON number; `1e999` is none."""
        if isinstance(data, bool) or not isinstance(data, int | float) or not math.isfinite(data):
            self.fail("invalid")
        return float(data)


class StrictCharField(serializers.CharField):
    """A JSON string."""

    def to_internal_value(self, data: Any) -> str:
        """Take a JSON string, without a NUL and without half of a surrogate pair."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class TextListField(serializers.Field[list[str], Any, Any, Any]):
    """A long list of texts, checked at once."""

    default_error_messages = {
        "invalid": "Give a list of texts of 1 to {length} characters, without the character U+0000.",
        "too_long": "Give at most {limit} texts.",
    }

    def __init__(self, *, limit: int, length: int, **options: Any) -> None:
        """Bound the number of texts and the length of each."""
        super().__init__(**options)
        self.limit, self.length = limit, length

    def to_internal_value(self, data: Any) -> list[str]:
        """Take a JSON array of texts."""
        if not isinstance(data, list) or not all(self._is_text(text) for text in data):
            self.fail("invalid", length=self.length)
        if len(data) > self.limit:
            self.fail("too_long", limit=self.limit)
        return data

    def to_representation(self, value: Any) -> list[str]:
        """Give the texts as they are."""
        return list(value)

    def _is_text(self, value: Any) -> bool:
        return isinstance(value, str) and 0 < len(value) <= self.length and "\0" not in value


class IntegerListField(serializers.Field[list[int], Any, Any, Any]):
    """A long list of whole numbers, checked at once: a field for each of a million cells takes minutes."""

    default_error_messages = {
        "invalid": "Give a list of whole numbers.",
        "too_long": "Give at most {limit} numbers.",
    }

    def __init__(self, *, limit: int, **options: Any) -> None:
        """Bound the length; what the numbers may be is for services."""
        super().__init__(**options)
        self.limit = limit

    def to_internal_value(self, data: Any) -> list[int]:
        """Take a JSON array of integers."""
        if not isinstance(data, list) or not all(type(number) is int for number in data):
            self.fail("invalid")
        if len(data) > self.limit:
            self.fail("too_long", limit=self.limit)
        return data

    def to_representation(self, value: Any) -> list[int]:
        """Give the numbers as they are."""
        return list(value)


class EmptySerializer(StrictSerializer):
    """The body of a request that needs none."""


class StrictUUIDField(serializers.UUIDField):
    """A UUID as text; REST framework's own field takes whole numbers too."""

    def to_internal_value(self, data: Any) -> UUID:
        """Take a JSON string."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class StrictDateTimeField(serializers.DateTimeField):
    """A moment with its offset, as RFC 3339 has it: a time without one would mean another moment elsewhere."""

    default_error_messages = {"invalid": "Give date and time with an offset, such as 2026-12-31T12:00:00Z."}

    def to_internal_value(self, value: Any) -> datetime:
        """Take a JSON string."""
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            self.fail("invalid")
        return super().to_internal_value(value)
