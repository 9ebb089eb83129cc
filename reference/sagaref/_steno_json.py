"""Reads and writes DAGs in the JSON form of steno: what serde makes of a `SagaDag` (steno 0.4.1, dag.rs).

    {"saga_name": "...", "start_node": 1, "end_node": 2,
     "graph": {"nodes": [{"Action": {...}}, {"Start": {...}}, "End"], "node_holes": [], "edge_property": "directed",
               "edges": [[1, 0, null], [0, 2, null]]}}

Keys that steno does not know are passed over, as serde does. Whatever else departs from the form is refused.
"""

from __future__ import annotations

import json
import reprlib
from typing import Any, TypeVar

from sagaref._actions import check_name
from sagaref._builder import check_structure
from sagaref._dag import Dag, Kind, Node
from sagaref._errors import BuildError, DagFormatError
from sagaref._json import DEEPEST, NotJson, to_text

__all__ = ["read_dag", "write_dag"]

_T = TypeVar("_T")

# For each kind of node: what a file calls it, and its keys with the fields of `Node` that they stand for.
_FORMS: dict[Kind, tuple[str, dict[str, str]]] = {
    Kind.START: ("Start", {"params": "value"}),
    Kind.ACTION: ("Action", {"name": "name", "label": "label", "action_name": "action"}),
    Kind.CONSTANT: ("Constant", {"name": "name", "value": "value"}),
    Kind.SUBSAGA_START: ("SubsagaStart", {"saga_name": "saga_name", "params_node_name": "params_from"}),
    Kind.SUBSAGA_END: ("SubsagaEnd", {"name": "name"}),
}
_KINDS = {tag: (kind, fields) for kind, (tag, fields) in _FORMS.items()}
# In how many objects and lists a value of a node is: the file, `graph`, `nodes`, the node, its content.
_AROUND = 5
_TYPES: dict[type, str] = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


def read_dag(text: str) -> Dag:
    """The saga that a text describes.

    Raises:
        DagFormatError: the text is not JSON, or not of the form (the sentence names the place, as in
            `graph.nodes[3].Action.name`), or what it describes is no saga (see `check_structure`; the sentence names
            nodes and edges by their positions in `graph`).
    """
    try:
        dag = _dag(json.loads(text, object_pairs_hook=_object))
        check_structure(dag)
    except json.JSONDecodeError as error:
        raise DagFormatError(f"line {error.lineno}, column {error.colno} is not JSON: {error.msg}") from None
    except DagFormatError:
        raise
    except BuildError as error:
        raise DagFormatError(f"graph: {error}") from None
    except (ValueError, RecursionError):
        raise DagFormatError("the text has too long a number or too deep a nesting to be read") from None
    return dag


def write_dag(dag: Dag) -> str:
    """The text, in ASCII, of a DAG that follows the rules of `check_structure`; `read_dag` gives it back.

    Raises:
        BuildError: its values are not JSON, or too deeply nested.
    """
    graph = {
        "nodes": [_written(node) for node in dag.nodes],
        "node_holes": [],
        "edge_property": "directed",
        "edges": [[parent, child, None] for parent, child in dag.edges],
    }
    try:
        whole = {"saga_name": dag.name, "graph": graph, "start_node": dag.start, "end_node": dag.end}
        return to_text(whole, _AROUND + DEEPEST)
    except (NotJson, RecursionError) as error:
        raise BuildError(f"saga {dag.name} cannot be written: {error}") from None


def _written(node: Node) -> Any:
    if node.kind is Kind.END:
        return "End"
    tag, fields = _FORMS[node.kind]
    return {tag: {key: getattr(node, field) for key, field in fields.items()}}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for position, (key, _) in enumerate(pairs) if key in dict(pairs[:position]))
        raise DagFormatError(f"the key {reprlib.repr(twice)} stands twice in one object; remove one of them")
    return made


def _dag(value: object) -> Dag:
    top = _typed(value, dict, "the file")
    name = _name(top, "saga_name", "saga_name")
    graph = _field(top, "graph", dict, "graph")
    for key, wanted in (("node_holes", []), ("edge_property", "directed")):
        if _field(graph, key, type(wanted), f"graph.{key}") != wanted:
            raise DagFormatError(f"graph.{key} must be {json.dumps(wanted)}, not {_shown(graph[key])}")
    nodes = _field(graph, "nodes", list, "graph.nodes")
    edges = _field(graph, "edges", list, "graph.edges")
    return Dag(
        name,
        tuple(_node(node, f"graph.nodes[{n}]") for n, node in enumerate(nodes)),
        tuple(_edge(edge, f"graph.edges[{position}]") for position, edge in enumerate(edges)),
        _field(top, "start_node", int, "start_node"),
        _field(top, "end_node", int, "end_node"),
    )


def _node(value: object, place: str) -> Node:
    if value == "End":
        return Node(Kind.END)
    if not isinstance(value, dict) or len(value) != 1:
        raise DagFormatError(f'{place} must be "End" or an object with one key, not {_shown(value)}')
    ((tag, content),) = value.items()
    if tag not in _KINDS:
        raise DagFormatError(f'{place} is of the unknown kind {_shown(tag)}; use "End" or one of {", ".join(_KINDS)}')
    kind, fields = _KINDS[tag]
    place = f"{place}.{tag}"
    content = _typed(content, dict, place)
    given: dict[str, Any] = {}
    for key, field in fields.items():
        where = f"{place}.{key}"
        if field == "label":
            _field(content, key, str, where)
        given[field] = (_value if field in ("value", "label") else _name)(content, key, where)
    return Node(kind, **given)


def _value(content: dict[str, Any], key: str, place: str) -> Any:
    if key not in content:
        raise DagFormatError(f"{place} is missing; add it, null will do")
    try:
        to_text(content[key])
    except NotJson as error:
        raise DagFormatError(f"{place}: {error}") from None
    return content[key]


def _name(content: dict[str, Any], key: str, place: str) -> str:
    name = _field(content, key, str, place)
    try:
        check_name(name, place)
    except BuildError as error:
        raise DagFormatError(str(error)) from None
    return name


def _edge(value: object, place: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 3 or value[2] is not None:
        raise DagFormatError(f"{place} must be [from, to, null], not {_shown(value)}")
    return _typed(value[0], int, f"{place}[0]"), _typed(value[1], int, f"{place}[1]")


def _field(content: dict[str, Any], key: str, wanted: type[_T], place: str) -> _T:
    if key not in content:
        raise DagFormatError(f"{place} is missing; add it, it must be {_TYPES[wanted]}")
    return _typed(content[key], wanted, place)


def _typed(value: object, wanted: type[_T], place: str) -> _T:
    """A value, if it is of the type; true and false are no numbers."""
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise DagFormatError(f"{place} must be {_TYPES[wanted]}, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else reprlib.repr(value)
