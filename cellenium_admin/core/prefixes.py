"""Upload prefixes: one for each e-mail address, in characters that need no escaping in a key or a policy. Pure."""

import base64
import hashlib
import string
import unicodedata

ROOT = "input/"
PLAIN = frozenset(string.ascii_lowercase + string.digits + ".@-")
MOST_CHARACTERS = 200
DIGEST_CHARACTERS = 26
# Two in a row never come out of the escaping, so a shortened address cannot look like a written-out one.
SHORTENED = "__"


def prefix_for(email: str) -> str:
    """Give the prefix of the h5ad store that belongs to a verified e-mail address.

    No prefix lies within another: the encoded address holds no slash. Raises ValueError for an empty address.
    """
    return f"{ROOT}{encode_email(email)}/"


def encode_email(email: str) -> str:
    """Write an address, without regard to case, as `a-z 0-9 . @ -` and `_hh` for each byte of anything else.

    Different addresses give different results; none is `.` or `..`. Raises ValueError for an empty address.
    """
    address = unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).lower())
    if not address:
        raise ValueError("An upload prefix needs an e-mail address.")
    parts = [character if character in PLAIN else _escaped(character) for character in address]
    if not address.strip("."):
        parts = [_escaped(character) for character in address]
    encoded = "".join(parts)
    return encoded if len(encoded) <= MOST_CHARACTERS else _shortened(address, parts)


def _escaped(character: str) -> str:
    return "".join(f"_{byte:02x}" for byte in character.encode())


def _shortened(address: str, parts: list[str]) -> str:
    """Keep the readable beginning, cut between characters, and tell the rest by a hash of the whole."""
    room = MOST_CHARACTERS - len(SHORTENED) - DIGEST_CHARACTERS
    head = ""
    for part in parts:
        if len(head) + len(part) > room:
            break
        head += part
    digest = base64.b32encode(hashlib.sha256(address.encode()).digest()).decode().lower()
    return f"{head}{SHORTENED}{digest[:DIGEST_CHARACTERS]}"
