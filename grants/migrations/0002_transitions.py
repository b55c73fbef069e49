"""Let the database refuse illegal steps between states, and the removal of history; the functions are in `sql/`."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_name("sql") / "transitions.sql"

LIFECYCLE = (
    "pending_create>active",
    "pending_create>failed",
    "pending_create>pending_delete",
    "active>pending_delete",
    "active>deleted",
    "active>pending_create",
    "pending_delete>deleted",
    "failed>pending_create",
    "failed>pending_delete",
    "failed>deleted",
)
REQUEST = ("pending>approved", "pending>rejected", "pending>cancelled", "pending>lapsed")
OPERATION = (
    "pending>running",
    "pending>cancelled",
    "running>pending",
    "running>succeeded",
    "running>failed",
    "failed>pending",
    "failed>cancelled",
)
ISSUANCE = ("intended>issued", "intended>refused", "intended>unknown")
STEPS = {
    "grants_location": LIFECYCLE,
    "grants_principal": LIFECYCLE,
    "grants_accesskey": LIFECYCLE,
    "grants_grant": LIFECYCLE,
    "grants_cut": LIFECYCLE,
    "grants_accessrequest": REQUEST,
    "grants_operation": OPERATION,
    "grants_issuance": ISSUANCE,
}


def triggers(table: str, steps: tuple[str, ...]) -> str:
    arguments = ", ".join(f"'{step}'" for step in steps)
    return f"""
        CREATE TRIGGER grants_check_transition BEFORE UPDATE OF state ON public.{table}
            FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
            EXECUTE FUNCTION public.grants_check_transition({arguments});
        CREATE TRIGGER grants_refuse_delete BEFORE DELETE ON public.{table}
            FOR EACH ROW EXECUTE FUNCTION public.grants_refuse_delete();
    """


def no_triggers(table: str) -> str:
    return f"""
        DROP TRIGGER grants_check_transition ON public.{table};
        DROP TRIGGER grants_refuse_delete ON public.{table};
    """


class Migration(migrations.Migration):
    dependencies = [("grants", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=SQL.read_text(encoding="utf-8"),
            reverse_sql="DROP FUNCTION public.grants_check_transition(); DROP FUNCTION public.grants_refuse_delete();",
        ),
        *(
            migrations.RunSQL(sql=triggers(table, steps), reverse_sql=no_triggers(table))
            for table, steps in STEPS.items()
        ),
    ]
