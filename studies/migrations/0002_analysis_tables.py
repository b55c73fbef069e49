"""Answers become tables of all genes; answers kept as a few rows are computed again when they are asked for."""

import django.db.models.deletion
from django.db import migrations, models


def forget_answers(apps, schema_editor):
    apps.get_model("studies", "Analysis").objects.using(schema_editor.connection.alias).all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(forget_answers, migrations.RunPython.noop),
        migrations.RemoveField(
            model_name="analysis",
            name="results",
        ),
        migrations.AddField(
            model_name="analysis",
            name="answered_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="AnalysisTable",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.IntegerField()),
                ("facts", models.JSONField(default=dict)),
                ("columns", models.BinaryField()),
                (
                    "analysis",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tables", to="studies.analysis"
                    ),
                ),
            ],
            options={
                "ordering": ["analysis", "position"],
                "constraints": [
                    models.UniqueConstraint(fields=("analysis", "position"), name="analysis_table_unique_position")
                ],
            },
        ),
        # Float numbers do not compress; trying costs more than the transfer.
        migrations.RunSQL(
            "ALTER TABLE studies_analysistable ALTER COLUMN columns SET STORAGE EXTERNAL", migrations.RunSQL.noop
        ),
    ]
