"""The project's habits as functions over syntax trees; `tests/contracts/test_conventions.py` applies them.

Each rule takes one file and gives the lines that break it, as text.
"""

import ast
import functools
import io
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("cellenium_admin", "grants", "studies", "imports")
LONGEST_FILE, LONGEST_FUNCTION = 400, 40
UNFINISHED_MARKS = ("TODO", "FIXME", "XXX", "HACK")
EVASIONS = {"skip", "skipif", "xfail", "importorskip"}
# A task writes whatever broke it into its job; one server that cannot be stopped must not keep the others running,
# nor one operation the others waiting.
CATCHERS = {
    "cellenium_admin/core/tasks.py",
    "cellenium_admin/embedded/supervisor.py",
    "grants/services/operation_queue.py",
}
SENDERS = {"delay", "apply_async", "send_task"}
CLOCKS = {"now", "utcnow", "today", "utcfromtimestamp"}
WRITERS = {"save", "delete", "asave", "adelete"}
# Nothing in there knows a model, so what is saved, deleted or updated is no row.
MODELLESS = (
    *("studies/store/", "studies/analysis/", "imports/h5ad/", "grants/sandbox/"),
    "cellenium_admin/core/storage/",  # Django's storages call the writing of a file `save`
)
QUERY_WRITERS = {"update", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
QUERY_SIGNS = {"objects", "_base_manager", "_default_manager", "filter", "exclude", "all", "select_for_update"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its place below the root, and its text."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text)

    @property
    def in_product(self) -> bool:
        """Tell whether it is delivered, unlike tests."""
        return self.path.split("/")[0] in PRODUCT

    @property
    def is_migration(self) -> bool:
        """Tell whether it is a migration, which Django has written."""
        return "/migrations/" in self.path

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Give all nodes of some kinds."""
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Give all calls of `name(...)` and `anything.name(...)` with the name."""
        for node in self.nodes(ast.Call):
            assert isinstance(node, ast.Call)
            if isinstance(node.func, ast.Attribute):
                yield node, node.func.attr
            elif isinstance(node.func, ast.Name):
                yield node, node.func.id


Rule = Callable[[Source], list[str]]


@functools.cache
def sources() -> list[Source]:
    """Read every Python file of the project."""
    folders = [*PRODUCT, "tests", "docker"]
    files = [ROOT / "manage.py", *(path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))]
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in files]


def short_files(source: Source) -> list[str]:
    """A file holds one thing; a migration is as long as Django writes it."""
    lines = 0 if source.is_migration else source.text.count("\n")
    return [f"{lines} lines, more than {LONGEST_FILE}"] if lines > LONGEST_FILE else []


def short_functions(source: Source) -> list[str]:
    """A function fits on a screen."""
    return [
        _at(node, f"{node.name} has {length} lines, more than {LONGEST_FUNCTION}")
        for node in source.nodes(ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, Function) and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ]


def imports_at_the_top(source: Source) -> list[str]:
    """No import inside a function hides a cycle between packages of ours."""
    if not source.in_product:
        return []
    return [
        _at(node, "imports our own package inside a function")
        for function in source.nodes(ast.FunctionDef, ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and _imported_roots(node) & set(PRODUCT)
    ]


def jobs_are_enqueued(source: Source) -> list[str]:
    """Work reaches the broker through `jobs.enqueue` only, which keeps its row."""
    if not source.in_product or source.path.startswith("cellenium_admin/core/services/job"):
        return []
    return [_at(call, f"{name}() outside of jobs.enqueue") for call, name in source.calls() if name in SENDERS]


def no_swallowed_exceptions(source: Source) -> list[str]:
    """Whoever catches everything raises it again, but for the edges in CATCHERS."""
    if not source.in_product or source.path in CATCHERS:
        return []
    return [
        _at(node, "catches everything and raises nothing")
        for node in source.nodes(ast.ExceptHandler)
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and not _raises(node)
    ]


def aware_times(source: Source) -> list[str]:
    """The time comes from django.utils.timezone, with its zone."""
    if not source.in_product:
        return []
    return [
        _at(call, f"datetime.{name}()")
        for call, name in source.calls()
        if name in CLOCKS
        and isinstance(call.func, ast.Attribute)
        and _last_name(call.func.value) in {"datetime", "date"}
    ]


def reversible_migrations(source: Source) -> list[str]:
    """Every migration can be taken back."""
    if not source.is_migration:
        return []
    return [
        _at(call, f"{name} without its reverse")
        for call, name in source.calls()
        if name in {"RunSQL", "RunPython"}
        and len(call.args) < 2
        and not {"reverse_sql", "reverse_code"} & {keyword.arg for keyword in call.keywords}
    ]


def nothing_unfinished(source: Source) -> list[str]:
    """No test is left out, nothing is marked as to be done."""
    marks = [
        f"{token.start[0]}: {token.string}"
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline)
        if token.type == tokenize.COMMENT and any(mark in token.string for mark in UNFINISHED_MARKS)
    ]
    evasions = [
        _at(node, f"{node.attr}")
        for node in source.nodes(ast.Attribute)
        if isinstance(node, ast.Attribute) and node.attr in EVASIONS and _first_name(node) in {"pytest", "unittest"}
    ]
    return marks + evasions


def documented(source: Source) -> list[str]:
    """Every module, and every public class and function of one, says what it is for."""
    if not source.in_product or source.is_migration or not source.text.strip():
        return []
    missing = [] if ast.get_docstring(source.tree) else ["1: the module"]
    return missing + [_at(node, node.name) for node in _public(source.tree) if not ast.get_docstring(node)]


def csv_is_escaped(source: Source) -> list[str]:
    """Tables for spreadsheets are written in one place, which knows about formulas in cells."""
    if not source.in_product or source.path == "cellenium_admin/core/csv.py":
        return []
    return [
        _at(call, f"csv.{name}")
        for call, name in source.calls()
        if name in {"writer", "DictWriter"}
        and isinstance(call.func, ast.Attribute)
        and _last_name(call.func.value) == "csv"
    ]


def state_changes_in_services(source: Source) -> list[str]:
    """Rows change in services, together with their event in the trail."""
    if not source.in_product or source.is_migration or "/services/" in source.path or source.path.startswith(MODELLESS):
        return []
    return [
        _at(call, f".{name}() of a row")
        for call, name in source.calls()
        if isinstance(call.func, ast.Attribute)
        and (name in WRITERS or (name in QUERY_WRITERS and _names(call.func.value) & QUERY_SIGNS))
    ]


RULES: tuple[Rule, ...] = (
    short_files,
    short_functions,
    imports_at_the_top,
    jobs_are_enqueued,
    no_swallowed_exceptions,
    aware_times,
    reversible_migrations,
    nothing_unfinished,
    documented,
    csv_is_escaped,
    state_changes_in_services,
)


def _at(node: ast.AST, what: str) -> str:
    return f"{getattr(node, 'lineno', 0)}: {what}"


def _imported_roots(node: ast.Import | ast.ImportFrom) -> set[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return {name.split(".")[0] for name in names}


def _catches_all(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(_last_name(kind) in {"Exception", "BaseException"} for kind in caught)


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _first_name(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return _last_name(node)


def _names(node: ast.AST) -> set[str]:
    return {_last_name(part) for part in ast.walk(node)}


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | Function]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and node.name not in {"Meta", "Media"}:
            yield node
            # What a protocol asks for is told where it is done.
            if "Protocol" not in {name for base in node.bases for name in _names(base)}:
                yield from _public(node)
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield node
