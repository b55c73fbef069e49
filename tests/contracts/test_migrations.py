"""The migrations: they make what the models say, and stand in one line per app."""

import io

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

OURS = {"core", "grants", "imports", "studies"}


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None, ignore_no_migrations=True)


@pytest.mark.django_db
def test_models_have_no_change_without_a_migration() -> None:
    output = io.StringIO()
    try:
        call_command("makemigrations", check_changes=True, dry_run=True, stdout=output)
    except SystemExit:
        pytest.fail(output.getvalue())


def test_one_end_per_app(loader: MigrationLoader) -> None:
    assert {app: loader.graph.leaf_nodes(app) for app in OURS if len(loader.graph.leaf_nodes(app)) != 1} == {}


def test_one_line_per_app(loader: MigrationLoader) -> None:
    for app in OURS:
        own = {key for key in loader.disk_migrations if key[0] == app}
        parents = [parent for key in own for parent in loader.disk_migrations[key].dependencies if parent in own]
        assert len(parents) == len(set(parents)) == len(own) - 1, app


def test_names_are_numbered_in_order(loader: MigrationLoader) -> None:
    for app in OURS:
        names = sorted(name for label, name in loader.disk_migrations if label == app)
        assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_every_app_with_models_is_looked_at() -> None:
    with_models = {config.label for config in apps.get_app_configs() if list(config.get_models())}
    here = {"core", "studies", "imports", "grants"}
    assert with_models & here == OURS


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_trail_can_be_taken_back_and_made_again() -> None:
    try:
        call_command("migrate", "core", "0001", database="owner", verbosity=0)
    finally:
        call_command("migrate", database="owner", verbosity=0)
