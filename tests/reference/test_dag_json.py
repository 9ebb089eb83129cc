"""Claims about steno's JSON: real files come back as they were, everything else is refused with its place."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagacheck import InputError
from sagaref._dag import Dag, Kind, Node
from sagaref._errors import BuildError, DagFormatError
from sagaref._steno_json import read_dag, write_dag
from sagaspec._steno_json import load_steno

DATA = Path(__file__).parents[1] / "data" / "sagas"
FILES = sorted(path for path in DATA.glob("*.json") if path.name != "actions.json")

Json = Any


def small() -> Json:
    """Give the JSON of a saga with one node of each kind."""
    return {
        "saga_name": "small",
        "graph": {
            "nodes": [
                {"Constant": {"name": "k", "value": {"a": [1, 2.5, None]}}},
                {"SubsagaStart": {"saga_name": "sub", "params_node_name": "k"}},
                {"Action": {"name": "a", "label": "A", "action_name": "small.a"}},
                {"SubsagaEnd": {"name": "s"}},
                {"Start": {"params": ["p"]}},
                "End",
            ],
            "node_holes": [],
            "edge_property": "directed",
            "edges": [[0, 1, None], [1, 2, None], [2, 3, None], [4, 0, None], [3, 5, None]],
        },
        "start_node": 4,
        "end_node": 5,
    }


def test_every_kind_of_node_is_read() -> None:
    """Each key of the form ends up in its field of the DAG."""
    nodes = (
        Node(Kind.CONSTANT, "k", value={"a": [1, 2.5, None]}),
        Node(Kind.SUBSAGA_START, saga_name="sub", params_from="k"),
        Node(Kind.ACTION, "a", label="A", action="small.a"),
        Node(Kind.SUBSAGA_END, "s"),
        Node(Kind.START, value=["p"]),
        Node(Kind.END),
    )
    assert read_dag(json.dumps(small())) == Dag("small", nodes, ((0, 1), (1, 2), (2, 3), (4, 0), (3, 5)), 4, 5)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_real_saga_comes_back_as_it_was(path: Path) -> None:
    """Writing what was read gives the file, and reading what was written gives the DAG."""
    text = path.read_text("utf-8")
    dag = read_dag(text)
    assert json.loads(write_dag(dag)) == json.loads(text)
    assert read_dag(write_dag(dag)) == dag


def test_there_are_44_real_sagas() -> None:
    """No file is passed over."""
    assert len(FILES) == 44


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    ),
    st.text(),
)
def test_any_values_and_labels_come_back_as_they_were(value: Json, label: str) -> None:
    """Parameters, constants and labels are any JSON values and any texts; the text is ASCII."""
    dag = read_dag(json.dumps(small())).with_params(value)
    changed = (Node(Kind.CONSTANT, "k", value=value), dag.nodes[1], replace(dag.nodes[2], label=label), *dag.nodes[3:])
    dag = replace(dag, nodes=changed)
    assert write_dag(dag).isascii()
    assert read_dag(write_dag(dag)) == dag


def test_keys_that_steno_does_not_know_are_passed_over() -> None:
    """A later steno may write more of them."""
    value = small() | {"new": 1}
    value["graph"]["new"] = value["graph"]["nodes"][2]["Action"]["new"] = 2
    assert read_dag(json.dumps(value)) == read_dag(json.dumps(small()))


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


NODE = ("graph", "nodes")
EDGE = ("graph", "edges")


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (change("saga_name", to=3), "saga_name must be a text, not 3"),
        (change("saga_name", to=""), "saga_name must be one or more printable characters, not ''"),
        (drop("saga_name"), "saga_name is missing; add it, it must be a text"),
        (change("graph", to=[]), "graph must be an object, not []"),
        (drop("graph"), "graph is missing; add it, it must be an object"),
        (drop(*NODE), "graph.nodes is missing; add it, it must be a list"),
        (change(*NODE, to={}), "graph.nodes must be a list, not {}"),
        (change(*NODE, to=[]), "graph: saga small: its start must be the one node of that kind"),
        (change("graph", "node_holes", to=[1]), "graph.node_holes must be [], not [1]"),
        (change("graph", "node_holes", to=None), "graph.node_holes must be a list, not null"),
        (drop("graph", "node_holes"), "graph.node_holes is missing; add it, it must be a list"),
        (
            change("graph", "edge_property", to="undirected"),
            "graph.edge_property must be \"directed\", not 'undirected'",
        ),
        (change("graph", "edge_property", to=True), "graph.edge_property must be a text, not true"),
        (change(*NODE, 2, to="Start"), "graph.nodes[2] must be \"End\" or an object with one key, not 'Start'"),
        (change(*NODE, 2, to={}), 'graph.nodes[2] must be "End" or an object with one key, not {}'),
        (change(*NODE, 2, to={"Action": {}, "End": {}}), 'graph.nodes[2] must be "End" or an object with one key'),
        (
            change(*NODE, 2, to={"Actoin": {}}),
            "graph.nodes[2] is of the unknown kind 'Actoin'; use \"End\" or one of Start",
        ),
        (change(*NODE, 2, to={"Action": 1}), "graph.nodes[2].Action must be an object, not 1"),
        (drop(*NODE, 2, "Action", "label"), "graph.nodes[2].Action.label is missing; add it, it must be a text"),
        (change(*NODE, 2, "Action", "label", to=[]), "graph.nodes[2].Action.label must be a text, not []"),
        (change(*NODE, 2, "Action", "name", to=None), "graph.nodes[2].Action.name must be a text, not null"),
        (change(*NODE, 2, "Action", "name", to=""), "graph.nodes[2].Action.name must be one or more printable"),
        (change(*NODE, 2, "Action", "action_name", to="\n"), "graph.nodes[2].Action.action_name must be one or more"),
        (drop(*NODE, 0, "Constant", "value"), "graph.nodes[0].Constant.value is missing; add it, null will do"),
        (
            change(*NODE, 0, "Constant", "value", to=float("inf")),
            "graph.nodes[0].Constant.value: a value of type float",
        ),
        (drop(*NODE, 4, "Start", "params"), "graph.nodes[4].Start.params is missing; add it, null will do"),
        (
            change(*NODE, 4, "Start", "params", to=[float("nan")]),
            "graph.nodes[4].Start.params: a value of type list is",
        ),
        (drop(*NODE, 1, "SubsagaStart", "params_node_name"), "graph.nodes[1].SubsagaStart.params_node_name is missing"),
        (change(*NODE, 1, "SubsagaStart", "saga_name", to=""), "graph.nodes[1].SubsagaStart.saga_name must be one or"),
        (drop(*NODE, 3, "SubsagaEnd", "name"), "graph.nodes[3].SubsagaEnd.name is missing"),
        (change(*EDGE, to=None), "graph.edges must be a list, not null"),
        (change(*EDGE, 3, to=[4, 0]), "graph.edges[3] must be [from, to, null], not [4, 0]"),
        (change(*EDGE, 3, to=[4, 0, 1]), "graph.edges[3] must be [from, to, null], not [4, 0, 1]"),
        (change(*EDGE, 3, to=None), "graph.edges[3] must be [from, to, null], not null"),
        (change(*EDGE, 3, to=[4.0, 0, None]), "graph.edges[3][0] must be a whole number, not 4.0"),
        (change(*EDGE, 3, to=[4, True, None]), "graph.edges[3][1] must be a whole number, not true"),
        (change(*EDGE, 3, to=[4, 6, None]), "graph: saga small: edge 3 names node 6, but the nodes are 0 to 5"),
        (
            change("start_node", to=0),
            "graph: saga small: its start must be the one node of that kind; it is node 0, and",
        ),
        (change("end_node", to="5"), "end_node must be a whole number, not '5'"),
        (drop("start_node"), "start_node is missing; add it, it must be a whole number"),
        (
            change(*NODE, 3, to={"Constant": {"name": "s", "value": 0}}),
            "graph: saga small: the brackets of its subsagas",
        ),
        (
            change(*NODE, 1, "SubsagaStart", "params_node_name", to="s"),
            "graph: saga small: (sub) (node 1) looks up 's'",
        ),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_place(mistake: Callable[[Json], None], words: str) -> None:
    """One mistake in a good file gives one sentence that says where it is."""
    value = small()
    mistake(value)
    with pytest.raises(DagFormatError, match="^" + re.escape(words)) as refusal:
        read_dag(json.dumps(value))
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1 is not JSON: Expecting value"),
        ("{", "line 1, column 2 is not JSON"),
        ("[]", "the file must be an object, not []"),
        ("[" * 100_000, "the text has too long a number or too deep a nesting to be read"),
        ("1" * 5000, "the text has too long a number or too deep a nesting to be read"),
        ('{"saga_name": "a", "saga_name": "b"}', "the key 'saga_name' stands twice in one object; remove one of them"),
        ('{"graph": {"a": {}, "nodes": [], "a": 1}}', "the key 'a' stands twice in one object"),
    ],
)
def test_a_text_that_is_no_object_of_json_is_refused(text: str, words: str) -> None:
    """The sentence says what is there instead."""
    with pytest.raises(DagFormatError, match=f"^{re.escape(words)}"):
        read_dag(text)


def test_a_nesting_of_any_depth_is_read_or_refused() -> None:
    """No depth of a value makes the reader or the writer fail in another way."""
    text = json.dumps(small())
    outcomes = set()
    for depth in range(0, 2000, 7):
        try:
            dag = read_dag(text.replace('["p"]', "[" * depth + "0" + "]" * depth))
            outcomes.add(read_dag(write_dag(dag)) == dag)
        except BuildError as refusal:
            outcomes.add(str(refusal).isprintable())
            continue
        assert depth < 1000
    assert outcomes == {True}


@pytest.mark.parametrize("value", [{1}, (1,), {1: 2}, float("nan")])
def test_a_dag_whose_values_are_not_json_is_not_written(value: Any) -> None:
    """Nothing is written that would be read as something else."""
    dag = read_dag(json.dumps(small()))
    with pytest.raises(BuildError, match=r"^saga small cannot be written: a value of type dict is not JSON"):
        write_dag(replace(dag, nodes=(replace(dag.nodes[0], value=value), *dag.nodes[1:])))


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


# What this reader refuses and that of the specification does not: it has no values, and looks nothing up.
STRICTER = ("looks up", "is not JSON", "SubsagaStart.", "depends on 2 nodes", "there is nothing between", "action_name")


def reads_or_refuses(value: Json) -> None:
    """Expect a DAG that is written and read again, or one sentence; and the same verdict from the specification."""
    text = json.dumps(value)
    try:
        dag = read_dag(text)
    except DagFormatError as error:
        refusal = str(error)
    else:
        refusal = ""
        assert read_dag(write_dag(dag)) == dag
    assert refusal.isprintable()
    try:
        load_steno(text, "x")
    except InputError:
        assert refusal
    else:
        assert not refusal or any(words in refusal for words in STRICTER)


@pytest.mark.parametrize(
    "place", [("Action", "label"), ("Action", "name"), ("Action", "action_name"), ("Constant", "value")], ids=str
)
def test_a_text_that_is_no_unicode_is_written_again_or_refused(place: tuple[str, str]) -> None:
    """What the reader takes, the writer writes, also half of a surrogate pair."""
    value = small()
    kind, key = place
    next(node for node in value["graph"]["nodes"] if kind in node)[kind][key] = "\ud800"
    reads_or_refuses(value)


@given(anything)
def test_any_json_gives_a_dag_or_a_sentence(value: Json) -> None:
    """No JSON value makes the reader fail in another way."""
    reads_or_refuses(value)


@given(st.lists(st.tuples(st.sampled_from(list(places(small()))), anything), min_size=1, max_size=4))
def test_any_change_of_a_good_file_gives_a_dag_or_a_sentence(changes: list[tuple[tuple[str | int, ...], Json]]) -> None:
    """Nor does a good file with arbitrary values in arbitrary places; the reader of the specification agrees."""
    value = copy.deepcopy(small())
    for path, new in changes:
        try:
            change(*path, to=new)(value)
        except (LookupError, TypeError):  # an earlier change took the place away
            continue
    reads_or_refuses(value)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=9))
def test_any_edges_give_a_dag_or_a_sentence(edges: list[tuple[int, int]]) -> None:
    """Nor do arbitrary edges between good nodes."""
    value = small()
    value["graph"]["edges"] = [[a, b, None] for a, b in edges]
    reads_or_refuses(value)


@given(st.sampled_from(FILES), st.data())
def test_a_real_file_with_a_piece_of_text_replaced_gives_a_dag_or_a_sentence(path: Path, data: st.DataObject) -> None:
    """Nor does a real file in which some characters are others."""
    text = path.read_text("utf-8")
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(begin + 30, len(text))))
    piece = data.draw(st.text(alphabet='{}[]",:0129.-eEnulltruefalse \n\\', max_size=6))
    mutated = text[:begin] + piece + text[end:]
    with contextlib.suppress(DagFormatError):
        dag = read_dag(mutated)
        assert read_dag(write_dag(dag)) == dag
