"""Every text of the core that can reach the page, read out of its source: templates with `{}` for what is filled in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import hftransfer

PACKAGE = Path(hftransfer.__file__).parent
# What never reaches a page: scripts, the shell's own words, and the pages, which say theirs by `say`.
ELSEWHERE = ("models/starters/build/", "cli/", "terminal/", "ui/", "errors.py")
ERRORS = {
    "HFTransferError",
    "RecipeError",
    "SourceError",
    "SourceMissing",
    "ColumnError",
    "BackboneError",
    "OutputError",
    "HubError",
    "JobError",
}
# Of other calls: which arguments are texts, by place and by name.
TEXTS = {
    "Problem": ((3, "message"), (4, "fix")),
    "Event": ((1, "message"),),
    "Advice": ((1, "message"),),
    "Choice": ((1, "why"),),
    "choice": ((1, "help"),),
    "Phase": ((0, "name"),),
    "replace": ((None, "notes"),),  # of data, and of a decision
    **dict.fromkeys(ERRORS, ((0, "cause"), (None, "fix"))),
}
# Tables whose texts are picked at run time: every sentence in them counts.
TABLES = {
    "data/checks.py": ("TOLD",),
    "data/doctor/diagnosis.py": ("TEXTS",),
    "data/doctor/repair.py": ("DONE", "GONE", "REASONS"),
    "data/pictures/remarks.py": ("SAID",),
    "data/packed/tars.py": ("OTHER",),
    "models/kinship.py": ("TITLES",),
    "choosing/search.py": ("USUAL", "TRIAL"),
    "publish/refusals.py": ("*",),
    "results/advice.py": ("TIPS",),
}
# Functions whose answers are texts, where no call shows it: they come by way of a list.
RETURNED = {
    "choosing/arena.py": ("_doubted",),
    "choosing/candidates.py": ("promising",),
    "reach.py": ("_ask", "silence"),
    "models/kinship.py": ("in_common",),
    "recommending/verdict.py": ("_why",),
    **dict.fromkeys(
        ("tasks/single_label.py", "tasks/multi_label.py", "tasks/regression.py", "tasks/tokens.py"), ("recognise",)
    ),
}
DEEPEST = 9  # steps from a call to where its text is written


@dataclass(frozen=True)
class Found:
    """A text and where it stands."""

    template: str
    place: str


@dataclass(frozen=True)
class Module:
    """A file of the package."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(PACKAGE).as_posix()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)}

    @cached_property
    def calls(self) -> dict[str, list[ast.Call]]:
        """Every call, by the name of what is called."""
        found: dict[str, list[ast.Call]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                found.setdefault(called(node), []).append(node)
        return found

    @cached_property
    def scopes(self) -> dict[ast.AST, ast.FunctionDef]:
        """Each node to the innermost function that it stands in."""
        inside: dict[ast.AST, ast.FunctionDef] = {}
        functions = (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef))
        for function in functions:
            inside |= dict.fromkeys(ast.walk(function), function)  # outer ones come first
        return inside


def modules() -> list[Module]:
    """The files whose texts can reach a page."""
    found = (Module(path) for path in sorted(PACKAGE.rglob("*.py")))
    return [module for module in found if not module.name.startswith(ELSEWHERE)]


def collected() -> list[Found]:
    """The texts of all calls in `TEXTS`, of `TABLES` and of `RETURNED`."""
    rooms = modules()
    return [found for module in rooms for found in _of(module, rooms)]


def unread() -> set[tuple[str, str]]:
    """Arguments that should be texts, and cannot be followed to any: the file and the expression."""
    rooms = modules()
    return {
        (module.name, ast.unparse(given))
        for module in rooms
        for given in _given(module)
        if not _read(given, module, rooms)
    }


def _given(module: Module) -> Iterator[ast.expr]:
    for name, positions in TEXTS.items():
        for node in module.calls.get(name, ()):
            yield from filter(None, (argument(node, position, keyword) for position, keyword in positions))


def _read(given: ast.expr, module: Module, rooms: list[Module]) -> list[str]:
    return list(_Reader(module, rooms).read(given))


def has_words(template: str) -> bool:
    """Whether there is anything to translate in it."""
    return any(map(str.isalpha, template))


def _of(module: Module, rooms: list[Module]) -> Iterator[Found]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and (name := called(node)) in TEXTS:
            for position, keyword in TEXTS[name]:
                given = argument(node, position, keyword)
                for template in _Reader(module, rooms).read(given) if given else ():
                    yield Found(template, f"hftransfer/{module.name}:{node.lineno}")
        for text in _told(module, node, rooms):
            yield Found(text, f"hftransfer/{module.name}:{getattr(node, 'lineno', 0)}")


def _told(module: Module, node: ast.AST, rooms: list[Module]) -> Iterator[str]:
    """The texts of a table, of a function's answers, and of an error that is written as JSON."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and node in module.tree.body and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        wanted = TABLES.get(module.name, ())
        yield from literals(node.value) if "*" in wanted or set(wanted) & set(names) else ()
    if isinstance(node, ast.FunctionDef) and node.name in RETURNED.get(module.name, ()):
        yield from _Reader(module, rooms).returned(node.name)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in ("cause", "fix"):
                yield from _Reader(module, rooms).read(value)


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def argument(node: ast.Call, position: int | None, keyword: str) -> ast.expr | None:
    named = next((given.value for given in node.keywords if given.arg == keyword), None)
    return named or (node.args[position] if position is not None and position < len(node.args) else None)


def template(node: ast.JoinedStr) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def literals(node: ast.AST) -> Iterator[str]:
    """Every sentence in a table; fields by name become gaps."""
    match node:
        case ast.JoinedStr():
            yield from _sentence(template(node))
        case ast.Constant(value=str(text)):
            yield from _sentence(text)
        case ast.Tuple() | ast.Dict():
            for part in ast.iter_child_nodes(node):
                yield from literals(part)


def _sentence(text: str) -> Iterator[str]:
    if " " in text.strip():
        yield re.sub(r"\{\w+\}", "{}", text)


class _Reader:
    """Follows an expression to the texts that it may become."""

    def __init__(self, module: Module, rooms: list[Module]) -> None:
        self.module, self.rooms = module, rooms
        self.seen: set[ast.AST] = set()

    def read(self, node: ast.AST, depth: int = 0) -> Iterator[str]:
        if depth > DEEPEST or node in self.seen:
            return
        self.seen.add(node)
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr():
                yield template(node)
                for part in node.values:  # what is filled in may be a text of ours, too
                    if isinstance(part, ast.FormattedValue):
                        yield from self._filled(part.value, depth)
            case ast.IfExp():
                yield from self._each((node.body, node.orelse), depth)
            case ast.BoolOp():
                yield from self._each(node.values, depth)
            case ast.BinOp(op=ast.Add()):
                yield from self._each((node.left, node.right), depth)
            case ast.Subscript(value=ast.Dict() as table):
                yield from self._each(table.values, depth)
            case ast.Name():
                yield from self._named(node, depth)
            case ast.Call(func=ast.Attribute(attr="join", value=between), args=[ast.GeneratorExp(elt=element)]):
                yield from ("{}" + text + "{}" for text in self.read(between) if has_words(text))
                yield from self.read(element, depth + 1)
            case ast.Call(func=ast.Name(id="tuple"), args=[ast.GeneratorExp(elt=element)]):
                yield from self.read(element, depth + 1)
            case ast.Starred():
                yield from self.read(node.value, depth + 1)
            case ast.Tuple() | ast.List():  # of an answer, beside what else it tells
                for part in node.elts:
                    yield from self._filled(part, depth)
            case ast.Call():
                yield from self.returned(called(node), depth)

    def _each(self, nodes: list[ast.expr] | tuple[ast.expr, ...], depth: int) -> Iterator[str]:
        for node in nodes:
            yield from self.read(node, depth + 1)

    def _filled(self, node: ast.expr, depth: int) -> Iterator[str]:
        """Only what reads as words: names, numbers and symbols are the same in every language."""
        yield from (text for text in self.read(node, depth + 1) if " " in text.strip())

    def _named(self, node: ast.Name, depth: int) -> Iterator[str]:
        scope = self.module.scopes.get(node)
        given = _assigned(scope, node.id) if scope else []
        for value in given or _assigned(self.module.tree, node.id):
            yield from self.read(value, depth + 1)
        if scope and not given:
            yield from self._passed(scope, node.id, depth)

    def _passed(self, function: ast.FunctionDef, name: str, depth: int) -> Iterator[str]:
        """What callers give for a parameter, wherever they are."""
        names = [parameter.arg for parameter in function.args.args if parameter.arg != "self"]
        if name not in names:
            return
        for module in self.rooms:
            for node in module.calls.get(function.name, ()):
                given = argument(node, names.index(name), name)
                yield from _Reader(module, self.rooms).read(given, depth + 1) if given else ()

    def returned(self, name: str, depth: int = 0) -> Iterator[str]:
        """What a function answers: one of this file, or the one of that name in another."""
        rooms = [self.module] if name in self.module.functions else self.rooms
        for module in [room for room in rooms if name in room.functions]:
            for node in ast.walk(module.functions[name]):
                if isinstance(node, ast.Return) and node.value is not None:
                    yield from _Reader(module, self.rooms).read(node.value, depth + 1)


def _assigned(scope: ast.AST, name: str) -> list[ast.expr]:
    """What a name is set to in a function, or at the top of a module."""
    nodes = ast.walk(scope) if isinstance(scope, ast.FunctionDef) else ast.iter_child_nodes(scope)
    found: list[ast.expr] = []
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                found += _matched(target, node.value, name)
        elif isinstance(node, ast.NamedExpr | ast.AnnAssign) and node.value is not None:
            found += _matched(node.target, node.value, name)
    return found


def _matched(target: ast.expr, value: ast.expr, name: str) -> list[ast.expr]:
    if isinstance(target, ast.Name):
        return [value] if target.id == name else []
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = zip(target.elts, value.elts, strict=False)
        return [found for one, other in pairs for found in _matched(one, other, name)]
    return []
