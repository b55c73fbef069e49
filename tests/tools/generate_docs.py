"""`make docs`: writes again the documents that are made from the code, without any server."""

import os
from pathlib import Path

import django
from django.core.management import call_command

from tests.tools import aws_setup, h5ad_format, settings_reference

DOCS = Path(__file__).resolve().parents[2] / "docs"


def main() -> None:
    """Write docs/settings.md, docs/aws-setup.md, docs/h5ad-format.md and docs/openapi.yaml."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cellenium_admin.settings.typing")
    django.setup()
    (DOCS / "settings.md").write_text(settings_reference.render(), encoding="utf-8")
    (DOCS / "aws-setup.md").write_text(aws_setup.render(), encoding="utf-8")
    (DOCS / "h5ad-format.md").write_text(h5ad_format.render(), encoding="utf-8")
    call_command("spectacular", file=str(DOCS / "openapi.yaml"), validate=True, fail_on_warn=True)


if __name__ == "__main__":
    main()
