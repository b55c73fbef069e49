"""Number, chain and protect the trail inside the database; the SQL is in `sql/`."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).with_name("sql")


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="auditevent",
            options={"base_manager_name": "objects", "ordering": ["-seq"]},
        ),
        migrations.AlterField(
            model_name="auditpending",
            name="last",
            field=models.BooleanField(db_default=False),
        ),
        migrations.RunSQL(
            sql=(SQL / "audit_trail.sql").read_text(encoding="utf-8"),
            reverse_sql=(SQL / "audit_trail_reverse.sql").read_text(encoding="utf-8"),
            elidable=False,
        ),
    ]
