"""What a bucket's CORS rules let a page of another origin do in a browser. Pure.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors-troubleshooting.html
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from grants.sandbox.errors import AwsError

Rule = Mapping[str, Any]
METHODS = {"GET", "PUT", "POST", "DELETE", "HEAD"}
MOST_RULES = 100
_VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


def check(document: Mapping[str, Any]) -> None:
    """Raise InvalidRequest for rules that S3 does not take; MalformedXML for none or too many."""
    rules = document["CORSRules"]
    if not 0 < len(rules) <= MOST_RULES:
        raise AwsError("MalformedXML", f"A CORS configuration has 1 to {MOST_RULES} rules, not {len(rules)}")
    for rule in rules:
        for method in rule["AllowedMethods"]:
            if method not in METHODS:
                message = f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
                raise AwsError("InvalidRequest", message)
        for kind in ("AllowedOrigin", "AllowedHeader"):
            for value in rule.get(f"{kind}s", ()):
                if value.count("*") > 1:
                    raise AwsError("InvalidRequest", f'{kind} "{value}" can not have more than one wildcard.')
        for value in rule.get("ExposeHeaders", ()):
            if "*" in value:
                message = (
                    f'ExposeHeader "{value}" contains wildcard. We currently do not support wildcard for ExposeHeader.'
                )
                raise AwsError("InvalidRequest", message)


def preflight(rules: Sequence[Rule] | None, headers: Mapping[str, str]) -> dict[str, str]:
    """Answer a browser that asks before a request; header names in lower case.

    Raises AwsError AccessForbidden unless a rule allows origin, method and every header, and BadRequest for a question
    without origin or method.
    """
    origin, method = headers.get("origin"), headers.get("access-control-request-method")
    if origin is None:
        raise AwsError("BadRequest", "Insufficient information. Origin request header needed.")
    if method not in METHODS:
        raise AwsError("BadRequest", f"Invalid Access-Control-Request-Method: {method or 'null'}")
    if rules is None:
        raise AwsError("AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.", HTTPStatus.FORBIDDEN)
    wanted = [name.strip().lower() for name in headers.get("access-control-request-headers", "").split(",")]
    asked = [name for name in wanted if name]
    for rule in rules:
        if _fits(rule, origin, method) and all(_allows(rule, name) for name in asked):
            allowed = {"Access-Control-Allow-Headers": ", ".join(asked)} if asked else {}
            return {**_answer(rule, origin), **allowed}
    raise AwsError(
        "AccessForbidden",
        "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request "
        "method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the "
        "resource's CORS spec.",
        HTTPStatus.FORBIDDEN,
    )


def beside(rules: Sequence[Rule] | None, origin: str | None, method: str) -> dict[str, str]:
    """Give the headers of an answer to a request from a page of another origin: none unless a rule fits."""
    if origin is None:
        return {}
    return next((_answer(rule, origin) for rule in rules or () if _fits(rule, origin, method)), {})


def _fits(rule: Rule, origin: str, method: str) -> bool:
    return method in rule["AllowedMethods"] and any(_like(wanted, origin) for wanted in rule["AllowedOrigins"])


def _allows(rule: Rule, header: str) -> bool:
    return any(_like(wanted.lower(), header) for wanted in rule.get("AllowedHeaders", ()))


def _answer(rule: Rule, origin: str) -> dict[str, str]:
    everyone = next(wanted for wanted in rule["AllowedOrigins"] if _like(wanted, origin)) == "*"
    found = {
        "Access-Control-Allow-Origin": "*" if everyone else origin,
        "Access-Control-Allow-Methods": ", ".join(rule["AllowedMethods"]),
        "Vary": _VARY,
    }
    if not everyone:
        found["Access-Control-Allow-Credentials"] = "true"
    if rule.get("ExposeHeaders"):
        found["Access-Control-Expose-Headers"] = ", ".join(rule["ExposeHeaders"])
    if rule.get("MaxAgeSeconds") is not None:
        found["Access-Control-Max-Age"] = str(rule["MaxAgeSeconds"])
    return found


def _like(pattern: str, value: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), value, re.DOTALL) is not None
