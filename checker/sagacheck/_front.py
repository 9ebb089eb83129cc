"""The thin front end: ordinary `and`, `or`, `not`, `in`, `if`, `all`, `any` in the text of a specification.

`rewrite(function)` compiles the function's own source again with those constructs turned into calls of the handlers of
`sagacheck._handlers`, which know what to do when a condition is an expression of the state and not a plain truth value.
File and line stay those of the text. What cannot be given a meaning (a `return` in a loop, say) is refused here.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable
from typing import Any

from sagacheck._errors import SpecificationError

__all__ = ["rewrite"]

_HANDLERS = "__sagacheck_handlers__"
_COMPARISONS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "==",
    ast.IsNot: "!=",
}


def _handler(name: str, *args: ast.expr) -> ast.expr:
    target = ast.Attribute(ast.Name(_HANDLERS, ast.Load()), name, ast.Load())
    return ast.Call(target, list(args), [])


def _thunk(body: ast.expr, *names: str) -> ast.Lambda:
    arguments = ast.arguments([], [ast.arg(n) for n in names], None, [], [], None, [])
    return ast.Lambda(arguments, body)


def _constant_name(op: ast.cmpop, container: ast.expr) -> list[ast.expr]:
    """What a constant is called in which a value is looked for: readers may call it that too."""
    named = isinstance(op, ast.In | ast.NotIn) and isinstance(container, ast.Name) and container.id.isupper()
    return [ast.Constant(container.id)] if named and isinstance(container, ast.Name) else []


def _uses(statements: list[ast.stmt]) -> Counter[str]:
    """How often each name occurs in these statements."""
    return Counter(n.id for s in statements for n in ast.walk(s) if isinstance(n, ast.Name))


def _assigned(statements: list[ast.stmt]) -> list[str]:
    """Names of local variables that these statements assign (loop variables apart)."""
    nodes = [n for s in statements for n in ast.walk(s)]
    loops = {id(n) for f in nodes if isinstance(f, ast.For | ast.comprehension) for n in ast.walk(f.target)}
    return sorted(
        {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and id(n) not in loops}
    )


class _Rewriter(ast.NodeTransformer):
    def __init__(self, file: str) -> None:
        self.file = file
        self.uses: Counter[str] = Counter()

    def refuse(self, node: ast.stmt | ast.expr, problem: str) -> SpecificationError:
        return SpecificationError(problem, self.file, node.lineno)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        name = "all_of" if isinstance(node.op, ast.And) else "any_of"
        values = [_thunk(self.visit(v)) for v in node.values]
        return ast.copy_location(_handler(name, *values), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return ast.copy_location(_handler("negate", node.operand), node) if isinstance(node.op, ast.Not) else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return (
            ast.copy_location(_handler("plus", node.left, node.right), node) if isinstance(node.op, ast.Add) else node
        )

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        terms = [self.visit(e) for e in (node.left, *node.comparators)]
        parts = [
            _handler("compare", ast.Constant(_COMPARISONS[type(op)]), a, b, *_constant_name(op, b))
            for op, a, b in zip(node.ops, terms, terms[1:], strict=False)
        ]
        whole = parts[0] if len(parts) == 1 else _handler("all_of", *[_thunk(p) for p in parts])
        return ast.copy_location(whole, node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        return ast.copy_location(_handler("choose", node.test, _thunk(node.body), _thunk(node.orelse)), node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        quantifies = isinstance(node.func, ast.Name) and node.func.id in ("all", "any") and len(node.args) == 1
        if not quantifies or not isinstance(node.args[0], ast.GeneratorExp):
            self.generic_visit(node)
            return node
        assert isinstance(node.func, ast.Name)
        body = self.visit(node.args[0].elt)
        for comp in reversed(node.args[0].generators):
            if not isinstance(comp.target, ast.Name):
                raise self.refuse(node, "a quantifier binds one plain name")
            name = comp.target.id
            condition = [_thunk(self.visit(c)) for c in comp.ifs]
            within = _handler("all_of", *condition) if condition else ast.Constant(True)
            parts = [self.visit(comp.iter), _thunk(within, name), _thunk(body, name)]
            body = _handler("quantify", ast.Constant(node.func.id), ast.Constant(name), *parts)
        result: ast.expr = ast.copy_location(body, node)
        return result

    def visit_For(self, node: ast.For) -> ast.stmt:
        if not isinstance(node.target, ast.Name) or node.orelse:
            raise self.refuse(node, "a loop binds one plain name and has no else")
        for inner in (n for s in node.body for n in ast.walk(s)):
            if isinstance(inner, ast.Return | ast.Break | ast.Continue):
                raise self.refuse(
                    inner, "a loop body runs for all elements at once: no return, break or continue in it"
                )
        self.generic_visit(node)
        node.iter = ast.copy_location(_handler("loop", ast.Constant(node.target.id), node.iter), node.iter)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        self.generic_visit(node)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = ast.Constant(node.targets[0].id)
            node.value = ast.copy_location(_handler("named", name, node.value), node.value)
        return node

    def visit_If(self, node: ast.If) -> list[ast.stmt]:
        choice = f"__choice_{node.lineno}_{node.col_offset}"
        escaping = (n for b in (node.body, node.orelse) for n in _assigned(b) if _uses(b)[n] < self.uses[n])
        names = ast.Tuple([ast.Constant(n) for n in dict.fromkeys(escaping)], ast.Load())
        read = ast.Name(choice, ast.Load())
        result: list[ast.stmt] = [
            ast.Assign([ast.Name(choice, ast.Store())], _handler("test", self.visit(node.test), names))
        ]
        for method, body in (("then", node.body), ("otherwise", node.orelse)):
            if body:
                inside = [s for b in body for s in _listed(self.visit(b))]
                end = ast.Expr(ast.Call(ast.Attribute(read, "end", ast.Load()), [], []))
                enter = ast.Call(ast.Attribute(read, method, ast.Load()), [], [])
                result.append(ast.If(enter, [*inside, end], []))
        for statement in result:
            ast.copy_location(statement, node)
        return result

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        self.uses = _uses(node.body)
        node.body = self.structured(node.body)
        node.body = [s for b in node.body for s in _listed(self.visit(b))] or [ast.Pass()]
        return node

    def structured(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Early returns as nested choices: what follows `if c: ...; return` goes into its else."""
        for i, statement in enumerate(body):
            if not isinstance(statement, ast.If) or not any(isinstance(n, ast.Return) for n in ast.walk(statement)):
                continue
            rest = self.structured(body[i + 1 :])
            last = statement.body[-1]
            if not isinstance(last, ast.Return) or statement.orelse:
                raise self.refuse(statement, "an early return stands last in an `if` without an else")
            if last.value is None:
                then = self.structured(statement.body[:-1]) or [ast.Pass()]
                return [*body[:i], ast.copy_location(ast.If(statement.test, then, rest), statement)]
            if (
                len(statement.body) > 1
                or len(rest) != 1
                or not isinstance(rest[0], ast.Return)
                or rest[0].value is None
            ):
                raise self.refuse(
                    statement, "`if ...: return value` is followed by another such line, or by the last return"
                )
            value = ast.IfExp(statement.test, last.value, rest[0].value)
            return [*body[:i], ast.copy_location(ast.Return(ast.copy_location(value, statement)), statement)]
        return body


def _listed(result: Any) -> list[ast.stmt]:
    return result if isinstance(result, list) else [result]


@functools.cache
def rewrite(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, compiled again so that conditions on the state are traced.

    Free variables of a nested function are taken as they are when it is first rewritten.

    Raises:
        SpecificationError: the source cannot be read, or uses a construct that has no meaning here.
    """
    from sagacheck import _handlers  # the handlers; they import this module's caller

    file = inspect.getsourcefile(function) or "<unknown>"
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        problem = f"the source of {function.__qualname__} cannot be read, so it cannot be a specification"
        raise SpecificationError(problem, file, 1) from None
    if function.__name__ == "<lambda>":
        raise SpecificationError("a specification is written in plain `def` functions, not in a lambda", file, first)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    ast.increment_lineno(tree, first - 1)
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise SpecificationError("a specification is written in plain `def` functions", file, first)
    definition.decorator_list = []
    definition.name = "__traced__"  # its own name is that of the decorated function, also within it
    definition.returns = None
    for argument in definition.args.args:
        argument.annotation = None
    rewritten = _Rewriter(file).visit(definition)
    free = function.__code__.co_freevars
    outer = ast.FunctionDef(
        "__outer__",
        ast.arguments([], [ast.arg(n) for n in free], None, [], [], None, []),
        [rewritten, ast.Return(ast.Name(definition.name, ast.Load()))],
        [],
    )
    ast.copy_location(outer, definition)
    if hasattr(ast, "TypeAlias"):  # Python 3.12 and later give functions type parameters
        outer.type_params = []  # type: ignore[attr-defined,unused-ignore]
    module = ast.fix_missing_locations(ast.Module([outer], []))
    for node in ast.walk(module):  # a call of a handler is in the line where it starts, not in the last one
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == _HANDLERS:
            node.end_lineno, node.end_col_offset = node.lineno, node.col_offset
    space: dict[str, Any] = {}
    exec(compile(module, file, "exec"), {**function.__globals__, _HANDLERS: _handlers}, space)
    cells = [c.cell_contents for c in function.__closure__ or ()]
    made: Callable[..., Any] = space["__outer__"](*cells)
    return made
