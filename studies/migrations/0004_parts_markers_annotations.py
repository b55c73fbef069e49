"""Answers in parts, tables of differential expression of files, sums, user annotations, layers with fewer cells."""

import django.core.validators
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0009_progress_and_retries"),
        ("studies", "0003_catalogue"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="feature",
            name="kind",
            field=models.CharField(
                choices=[("gene", "Gene"), ("protein_antibody_tag", "Protein Antibody Tag"), ("region", "Region")],
                default="gene",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="layer",
            name="row_map",
            field=models.CharField(blank=True, default="", max_length=50),
        ),
        migrations.AlterField(
            model_name="analysis",
            name="kind",
            field=models.CharField(
                choices=[
                    ("differential_expression", "Differential Expression"),
                    ("correlation", "Correlation"),
                    ("pseudobulk", "Pseudobulk"),
                ],
                max_length=30,
            ),
        ),
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
        migrations.CreateModel(
            name="UserAnnotation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                (
                    "color",
                    models.CharField(
                        max_length=7, validators=[django.core.validators.RegexValidator("^#[0-9a-f]{6}\\Z")]
                    ),
                ),
                (
                    "visibility",
                    models.CharField(
                        choices=[("private", "Private"), ("study", "Study")], default="private", max_length=10
                    ),
                ),
                ("keys", models.BinaryField()),
                ("key_count", models.IntegerField()),
                ("cells", models.BinaryField()),
                ("cell_count", models.IntegerField()),
                ("version", models.IntegerField(default=1)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "attached_to",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="user_annotations",
                        to="studies.studyversion",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="user_annotations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "study",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="user_annotations", to="studies.study"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("study", "owner", "name"), name="user_annotation_unique_name")
                ],
            },
        ),
    ]
