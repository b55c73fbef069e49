"""DeleteObjects: each key is decided by itself, so what reaches SeaweedFS may be less than was asked.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from grants.sandbox.errors import AwsError
from grants.sandbox.s3.actions import Need
from grants.sandbox.s3.settings import NAMESPACE

MOST = 1000


@dataclass(frozen=True, slots=True)
class Doomed:
    """One object a client wants deleted, and why it may not be."""

    key: str
    version: str | None
    refusal: str = ""

    def need(self, bucket: str) -> Need:
        """Give the permission it takes."""
        action = "s3:DeleteObjectVersion" if self.version else "s3:DeleteObject"
        context: dict[str, str | tuple[str, ...]] = {"s3:VersionId": self.version} if self.version else {}
        return Need(action, f"arn:aws:s3:::{bucket}/{self.key}", context)


def read(body: bytes) -> tuple[list[Doomed], bool]:
    """Read the keys, and whether the answer shall be quiet; raises AwsError MalformedXML."""
    malformed = AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate")
    if b"<!DOCTYPE" in body:
        raise malformed
    try:
        root = ET.fromstring(body)  # noqa: S314
    except ET.ParseError as error:
        raise malformed from error
    keys = [Doomed(_key(entry, malformed), entry.findtext("{*}VersionId")) for entry in root.findall("{*}Object")]
    if not 0 < len(keys) <= MOST:
        raise malformed
    return keys, (root.findtext("{*}Quiet") or "").strip().lower() == "true"


def request_for(keys: Sequence[Doomed], *, quiet: bool) -> bytes:
    """Write the request for the keys that may be deleted."""
    entries = "".join(
        f"<Object><Key>{_escaped(doomed.key)}</Key>"
        + (f"<VersionId>{_escaped(doomed.version)}</VersionId>" if doomed.version else "")
        + "</Object>"
        for doomed in keys
    )
    return f'<Delete xmlns="{NAMESPACE}">{entries}<Quiet>{str(quiet).lower()}</Quiet></Delete>'.encode()


def hushed(answer: bytes) -> bytes:
    """Take what was deleted out of an answer, for a client that wants to hear of failures only."""
    return re.sub(rb"<Deleted>.*?</Deleted>", b"", answer, flags=re.DOTALL)


def answer_with(answer: bytes, refused: Sequence[Doomed]) -> bytes:
    """Add the refusals to SeaweedFS's answer, which is empty when nothing was asked of it."""
    errors = "".join(
        f"<Error><Key>{_escaped(doomed.key)}</Key>"
        + (f"<VersionId>{_escaped(doomed.version)}</VersionId>" if doomed.version else "")
        + f"<Code>AccessDenied</Code><Message>{_escaped(doomed.refusal)}</Message></Error>"
        for doomed in refused
    )
    text = (
        answer.decode()
        if answer
        else f'<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="{NAMESPACE}"></DeleteResult>'
    )
    head, closing, tail = text.rpartition("</DeleteResult>")
    if not closing:
        head, tail = f'<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="{NAMESPACE}">', ""
    return f"{head}{errors}</DeleteResult>{tail}".encode()


def _escaped(text: str | None) -> str:
    return escape(text or "", {"\r": "&#13;", "\n": "&#10;"})


def _key(entry: ET.Element, malformed: AwsError) -> str:
    key = entry.findtext("{*}Key")
    if not key:
        raise malformed
    return key
