"""What is said to people beside the output, and how the program ends."""

import sys

DONE, REFUSED, USAGE, NOT_CONFIGURED, INTERRUPTED = 0, 1, 2, 3, 130


class StopError(Exception):
    """The program ends here, with a sentence and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def printable(text: str) -> str:
    """Write control characters out: what a server says shall not steer a terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def say(text: str, code: int = DONE) -> int:
    """Tell a person something beside the output, and give the code."""
    print("\n".join(map(printable, text.split("\n"))), file=sys.stderr, flush=True)
    return code
