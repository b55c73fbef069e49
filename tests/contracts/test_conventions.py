"""The project's habits hold in every file; and each rule is shown a file that breaks it."""

import pytest

from tests.tools import conventions
from tests.tools.conventions import RULES, Rule, Source, sources

SERVICE = "studies/services/example.py"
PAGE = "studies/admin/example.py"
BROKEN = [
    (conventions.short_files, SERVICE, "x = 1\n" * 401),
    (conventions.short_functions, SERVICE, "def f():\n" + "    x = 1\n" * 40),
    (conventions.imports_at_the_top, SERVICE, "def f():\n    from studies.models import Study\n"),
    (conventions.imports_at_the_top, SERVICE, "def f():\n    import cellenium_admin.core.tasks\n"),
    (conventions.jobs_are_enqueued, SERVICE, "run_import.delay(1)\n"),
    (conventions.jobs_are_enqueued, SERVICE, "app.send_task('imports.run_import')\n"),
    (conventions.no_swallowed_exceptions, SERVICE, "try:\n    f()\nexcept Exception:\n    pass\n"),
    (
        conventions.no_swallowed_exceptions,
        SERVICE,
        "try:\n    f()\nexcept (KeyError, BaseException) as e:\n    print(e)\n",
    ),
    (conventions.no_swallowed_exceptions, SERVICE, "try:\n    f()\nexcept:\n    pass\n"),
    (conventions.aware_times, SERVICE, "import datetime\nnow = datetime.datetime.now()\n"),
    (conventions.aware_times, SERVICE, "from datetime import date\nnow = date.today()\n"),
    (conventions.reversible_migrations, "studies/migrations/0009_x.py", "migrations.RunSQL('DROP TABLE x')\n"),
    (conventions.reversible_migrations, "studies/migrations/0009_x.py", "migrations.RunPython(code=forward)\n"),
    (conventions.nothing_unfinished, "tests/test_x.py", "@pytest.mark.skipif(True)\ndef test_x(): ...\n"),
    (conventions.nothing_unfinished, "tests/test_x.py", "def test_x():\n    pytest.importorskip('numba')\n"),
    (conventions.nothing_unfinished, SERVICE, "x = 1  # TO" + "DO: more\n"),
    (conventions.documented, SERVICE, '"""Module."""\n\n\ndef f(): ...\n'),
    (conventions.documented, SERVICE, '"""Module."""\n\n\nclass A:\n    """A."""\n\n    def f(self): ...\n'),
    (conventions.csv_is_escaped, SERVICE, "import csv\nrows = csv.writer(stream)\n"),
    (conventions.state_changes_in_services, PAGE, "study.save()\n"),
    (conventions.state_changes_in_services, PAGE, "Study.objects.filter(pk=1).update(name='x')\n"),
    (conventions.state_changes_in_services, PAGE, "Study.objects.create(name='x')\n"),
]
FINE = [
    (conventions.short_functions, SERVICE, "def f():\n" + "    x = 1\n" * 39),
    (conventions.imports_at_the_top, SERVICE, "def f():\n    import json\n"),
    (conventions.jobs_are_enqueued, "cellenium_admin/core/services/job_broker.py", "app.send_task('x')\n"),
    (conventions.no_swallowed_exceptions, SERVICE, "try:\n    f()\nexcept Exception as e:\n    raise Other from e\n"),
    (conventions.aware_times, SERVICE, "now = timezone.now()\n"),
    (conventions.reversible_migrations, "studies/migrations/0009_x.py", "migrations.RunPython(forward, back)\n"),
    (conventions.documented, SERVICE, '"""Module."""\n\n\ndef _f(): ...\n'),
    (conventions.documented, SERVICE, '"""Module."""\n\n\nclass A(Protocol):\n    """A."""\n\n    def f(self): ...\n'),
    (conventions.csv_is_escaped, "cellenium_admin/core/csv.py", "import csv\nrows = csv.writer(stream)\n"),
    (conventions.state_changes_in_services, SERVICE, "study.save()\n"),
    (conventions.state_changes_in_services, PAGE, "facts.update(name='x')\n"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    broken = [f"{source.path}:{line}" for source in sources() for line in rule(source)]
    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN)
def test_rule_finds_what_breaks_it(rule: Rule, path: str, text: str) -> None:
    assert len(rule(Source(path, text))) == 1


@pytest.mark.parametrize(("rule", "path", "text"), FINE)
def test_rule_lets_pass_what_does_not(rule: Rule, path: str, text: str) -> None:
    assert rule(Source(path, text)) == []


def test_every_rule_was_shown_a_file_that_breaks_it() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


def test_all_packages_were_read() -> None:
    folders = {source.path.split("/")[0] for source in sources()}
    assert folders == {*conventions.PRODUCT, "tests", "docker", "manage.py"}
