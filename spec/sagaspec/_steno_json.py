"""Read a saga from the JSON that steno itself writes, and which of its actions have an undo from a second file.

The form is that of steno's `SagaDag` as serde writes it (steno 0.4.1, `src/dag.rs`), whose graph is petgraph's:

    {"saga_name": "...", "start_node": 1, "end_node": 2,
     "graph": {"nodes": [{"Action": {...}}, {"Start": {...}}, "End"], "node_holes": [], "edge_property": "directed",
               "edges": [[1, 0, null], [0, 2, null]]}}

Whether an action has an undo is not in there, since steno keeps it with the code. Fields that steno does not know are
passed over, as serde does; every other departure from the form is refused with its place in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar

from sagacheck import InputError
from sagaspec._node import NodeKind, SagaNode
from sagaspec._saga import Saga
from sagaspec._text import close_matches, quoted

__all__ = ["load_steno", "load_undo"]

_T = TypeVar("_T")

# What a file calls a kind of node -> the kind, its text fields, its fields of any type.
_KINDS: dict[str, tuple[NodeKind, tuple[str, ...], tuple[str, ...]]] = {
    "Start": (NodeKind.START, (), ("params",)),
    "Action": (NodeKind.ACTION, ("name", "label", "action_name"), ()),
    "Constant": (NodeKind.CONSTANT, ("name",), ("value",)),
    "SubsagaStart": (NodeKind.SUBSAGA_START, ("saga_name", "params_node_name"), ()),
    "SubsagaEnd": (NodeKind.SUBSAGA_END, ("name",), ()),
}
_TYPES: dict[type, str] = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


def load_steno(text: str, place: str, undo: Mapping[str, bool] | None = None) -> Saga:
    """Read a saga from steno's JSON.

    Args:
        text: the contents of the file.
        place: the file's name, which every refusal begins with.
        undo: the name of an action node -> whether it has an undo; an action that is not in there has one. The name
            holds for every node of that name in the file, in whichever subsaga.

    Returns:
        The saga, its nodes and edges in the order of the file.

    Raises:
        InputError: the text is not JSON or not of steno's form (the sentence names the place, as in `graph.edges[3]`);
            what it describes is no saga (see `Saga.build`); `undo` names an action that the saga does not have.
    """
    top = _typed(_parsed(text, place), dict, place, "the file")
    name = _field(top, "saga_name", str, place, "")
    graph = _field(top, "graph", dict, place, "")
    holes = _field(graph, "node_holes", list, place, "graph.")
    if holes:
        raise InputError(f"{place}: graph.node_holes is {quoted(holes)}; a saga has no holes, give it as an empty list")
    directed = _field(graph, "edge_property", str, place, "graph.")
    if directed != "directed":
        raise InputError(f'{place}: graph.edge_property is {quoted(directed)}; a saga\'s edges must be "directed"')
    nodes = [
        _node(value, place, f"graph.nodes[{index}]", undo or {})
        for index, value in enumerate(_field(graph, "nodes", list, place, "graph."))
    ]
    edges = [
        _edge(value, len(nodes), place, f"graph.edges[{position}]")
        for position, value in enumerate(_field(graph, "edges", list, place, "graph."))
    ]
    for field, kind in (("start_node", NodeKind.START), ("end_node", NodeKind.END)):
        index = _index(_field(top, field, int, place, ""), len(nodes), place, field)
        if nodes[index].kind is not kind:
            raise InputError(
                f"{place}: {field} is {index}, but graph.nodes[{index}] is a node of kind {nodes[index].kind.value}; "
                f"let it name the node of kind {kind.value}"
            )
    actions = {node.name for node in nodes if node.kind is NodeKind.ACTION}
    for action in undo or {}:
        if action not in actions:
            alike = close_matches(action, actions)
            raise InputError(
                f"{place}: an undo is listed for {quoted(action)}, but the saga has no action of that name; "
                + (f"did you mean {alike}" if alike else "remove it from the list")
            )
    return Saga.build(name, nodes, edges, place)


def load_undo(text: str, place: str, saga: str) -> dict[str, bool] | None:
    """Read which actions of a saga have an undo, from the contents of an `actions.json`.

    The form is `{saga: {action node name: {"undo": true or false}}}`.

    Args:
        text: the contents of the file.
        place: the file's name, which every refusal begins with.
        saga: the key of the saga, which is the name of its file without `.json`; the others are not looked at.

    Returns:
        The name of an action node -> whether it has an undo, or None where the file says nothing about the saga.

    Raises:
        InputError: the text is not JSON, or what it says about the saga is not of that form.
    """
    top = _typed(_parsed(text, place), dict, place, "the file")
    if saga not in top:
        return None
    entry = _typed(top[saga], dict, place, _key("", saga))
    undo: dict[str, bool] = {}
    for action, facts in entry.items():
        where = _key(_key("", saga), action)
        value = _typed(facts, dict, place, where).get("undo")
        if not isinstance(value, bool):
            raise InputError(f'{place}: {where} must say {{"undo": true}} or {{"undo": false}}, not {_shown(facts)}')
        undo[action] = value
    return undo


def _parsed(text: str, place: str) -> object:
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{place}: this is not JSON (line {error.lineno}, column {error.colno}: {error.msg}); "
            "give a saga as steno writes it"
        ) from None
    except (ValueError, RecursionError):
        raise InputError(
            f"{place}: this JSON has too long a number or too deep a nesting to be read; give a saga as steno writes it"
        ) from None
    return value


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return quoted(value)


def _key(prefix: str, key: str) -> str:
    return f"{prefix}[{quoted(key)}]"


def _typed(value: object, wanted: type[_T], place: str, where: str) -> _T:
    """Check the type of a JSON value; a JSON boolean is no number here."""
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise InputError(f"{place}: {where} must be {_TYPES[wanted]}, not {_shown(value)}")
    return value


def _field(value: dict[str, object], key: str, wanted: type[_T], place: str, prefix: str) -> _T:
    """Take a field of an object; the prefix is that object's path and a dot."""
    if key not in value:
        raise InputError(f"{place}: {prefix}{key} is missing; add it, it must be {_TYPES[wanted]}")
    return _typed(value[key], wanted, place, prefix + key)


def _node(value: object, place: str, where: str, undo: Mapping[str, bool]) -> SagaNode:
    if value == "End":
        return SagaNode(NodeKind.END)
    if not isinstance(value, dict) or len(value) != 1:
        raise InputError(f'{place}: {where} must be "End" or an object with one key, not {_shown(value)}')
    ((tag, fields),) = value.items()
    if tag not in _KINDS:
        raise InputError(
            f'{place}: {where} is of the unknown kind {quoted(tag)}; use "End" or one of {", ".join(_KINDS)}'
        )
    kind, texts, others = _KINDS[tag]
    path = f"{where}.{tag}"
    fields = _typed(fields, dict, place, path)
    given = {key: _field(fields, key, str, place, f"{path}.") for key in texts}
    for key in others:
        if key not in fields:
            raise InputError(f"{place}: {path}.{key} is missing; add it, null will do")
    name = given.get("name", "")
    return SagaNode(
        kind,
        name,
        has_undo=kind is NodeKind.ACTION and undo.get(name, True),
        saga_name=given.get("saga_name", ""),
        params_from=given.get("params_node_name", ""),
    )


def _edge(value: object, count: int, place: str, where: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 3 or value[2] is not None:
        raise InputError(f"{place}: {where} must be [from, to, null], not {_shown(value)}")
    return _index(value[0], count, place, f"{where}[0]"), _index(value[1], count, place, f"{where}[1]")


def _index(value: object, count: int, place: str, where: str) -> int:
    index = _typed(value, int, place, where)
    if not 0 <= index < count:
        known = f"the nodes are 0 to {count - 1}" if count else "there are no nodes"
        raise InputError(f"{place}: {where} is {quoted(index)}, but {known}; let it be the index of a node")
    return index
