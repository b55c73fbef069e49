"""Writes docs/settings.md: every CELLENIUM_... variable that the settings read, with its default and what it does.

Names and defaults come from the syntax trees of the settings, so that nothing has to be started; what a
variable is for is said in settings_words.toml. A variable without a word, or a word without a variable, is an error.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "cellenium_admin" / "settings"
MODULES = ("base", "production", "development")
KINDS = {"str", "int", "float", "bool", "list", "path", "db_url"}
WORDS = Path(__file__).with_name("settings_words.toml")
# Read before any settings module, or worked out from other values.
OUTSIDE = {"CELLENIUM_ENVIRONMENT": "production"}
WORDED = {
    "CELLENIUM_UPLOADER_GROUP": "the deployment's name and `-uploaders`",
    "CELLENIUM_STATIC_ROOT": "`static` beside `manage.py`",
    "CELLENIUM_VISIBILITY_TIMEOUT": "1.1 times the longer time limit, and 60",
}

HEAD = """# Settings

Every setting is an environment variable. This page is written by `make docs` from `cellenium_admin/settings/`.
A variable marked *required* has no default: without it the server stops at its start and names it.
`cellenium-admin check_setup` tells whether the values fit the servers they name.
"""


class UndocumentedError(Exception):
    """The settings and the words about them do not match."""


@dataclass(slots=True)
class Variable:
    """One environment variable, with the default each settings module gives it; None stands for none."""

    name: str
    defaults: dict[str, str | None] = field(default_factory=dict)


def variables() -> dict[str, Variable]:
    """Read all `env.kind("CELLENIUM_...", default=...)` of the settings."""
    found = {name: Variable(name, {"base": default}) for name, default in OUTSIDE.items()}
    for module in MODULES:
        tree = ast.parse((SETTINGS / f"{module}.py").read_text(encoding="utf-8"))
        for call in _reads(tree):
            name = ast.literal_eval(call.args[0])
            found.setdefault(name, Variable(name)).defaults[module] = _default(name, call)
    return found


def words() -> dict[str, dict[str, str]]:
    """Read what each variable is for, by section."""
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def render() -> str:
    """Write the page. Raises UndocumentedError."""
    known, sections = variables(), words()
    if missing := known.keys() ^ {name for section in sections.values() for name in section}:
        raise UndocumentedError(f"The settings and {WORDS.name} differ in: {', '.join(sorted(missing))}")
    parts = [HEAD]
    for title, section in sections.items():
        parts.append(f"\n## {title}\n\n| variable | default | meaning |\n|---|---|---|\n")
        parts += [f"| `{name}` | {_defaults(known[name])} | {meaning} |\n" for name, meaning in section.items()]
    return "".join(parts)


def _reads(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in KINDS:
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "env":
                yield node


def _default(name: str, call: ast.Call) -> str | None:
    given = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
    if not given:
        return None
    if name in WORDED:
        return WORDED[name]
    value = eval(compile(ast.Expression(given[0]), name, "eval"), {"__builtins__": {}})  # our own settings
    if isinstance(value, list):
        value = ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _defaults(variable: Variable) -> str:
    effective = {module: variable.defaults.get(module, variable.defaults.get("base")) for module in MODULES[1:]}
    if "base" not in variable.defaults:
        effective = {module: variable.defaults[module] for module in MODULES[1:] if module in variable.defaults}
    texts = {module: _shown(default) for module, default in effective.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{module}: {text}" for module, text in texts.items())


def _shown(default: str | None) -> str:
    if default is None:
        return "*required*"
    if default in WORDED.values():
        return default
    return f"`{default}`" if default else "none"
