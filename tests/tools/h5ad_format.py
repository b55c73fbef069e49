"""docs/h5ad-format.md out of the contract and of every finding the code of imports/h5ad can make."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from imports.h5ad import contract
from imports.h5ad.contract import KeyRule

ROOT = Path(__file__).resolve().parents[2]
WORDS = Path(__file__).with_name("h5ad_format_words.md")
SEVERITIES = {"error": "error", "warning": "warning", "note": "note", "refused": "error"}
VARIABLE = "…"
OF_THE_KEY = "as in the tables of keys"

Row = tuple[str, str, str, str]
Assigned = tuple[int, str, ast.expr]


def render() -> str:
    """Put the tables into the words."""
    tables = {
        "KEYS": keys(contract.RULES),
        "KEYS_OF_H5MU": keys(contract.H5MU_RULES),
        "IGNORED": "\n".join(f"| `{key}` | {reason} |" for key, reason in contract.IGNORED.items()),
        "ORGANISMS": ", ".join(f"{number} ({name})" for number, name in contract.KNOWN_ORGANISMS.items()),
        "MOST_VALUES": str(contract.MOST_VALUES),
        "FINDINGS": "\n".join("| " + " | ".join(row) + " |" for row in findings()),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda place: tables[place[1]], WORDS.read_text(encoding="utf-8"))


def keys(rules: tuple[KeyRule, ...]) -> str:
    """Write one row per key."""
    return "\n".join(
        f"| `{rule.key}` | {'yes' if rule.required else 'no'} | {rule.kind}{_limits(rule)} | {_cell(rule.remedy)} |"
        for rule in rules
    )


def _limits(rule: KeyRule) -> str:
    length = f", up to {rule.longest} characters" if rule.longest else ""
    return length + (", may be empty" if rule.required and rule.may_be_empty else "")


def findings() -> list[Row]:
    """Give code, severity, what is expected and the remedy of every finding; what several places say is joined."""
    modules = {path.stem: ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "imports/h5ad").glob("*.py"))}
    told: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for module in modules.values():
        for code, severity, *given in _of_module(module, _constants(module, modules)):
            for held, text in zip(told.setdefault((code, severity), ([], [])), given, strict=True):
                held.extend([text] if text and text not in held else [])
    return [(*key, " / ".join(told[key][0]), " / ".join(told[key][1])) for key in sorted(told)]


def _constants(module: ast.Module, modules: dict[str, ast.Module]) -> list[Assigned]:
    """Find the constants of a module, those it imports from its neighbours first."""
    imports = [node for node in module.body if isinstance(node, ast.ImportFrom)]
    wanted = [((node.module or "").rpartition(".")[2], {alias.name for alias in node.names}) for node in imports]
    held = [(names, modules[stem].body) for stem, names in wanted if stem in modules]
    imported = [place for names, body in held for place in _assigned(body, line=0) if place[1] in names]
    return imported + _assigned(module.body, line=0)


def _of_module(module: ast.Module, constants: list[Assigned]) -> Iterator[Row]:
    for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
        places = constants + _assigned(list(ast.walk(function)))
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            severity, code = _severity_and_code(call)
            if code:
                # What a name stands for where the call is: the last that was assigned before.
                names = {name: value for line, name, value in sorted(places, key=_line) if line < call.lineno}
                given = {keyword.arg: _cell(_text(keyword.value, names)) for keyword in call.keywords}
                yield f"`{code}`", severity, given.get("expected", ""), given.get("remedy", "")


def _severity_and_code(call: ast.Call) -> tuple[str, str]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    if name == "Finding" and isinstance(call.args[0], ast.Attribute) and texts:
        return call.args[0].attr.lower(), str(texts[0])
    is_told = name in SEVERITIES and call.args and isinstance(call.args[0], ast.Constant)
    return (SEVERITIES[name], str(texts[0])) if is_told else ("", "")


def _line(place: Assigned) -> int:
    return place[0]


def _assigned(nodes: list[ast.AST] | list[ast.stmt], *, line: int | None = None) -> list[Assigned]:
    """Find where which name gets what, also in `a, b = 1, 2`."""
    found: list[Assigned] = []
    for node in (node for node in nodes if isinstance(node, ast.Assign)):
        targets = getattr(node.targets[0], "elts", [node.targets[0]])
        values = node.value.elts if isinstance(node.value, ast.Tuple) and len(targets) > 1 else [node.value]
        for target, value in zip(targets, values, strict=False):
            if isinstance(target, ast.Name):
                found.append((node.lineno if line is None else line, target.id, value))
    return found


def _text(value: ast.expr, names: dict[str, ast.expr]) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    if isinstance(value, ast.JoinedStr):
        return "".join(_text(part, names) if isinstance(part, ast.Constant) else VARIABLE for part in value.values)
    if isinstance(value, ast.Attribute) and value.attr in {"remedy", "kind"}:
        return OF_THE_KEY
    if isinstance(value, ast.Name) and value.id in names:
        return _text(names[value.id], {key: held for key, held in names.items() if key != value.id})
    return VARIABLE


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip() if text != VARIABLE else ""
