"""What goes wrong with an embedded server, told so that the reader knows where to look."""

from pathlib import Path


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot be used; the message says why and what to do."""


def tail(log: Path, *, since: int = 0, lines: int = 15) -> str:
    """Return the last lines written to a log since a position, for error messages."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except OSError as error:
        return f"({error})"
    return "\n".join(text.splitlines()[-lines:]) or "(nothing was written)"
