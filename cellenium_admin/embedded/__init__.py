"""Private PostgreSQL, Valkey and S3 servers out of installed wheels, and a supervisor for them.

For `make demo` and `make test`: no server to install, no port, password or account to arrange. Every server
listens on loopback only, keeps its state in one directory, and ends with the process that started it.
"""

from cellenium_admin.embedded.errors import EmbeddedServerError
from cellenium_admin.embedded.ports import free_port
from cellenium_admin.embedded.postgres import EmbeddedPostgres
from cellenium_admin.embedded.process import ServerProcess
from cellenium_admin.embedded.roles import DatabaseUrls
from cellenium_admin.embedded.seaweedfs import EmbeddedSeaweedFS
from cellenium_admin.embedded.supervisor import Service, StopRequested, Supervisor
from cellenium_admin.embedded.valkey import EmbeddedValkey

__all__ = [
    "DatabaseUrls",
    "EmbeddedPostgres",
    "EmbeddedSeaweedFS",
    "EmbeddedServerError",
    "EmbeddedValkey",
    "ServerProcess",
    "Service",
    "StopRequested",
    "Supervisor",
    "free_port",
]
