"""Values that let the type checker load Django without any server or secret."""

import os

for name, value in {
    "CELLENIUM_SECRET_KEY": "typing",
    "CELLENIUM_DATABASE_URL": "postgres://typing@127.0.0.1/typing",
    "CELLENIUM_REDIS_URL": "redis://127.0.0.1/0",
    "CELLENIUM_H5AD_STORE": "typing",
    "CELLENIUM_STORE_DIR": "typing",
    "CELLENIUM_SCRATCH_DIR": "typing",
}.items():
    os.environ.setdefault(name, value)

from cellenium_admin.settings.base import *  # noqa: E402, F403
