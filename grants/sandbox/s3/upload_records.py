"""What SeaweedFS does not tell about multipart uploads: their checksum's algorithm, and the last of each part.

It keeps every part that was put under a number, and tells neither which came last nor its checksum.
"""

from dataclasses import dataclass

from grants.sandbox.state import State

SCHEMA = """
CREATE TABLE IF NOT EXISTS multipart_uploads (
    upload TEXT PRIMARY KEY, algorithm TEXT NOT NULL, type TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS multipart_parts (
    upload TEXT NOT NULL REFERENCES multipart_uploads ON DELETE CASCADE,
    number INTEGER NOT NULL, etag TEXT NOT NULL, checksum TEXT NOT NULL, PRIMARY KEY (upload, number)
);
"""


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """How an upload was begun: the algorithm in lower case, the type COMPOSITE or FULL_OBJECT."""

    algorithm: str
    type: str


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What was last put under a number: its ETag, and its checksum if the upload has an algorithm."""

    etag: str
    checksum: str = ""


class UploadRecords:
    """The unfinished uploads."""

    def __init__(self, state: State) -> None:
        """Keep them in `state`."""
        self._state = state

    def begin(self, upload: str, algorithm: str, kind: str) -> None:
        """Keep a new upload with its algorithm, if it has one."""
        self._state.run("INSERT OR REPLACE INTO multipart_uploads VALUES (?, ?, ?)", [upload, algorithm.lower(), kind])

    def of(self, upload: str) -> UploadRecord | None:
        """Give how an upload was begun, or None when it was begun without an algorithm."""
        row = self._state.one("SELECT * FROM multipart_uploads WHERE upload = ?", [upload])
        return UploadRecord(row["algorithm"], row["type"]) if row and row["algorithm"] else None

    def keep_part(self, upload: str, number: int, part: PartRecord) -> None:
        """Keep a part that was stored, instead of the one before under its number."""
        self._state.run(
            "INSERT OR REPLACE INTO multipart_parts SELECT upload, ?, ?, ? FROM multipart_uploads WHERE upload = ?",
            [number, part.etag, part.checksum, upload],
        )

    def parts(self, upload: str) -> dict[int, PartRecord]:
        """Give an upload's parts by number."""
        rows = self._state.all("SELECT * FROM multipart_parts WHERE upload = ?", [upload])
        return {row["number"]: PartRecord(row["etag"], row["checksum"]) for row in rows}

    def forget(self, upload: str) -> None:
        """Forget an upload that has ended."""
        self._state.run("DELETE FROM multipart_uploads WHERE upload = ?", [upload])

    def forget_all(self) -> None:
        """Forget every upload."""
        self._state.run("DELETE FROM multipart_uploads")
