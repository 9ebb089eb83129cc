"""Claims about reading steno's JSON: all real files load, everything else is refused with its place."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagacheck._errors import InputError
from sagaspec._node import NodeKind
from sagaspec._saga import Saga
from sagaspec._shape import depth, width
from sagaspec._steno_json import load_steno, load_undo

DATA = Path(__file__).parents[1] / "data" / "sagas"
FILES = sorted(path for path in DATA.glob("*.json") if path.name != "actions.json")

Json = Any


def table() -> dict[str, list[str]]:
    """Read the table of the data's README: the name of a file -> its row."""
    rows = [line.strip("| \n").split("|") for line in (DATA / "README.md").read_text("utf-8").splitlines()]
    return {row[0].strip(" `"): [cell.strip() for cell in row] for row in rows if len(row) == 9 and "`" in row[0]}


def load(path: Path) -> Saga:
    """Read a file with its undo actions."""
    undo = load_undo((DATA / "actions.json").read_text("utf-8"), "actions.json", path.stem)
    return load_steno(path.read_text("utf-8"), path.name, undo)


def small() -> Json:
    """Give the JSON of a saga with one node of each kind."""
    return {
        "saga_name": "small",
        "graph": {
            "nodes": [
                {"Constant": {"name": "k", "value": 1}},
                {"SubsagaStart": {"saga_name": "sub", "params_node_name": "k"}},
                {"Action": {"name": "a", "label": "A", "action_name": "small.a"}},
                {"SubsagaEnd": {"name": "s"}},
                {"Start": {"params": None}},
                "End",
            ],
            "node_holes": [],
            "edge_property": "directed",
            "edges": [[0, 1, None], [1, 2, None], [2, 3, None], [4, 0, None], [3, 5, None]],
        },
        "start_node": 4,
        "end_node": 5,
    }


def test_the_table_names_every_file() -> None:
    """44 files are described, and these are the files that there are."""
    assert sorted(table()) == [path.stem for path in FILES]
    assert len(FILES) == 44


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_real_saga_has_the_documented_shape(path: Path) -> None:
    """Nodes, edges, width, depth, actions, undos and subsagas are as the README's table says."""
    saga = load(path)
    kinds = [node.kind for node in saga.nodes]
    undo = f"{sum(node.has_undo for node in saga.nodes)} / {kinds.count(NodeKind.ACTION)}"
    found = [len(kinds), len(saga.edges), width(saga), depth(saga), undo, kinds.count(NodeKind.SUBSAGA_START)]
    assert [str(value) for value in found] == table()[path.stem][3:]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_labels_of_a_real_saga_are_unique_paths(path: Path) -> None:
    """Real sagas need no index to tell their nodes apart, and every label selects its node."""
    saga = load(path)
    assert saga.labels == tuple(node.path for node in saga.nodes)
    assert [saga.select(label) for label in saga.labels] == list(range(len(saga.nodes)))


def test_nodes_and_edges_keep_the_order_of_the_file() -> None:
    """What a file says first has the lower index, and its edges are not sorted."""
    saga = load_steno(json.dumps(small()), "x")
    assert [node.path for node in saga.nodes] == ["k", "s/start", "s/a", "s", "start", "end"]
    assert saga.edges == ((0, 1), (1, 2), (2, 3), (4, 0), (3, 5))
    assert (saga.name, saga.start, saga.end) == ("small", 4, 5)


def test_the_parents_of_a_real_join_come_newest_edge_first() -> None:
    """In a subsaga the builder adds a join's edges last parent first, so that reading them reverses it again."""
    saga = load(DATA / "snapshot_delete.json")
    assert saga.parents(8) == (6, 7)
    assert saga.parents(24) == (23, 13)


def test_every_action_has_an_undo_unless_it_is_said_not_to() -> None:
    """Without a word all actions have one; no other node ever has."""
    assert [node.has_undo for node in load_steno(json.dumps(small()), "x").nodes] == [False] * 2 + [True] + [False] * 3
    assert not any(node.has_undo for node in load_steno(json.dumps(small()), "x", {"a": False}).nodes)


def test_unknown_fields_are_passed_over() -> None:
    """A later steno may write more fields."""
    value = small() | {"new": 1}
    assert load_steno(json.dumps(value), "x") == load_steno(json.dumps(small()), "x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "x.json: this is not JSON (line 1, column 1"),
        ("{", "not JSON"),
        ("[" * 100_000, "too deep a nesting"),
        ("1" * 5000, "too long a number"),
        ("[]", "the file must be an object, not []"),
        ("null", "must be an object, not null"),
        ("{}", "saga_name is missing; add it, it must be a text"),
    ],
)
def test_what_is_no_object_of_json_is_refused(text: str, words: str) -> None:
    """The sentence says what is there instead."""
    with pytest.raises(InputError, match=re.escape(words)):
        load_steno(text, "x.json")


def change(*path: str | int, to: Json) -> Callable[[Json], None]:
    """Make a function that replaces what is at a path."""

    def changed(value: Json) -> None:
        for key in path[:-1]:
            value = value[key]
        value[path[-1]] = to

    return changed


def drop(*path: str | int) -> Callable[[Json], None]:
    """Make a function that removes what is at a path."""

    def dropped(value: Json) -> None:
        for key in path[:-1]:
            value = value[key]
        del value[path[-1]]

    return dropped


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (change("saga_name", to=3), "saga_name must be a text, not 3"),
        (change("graph", to=[]), "graph must be an object, not []"),
        (drop("graph"), "graph is missing"),
        (drop("graph", "nodes"), "graph.nodes is missing; add it, it must be a list"),
        (change("graph", "nodes", to={}), "graph.nodes must be a list"),
        (change("graph", "node_holes", to=[1]), "graph.node_holes is [1]"),
        (drop("graph", "node_holes"), "graph.node_holes is missing"),
        (change("graph", "edge_property", to="undirected"), "graph.edge_property is 'undirected'"),
        (
            change("graph", "nodes", 2, to="Start"),
            "graph.nodes[2] must be \"End\" or an object with one key, not 'Start'",
        ),
        (change("graph", "nodes", 2, to={}), "graph.nodes[2] must be"),
        (change("graph", "nodes", 2, to={"Actoin": {}}), "graph.nodes[2] is of the unknown kind 'Actoin'"),
        (change("graph", "nodes", 2, to={"Action": 1}), "graph.nodes[2].Action must be an object, not 1"),
        (drop("graph", "nodes", 2, "Action", "label"), "graph.nodes[2].Action.label is missing"),
        (change("graph", "nodes", 2, "Action", "name", to=None), "graph.nodes[2].Action.name must be a text, not null"),
        (change("graph", "nodes", 2, "Action", "name", to=""), "node #2 is called ''"),
        (drop("graph", "nodes", 0, "Constant", "value"), "graph.nodes[0].Constant.value is missing"),
        (drop("graph", "nodes", 4, "Start", "params"), "graph.nodes[4].Start.params is missing"),
        (
            drop("graph", "nodes", 1, "SubsagaStart", "params_node_name"),
            "graph.nodes[1].SubsagaStart.params_node_name is",
        ),
        (change("graph", "edges", to=None), "graph.edges must be a list, not null"),
        (change("graph", "edges", 3, to=[4, 0]), "graph.edges[3] must be [from, to, null], not [4, 0]"),
        (change("graph", "edges", 3, to=[4, 0, 1]), "graph.edges[3] must be [from, to, null]"),
        (change("graph", "edges", 3, to=None), "graph.edges[3] must be [from, to, null], not null"),
        (change("graph", "edges", 3, to=[4.0, 0, None]), "graph.edges[3][0] must be a whole number, not 4.0"),
        (change("graph", "edges", 3, to=[4, True, None]), "graph.edges[3][1] must be a whole number, not true"),
        (change("graph", "edges", 3, to=[4, 6, None]), "graph.edges[3][1] is 6, but the nodes are 0 to 5"),
        (change("graph", "edges", 3, to=[-1, 0, None]), "graph.edges[3][0] is -1"),
        (change("graph", "edges", 3, to=[4, 4, None]), "start (#4) depends on itself in edge 3"),
        (change("graph", "edges", 3, to=[1, 2, None]), "edge 3, subsaga start (#1) > a (#2), stands there already"),
        (change("graph", "nodes", to=[]), "graph.edges[0][0] is 0, but there are no nodes"),
        (change("start_node", to=0), "start_node is 0, but graph.nodes[0] is a node of kind constant"),
        (change("end_node", to=4), "end_node is 4, but graph.nodes[4] is a node of kind start"),
        (change("end_node", to=6), "end_node is 6, but the nodes are 0 to 5"),
        (change("end_node", to="5"), "end_node must be a whole number, not '5'"),
        (drop("start_node"), "start_node is missing; add it, it must be a whole number"),
        (change("graph", "nodes", 3, to={"Constant": {"name": "s", "value": 0}}), "brackets do not balance"),
        (change("graph", "nodes", 0, "Constant", "name", to="s"), "nodes #0 and #3 of the saga are both called 's'"),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_place(mistake: Callable[[Json], None], words: str) -> None:
    """One mistake in a good file gives one sentence that says where it is."""
    value = small()
    mistake(value)
    with pytest.raises(InputError, match=f"^x.json: .*{re.escape(words)}"):
        load_steno(json.dumps(value), "x.json")


def test_an_undo_for_an_action_that_is_not_there_is_refused() -> None:
    """A misspelt name must not silently mean that the action has an undo."""
    with pytest.raises(InputError, match=r"undo is listed for 'aa'.*did you mean a$"):
        load_steno(json.dumps(small()), "x.json", {"aa": False})
    with pytest.raises(InputError, match=r"undo is listed for 'zz'.*remove it from the list"):
        load_steno(json.dumps(small()), "x.json", {"zz": False})


def test_undos_are_read_for_the_saga_alone() -> None:
    """What the file says of another saga is not looked at, and no entry is not the same as an empty one."""
    text = '{"x": {"a": {"undo": false}, "b": {"undo": true}}, "y": 3, "z": {}}'
    assert load_undo(text, "actions.json", "x") == {"a": False, "b": True}
    assert load_undo(text, "actions.json", "z") == {}
    assert load_undo(text, "actions.json", "w") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "not JSON"),
        ("[]", "the file must be an object, not []"),
        ('{"x": []}', "['x'] must be an object, not []"),
        ('{"x": {"a": true}}', "['x']['a'] must be an object, not true"),
        ('{"x": {"a": {}}}', "['x']['a'] must say {\"undo\": true}"),
        ('{"x": {"a": {"undo": "no"}}}', "['x']['a'] must say"),
        ('{"x": {"a": {"undo": 1}}}', "['x']['a'] must say"),
    ],
)
def test_a_malformed_list_of_undos_is_refused(text: str, words: str) -> None:
    """The sentence names the saga and the action."""
    with pytest.raises(InputError, match=f"^actions.json: .*{re.escape(words)}"):
        load_undo(text, "actions.json", "x")


scalars = st.none() | st.booleans() | st.integers(-2, 7) | st.floats() | st.text(max_size=5)
words_of_files = st.sampled_from([*small(), *small()["graph"], "Action", "Start", "Constant", "name", "params"])
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words_of_files | st.text(), inner, max_size=4)
)


def places(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Name every place below the top of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def refusal_of(read: Callable[[], object]) -> str:
    """Expect no error but a refusal, and give its sentence, which is empty where there is none."""
    try:
        read()
    except InputError as refusal:
        return str(refusal)
    return ""


def loads_or_refuses(value: Json) -> None:
    """Expect a saga or one sentence that begins with the place."""
    sentence = refusal_of(lambda: load_steno(json.dumps(value), "x.json"))
    assert sentence.isprintable()
    assert not sentence or sentence.startswith("x.json: ")


@given(anything)
def test_any_json_gives_a_saga_or_a_sentence(value: Json) -> None:
    """No JSON value makes the reader fail in another way."""
    loads_or_refuses(value)


@given(st.lists(st.tuples(st.sampled_from(list(places(small()))), anything), min_size=1, max_size=4))
def test_any_change_of_a_good_file_gives_a_saga_or_a_sentence(
    changes: list[tuple[tuple[str | int, ...], Json]],
) -> None:
    """Nor does a good file with arbitrary values in arbitrary places."""
    value = copy.deepcopy(small())
    for path, new in changes:
        try:
            change(*path, to=new)(value)
        except (LookupError, TypeError):  # an earlier change took the place away
            continue
    loads_or_refuses(value)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=9))
def test_any_edges_give_a_saga_or_a_sentence(edges: list[tuple[int, int]]) -> None:
    """Nor do arbitrary edges between good nodes."""
    value = small()
    value["graph"]["edges"] = [[a, b, None] for a, b in edges]
    loads_or_refuses(value)


@given(anything)
def test_any_list_of_undos_gives_undos_or_a_sentence(value: Json) -> None:
    """Nor does any list of undos."""
    assert refusal_of(lambda: load_undo(json.dumps({"x": value}), "actions.json", "x")).isprintable()
