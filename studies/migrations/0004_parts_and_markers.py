"""Parts of answers that several workers share; tables of differential expression that came with a file."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0007_features_loaded"),
        ("studies", "0003_catalogue"),
    ]

    operations = [
        migrations.CreateModel(
            name="AnalysisPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                ("first", models.IntegerField()),
                ("stop", models.IntegerField()),
                ("tables", models.BinaryField(default=bytes)),
                (
                    "analysis",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="studies.analysis"
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="analysis_part", to="core.job"
                    ),
                ),
            ],
            options={
                "ordering": ["analysis", "number"],
                "constraints": [
                    models.UniqueConstraint(fields=("analysis", "number"), name="analysis_part_unique_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="DifferentialExpressionTable",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("modality", models.CharField(default="rna", max_length=50)),
                ("gene_count", models.IntegerField()),
                ("columns", models.BinaryField()),
                (
                    "value",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="differential_expression_tables",
                        to="studies.annotationvalue",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="differential_expression_tables",
                        to="studies.studyversion",
                    ),
                ),
            ],
            options={
                "ordering": ["version", "value"],
                "constraints": [
                    models.UniqueConstraint(fields=("value", "modality"), name="differential_expression_table_unique")
                ],
            },
        ),
    ]
