"""The sub-prefixes our grants may have: AWS's grammar, narrowed to what cannot mean more than it says. Pure.

A text is refused, never rewritten: whoever grants sees exactly what AWS will be told. Adopted grants are exempt.
"""

import re

from grants import scopes

MOST_CHARACTERS = 2000
_FORBIDDEN = "*?${}"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SubPrefixError(ValueError):
    """A sub-prefix we do not grant on; the message says what to write instead."""


def joined(location_scope: str, sub_prefix: str, *, is_object: bool = False) -> str:
    """Give the scope of a grant of ours, as AWS will show it; raises SubPrefixError.

    A prefix ends in `/*`, so that `data/*` never covers `database/`; a single object has no `*` at all. `*` alone is
    the whole location. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-grant-create.html
    """
    _check(sub_prefix, is_object=is_object)
    try:
        scope = scopes.join(location_scope, sub_prefix)
        scopes.parse(scope)
    except scopes.ScopeError as error:
        raise SubPrefixError(str(error)) from error
    if not is_object and not scope.endswith("/*"):
        raise SubPrefixError(f"{scope} would also cover keys beside that prefix: put a / before the *.")
    if is_object and not scopes.parse(scope).key:
        raise SubPrefixError("A grant on one object names its whole key.")
    return scope


def _check(sub_prefix: str, *, is_object: bool) -> None:
    if not sub_prefix:
        raise SubPrefixError("Give a sub-prefix that ends in /*, such as data/*, or * for the whole location.")
    if len(sub_prefix) > MOST_CHARACTERS:
        raise SubPrefixError(f"A sub-prefix has at most {MOST_CHARACTERS} characters; this one has {len(sub_prefix)}.")
    body = sub_prefix if is_object else sub_prefix.removesuffix("*")
    if not is_object and body == sub_prefix:
        raise SubPrefixError(f"{sub_prefix} names one key: end it with /* for a prefix, or grant a single object.")
    if body and not is_object and not body.endswith("/"):
        raise SubPrefixError(f"{sub_prefix} would also cover {body}-else/: put a / before the *.")
    if found := sorted({character for character in body if character in _FORBIDDEN}):
        raise SubPrefixError(f"{sub_prefix} holds {' '.join(found)}, which policies read as more than a character.")
    if _CONTROL.search(body) or not _is_unicode(body):
        raise SubPrefixError("A sub-prefix holds no control characters and no half of a surrogate pair.")
    segments = body.removesuffix("/").split("/") if body else []
    if any(segment in {"", ".", ".."} for segment in segments):
        raise SubPrefixError(f"{sub_prefix} has an empty part, or one of dots, which tools read as another path.")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
