from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_audit_trail")]

    operations = [
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("seq", models.BigIntegerField(editable=False, primary_key=True, serialize=False)),
                ("hash", models.BinaryField(max_length=32)),
                ("at", models.DateTimeField()),
                ("key_id", models.CharField(max_length=32)),
                ("previous", models.CharField(blank=True, max_length=64, unique=True)),
                ("signature", models.BinaryField(max_length=64)),
                ("document", models.TextField()),
                ("uri", models.CharField(max_length=2048)),
                ("written_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-seq"],
            },
        ),
    ]
