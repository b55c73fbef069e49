"""Let the database refuse illegal steps between the states of an upload."""

from django.db import migrations

STEPS = (
    "starting>uploading",
    "starting>cancelled",
    "starting>expired",
    "uploading>completing",
    "uploading>cancelled",
    "uploading>expired",
    "completing>uploading",
    "completing>expired",
    "completing>cancelled",
    # The object appeared after all: told by a scan or an event, whatever we thought of it before.
    "starting>received",
    "uploading>received",
    "completing>received",
    "cancelled>received",
    "expired>received",
    "held>received",
    "received>removing",
    "held>removing",
    "unrecognized>removing",
    "removing>removed",
)
FUNCTION = """
    CREATE FUNCTION public.imports_check_transition() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
    BEGIN
        IF NOT (OLD.state || '>' || NEW.state) = ANY (TG_ARGV) THEN
            RAISE EXCEPTION '% cannot go from % to %.', TG_TABLE_NAME, OLD.state, NEW.state
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END
    $$;
"""
TRIGGER = f"""
    CREATE TRIGGER imports_check_transition BEFORE UPDATE OF state ON public.imports_upload
        FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
        EXECUTE FUNCTION public.imports_check_transition({", ".join(f"'{step}'" for step in STEPS)});
"""


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0003_uploads_sent"),
    ]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION public.imports_check_transition();"),
        migrations.RunSQL(TRIGGER, "DROP TRIGGER imports_check_transition ON public.imports_upload;"),
    ]
