"""Claims about building sagas: the order is steno's, every wrong building is refused in one sentence."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagaref._actions import ActionRegistry
from sagaref._builder import DagBuilder, Subsaga, action, check, check_structure, constant, subsaga
from sagaref._dag import Dag, Kind, Node
from sagaref._errors import BuildError
from sagaref._steno_json import read_dag

DATA = Path(__file__).parents[1] / "data" / "sagas"
FILES = sorted(path for path in DATA.glob("*.json") if path.name != "actions.json")


async def do(ctx: Any) -> None:
    """An action that does nothing."""


def registry_for(*names: str, **reads: Sequence[str]) -> ActionRegistry:
    """Register actions by name, those with something to read by keyword."""
    registry = ActionRegistry()
    for name in dict.fromkeys((*names, *reads)):
        registry.register(name, do, reads=reads.get(name, ()))
    return registry


def file(name: str) -> Dag:
    """Read one of the real sagas."""
    return read_dag((DATA / f"{name}.json").read_text("utf-8"))


def registry_of(dag: Dag) -> ActionRegistry:
    """Register every action of a saga."""
    return registry_for(*(node.action for node in dag.nodes if node.kind is Kind.ACTION))


def rebuilt(dag: Dag, start: int) -> DagBuilder:
    """Append what is between the brackets of a saga or subsaga, group after group, to a new builder."""
    builder = DagBuilder(dag.nodes[start].saga_name or dag.name)
    last = (start,)
    while dag.nodes[end_of_group := min(dag.children[last[0]])].kind not in (Kind.END, Kind.SUBSAGA_END):
        firsts = sorted(dag.children[last[0]])
        assert end_of_group == firsts[0]
        last = tuple(
            first if dag.nodes[first].kind is not Kind.SUBSAGA_START else end_of(dag, first) for first in firsts
        )
        builder.append_parallel(
            *(
                dag.nodes[n]
                if n == first
                else subsaga(dag.nodes[n].name, rebuilt(dag, first), dag.nodes[first].params_from)
                for first, n in zip(firsts, last, strict=True)
            )
        )
    return builder


def end_of(dag: Dag, start: int) -> int:
    """The end of the subsaga that begins at a node."""
    ends = (n for n, node in enumerate(dag.nodes) if node.kind is Kind.SUBSAGA_END)
    return next(n for n in ends if dag.scopes[dag.parents[n][0]] == start)


def test_the_demo_saga_of_steno_is_built_as_steno_builds_it() -> None:
    """Names, nodes, edges and parameters of the saga built by hand are those of the file."""
    servers = DagBuilder("server-alloc")
    servers.append(action("server_id", "server_pick", "ServerPick"))
    servers.append(action("server_reserve", "server_reserve", "ServerReserve"))

    builder = DagBuilder("DemoVmProvision")
    builder.append(action("instance_id", "instance_create", "InstanceCreate"))
    builder.append(constant("server_alloc_params", {"number_of_things": 1}))
    builder.append_parallel(
        action("instance_ip", "vpc_alloc_ip", "VpcAllocIp"),
        action("volume_id", "volume_create", "VolumeCreate"),
        subsaga("server_alloc", servers, "server_alloc_params"),
    )
    builder.append(action("instance_configure", "instance_configure", "InstanceConfigure"))
    builder.append(action("volume_attach", "volume_attach", "VolumeAttach"))
    builder.append(action("instance_boot", "instance_boot", "InstanceBoot"))
    builder.append(action("print", "print", "Print"))

    expected = file("demo_provision")
    params = {"instance_name": "fake-o-instance", "number_of_instances": 1}
    assert builder.build(registry_of(expected), params) == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_real_saga_that_is_rebuilt_group_by_group_is_the_same(path: Path) -> None:
    """The order of nodes and edges in the 44 files is that of the builder."""
    dag = file(path.stem)
    assert rebuilt(dag, dag.start).build(registry_of(dag), dag.nodes[dag.start].value) == dag


@pytest.mark.parametrize("name", ["disk_create", "volume_delete"])
def test_a_dag_can_be_inlined_like_the_builder_that_made_it(name: str) -> None:
    """Its start and its end are left behind, and the order is the same."""
    dag = file(name)
    made = []
    for inner in (dag, rebuilt(dag, dag.start)):
        builder = DagBuilder("outer")
        builder.append(constant("p", None))
        builder.append_parallel(subsaga("left", inner, "p"), subsaga("right", inner, "p"))
        builder.append(constant("end", None))
        made.append(builder.build(registry_of(dag)))
    assert made[0] == made[1]
    assert len(made[0].nodes) == 2 * len(dag.nodes) + 4


def test_the_edges_of_a_join_are_turned_around_with_every_subsaga_around_it() -> None:
    """Steno copies the parents of each node newest first, once for each bracket."""
    inner = DagBuilder("inner")
    inner.append_parallel(constant("a", 1), constant("b", 2))
    inner.append(constant("c", 3))
    middle = DagBuilder("middle")
    middle.append(constant("p", 4))
    middle.append(subsaga("i", inner, "p"))
    outer = DagBuilder("outer")
    outer.append(constant("q", 5))
    outer.append(subsaga("m", middle, "q"))
    inlined = middle.build(ActionRegistry()).edges
    assert inlined == ((0, 1), (3, 4), (2, 4), (1, 2), (1, 3), (4, 5), (6, 0), (5, 7))
    dag = outer.build(ActionRegistry())
    assert dag.labels == ("q", "(middle)", "p", "(inner)", "a", "b", "c", "i", "m", "start", "end")
    assert dag.edges == (
        *((0, 1), (2, 3), (3, 4), (3, 5), (4, 6), (5, 6), (6, 7), (1, 2), (7, 8)),
        *((9, 0), (8, 10)),
    )
    assert dag.scopes == (9, 9, 1, 1, 3, 3, 3, 1, 9, 9, 9)


def test_a_saga_may_begin_with_a_group() -> None:
    """The start has an edge to each of its nodes, in the order of the group."""
    builder = DagBuilder("s")
    builder.append_parallel(constant("a", 1), constant("b", 2))
    builder.append(constant("c", 3))
    assert builder.build(ActionRegistry()).edges == ((0, 2), (1, 2), (3, 0), (3, 1), (2, 4))


def test_what_was_built_does_not_change_with_the_builder_or_the_values() -> None:
    """A DAG, and a subsaga, is the saga as it was when it was made; values are copies."""
    value: dict[str, Any] = {"k": [1]}
    inner = DagBuilder("inner")
    inner.append(constant("a", value))
    builder = DagBuilder("s")
    builder.append(constant("p", None))
    builder.append(subsaga("i", inner, "p"))
    dag = builder.build(ActionRegistry(), value)
    value["k"].append(2)
    inner.append(constant("b", 1))
    assert dag.nodes[dag.start].value == dag.nodes[2].value == {"k": [1]}
    assert builder.build(ActionRegistry(), {"k": [1]}) == dag


def test_parameters_are_given_to_a_copy() -> None:
    """`with_params` changes the start of the copy alone."""
    dag = file("demo")
    other = dag.with_params([1])
    assert other.nodes[other.start] == Node(Kind.START, value=[1])
    assert replace(other, nodes=dag.nodes) == dag


def test_a_subsaga_sees_its_own_names_and_lends_out_its_output() -> None:
    """Names inside may be those outside; what an action reads is found in its own saga or subsaga."""
    inner = DagBuilder("inner")
    inner.append(constant("x", 1))
    inner.append(action("y", "reader"))
    builder = DagBuilder("s")
    builder.append(constant("x", 2))
    builder.append(subsaga("i", inner, "x"))
    builder.append(action("y", "reader2"))
    dag = builder.build(registry_for(reader=["x"], reader2=["x", "i"]))
    assert (dag.find(1, "x"), dag.find(3, "x"), dag.find(5, "x"), dag.find(5, "i")) == (0, 2, 0, 4)


Parts = Sequence[Any]


def saga(*groups: Parts) -> DagBuilder:
    """Put groups together."""
    builder = DagBuilder("s")
    for group in groups:
        builder.append_parallel(*group)
    return builder


def inner(*groups: Parts) -> Subsaga:
    """A subsaga `i` with the parameters of p."""
    return subsaga("i", saga(*groups), "p")


C = constant("c", 0)
P = constant("p", 0)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (saga, "saga s is empty; append one last node"),
        (lambda: saga([]), "saga s: a parallel group is empty; give it one node or more"),
        (lambda: saga([C, P]), "saga s ends in 2 nodes side by side; append one last node"),
        (lambda: saga(["c"]), "saga s: 'c' was appended, which is no node; append what `action`"),
        (lambda: saga([saga([C])]), "was appended, which is no node"),
        (lambda: saga([Node(Kind.START)]), "was appended, which is no node"),
        (lambda: saga([Node(Kind.CONSTANT, "")]), "saga s: node 0: its name must be one or more printable characters"),
        (lambda: saga([C], [C]), "saga s: nodes 0 and 1 of one saga or subsaga are both called 'c'; rename one"),
        (lambda: saga([C, C], [P]), "nodes 0 and 1 of one saga or subsaga are both called 'c'"),
        (lambda: saga([P], [inner([C], [C])]), "nodes 0 and 1 of one saga or subsaga are both called 'c'"),
        (
            lambda: saga([P], [constant("i", 0)], [inner([C])]),
            "nodes 1 and 4 of one saga or subsaga are both called 'i'",
        ),
        (lambda: saga([P], [inner()]), "saga s is empty"),
        (lambda: saga([P], [inner([C, P])]), "saga s ends in 2 nodes"),
        (lambda: saga([inner([C])]), "saga s: (s) (node 0) looks up 'p', but no node beside it has that name"),
        (lambda: saga([P, inner([C])], [C]), "saga s: (s) (node 1) looks up 'p', but does not depend on it; append it"),
        (lambda: saga([inner([P])], [C]), "looks up 'p', but no node beside it has that name; append that node before"),
        (lambda: saga([subsaga("i", 3, "p")]), "subsaga 'i' is a value of type int; give a Dag or a DagBuilder"),
        (lambda: saga([subsaga("", saga([C]), "p")]), "subsaga '': its name must be one or more printable characters"),
        (lambda: saga([subsaga("i", saga([C]), "")]), "subsaga 'i': the name of the node of its parameters must be"),
        (lambda: saga([subsaga("i", replace(file("demo"), edges=()), "p")]), "saga demo: start (node 1) does not lead"),
        (lambda: saga([action("", "a")]), "action '': its name must be one or more printable characters, not ''"),
        (lambda: saga([action("a", "\t")]), "action 'a': the name of its action must be one or more printable"),
        (lambda: saga([action("a", "b", 3)]), "action 'a': its label must be a text, not 3"),  # type: ignore[arg-type]
        (lambda: saga([constant("\x00", 1)]), "constant '\\x00': its name must be one or more printable characters"),
        (lambda: saga([constant(None, 1)]), "constant None: its name must be one or more printable characters"),
        (lambda: saga([constant("c", {1})]), "constant 'c': a value of type set is not JSON"),
        (lambda: saga([constant("c", (1,))]), "it would read back as list [1]; give it a JSON value"),
        (lambda: saga([constant("c", {1: 2})]), "constant 'c': a value of type dict is not JSON"),
        (lambda: saga([constant("c", float("nan"))]), "constant 'c': a value of type float is not JSON"),
        (lambda: saga([Node(Kind.CONSTANT, "c", value=set())]), "saga s: node 0: a value of type set is not JSON"),
        (lambda: DagBuilder(""), "the name of a saga must be one or more printable characters, not ''"),
        (lambda: DagBuilder("a\u2028b"), "the name of a saga must be one or more printable characters"),
        (
            lambda: saga([action("a", "instnce_boot")]),
            "saga s: a (node 0): no action 'instnce_boot' is registered; did",
        ),
        (lambda: saga([action("a", "reader")]), "saga s: a (node 0) looks up 'c', but no node beside it has that name"),
        (lambda: saga([constant("cc", 0)], [action("a", "reader")]), "has that name; did you mean 'cc'?"),
        (lambda: saga([C, action("a", "reader")], [P]), "saga s: a (node 1) looks up 'c', but does not depend on it"),
        (lambda: saga([action("a", "reader")], [C]), "saga s: a (node 0) looks up 'c', but does not depend on it"),
        (lambda: saga([action("c", "reader")]), "saga s: c (node 0) looks up 'c', but does not depend on it"),
        (
            lambda: saga([P], [C], [inner([action("a", "reader")])]),
            "saga s: a (node 3) looks up 'c', but no node beside",
        ),
        (
            lambda: saga([P], [inner([C])], [action("a", "reader")]),
            "saga s: a (node 4) looks up 'c', but no node beside",
        ),
    ],
)
def test_wrong_building_is_refused_in_one_sentence(build: Callable[[], DagBuilder], words: str) -> None:
    """The sentence names the saga and the node, and says what to do."""
    with pytest.raises(BuildError, match=re.escape(words)) as refusal:
        build().build(registry_for("instance_boot", reader=["c"]))
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("params", [{1}, (1,), {1: 2}, float("inf"), object(), {"a": [float("nan")]}])
def test_parameters_that_are_not_json_are_refused(params: Any) -> None:
    """Nothing that would come back from the store as something else is taken."""
    with pytest.raises(BuildError, match=r"^saga s: its parameters: a value of type .* give it a JSON value$"):
        saga([C]).build(ActionRegistry(), params)


def test_a_group_that_is_refused_leaves_the_builder_as_it_was() -> None:
    """None of its nodes is added, and building may go on."""
    builder = saga([C])
    with pytest.raises(BuildError, match="which is no node"):
        builder.append_parallel(P, 3)  # type: ignore[arg-type]
    with pytest.raises(BuildError, match="is empty"):
        builder.append_parallel()
    assert builder.build(ActionRegistry()) == saga([C]).build(ActionRegistry())


def small(**changes: Any) -> Dag:
    """The DAG p, subsaga (a), z; with some of its fields replaced."""
    dag = saga([P], [subsaga("i", saga([constant("a", 0)]), "p")], [constant("z", 0)]).build(ActionRegistry())
    assert dag.labels == ("p", "(s)", "a", "i", "z", "start", "end")
    return replace(dag, **changes)


NODES, EDGES = small().nodes, small().edges
START, END = 5, 6


def node_at(n: int, node: Node) -> Dag:
    """The small DAG with another node."""
    return small(nodes=(*NODES[:n], node, *NODES[n + 1 :]))


def more(*edges: tuple[int, int], without: Sequence[tuple[int, int]] = ()) -> Dag:
    """The small DAG with some edges more, and some fewer."""
    return small(edges=(*(edge for edge in EDGES if edge not in without), *edges))


def subsaga_end() -> Node:
    """Another end of a subsaga."""
    return Node(Kind.SUBSAGA_END, "j")


@pytest.mark.parametrize(
    ("dag", "words"),
    [
        (Dag("s", None, None, 0, 0), "saga s: its nodes must be a tuple of `Node`s, each of a `Kind`"),  # type: ignore[arg-type]
        (small(nodes=list(NODES)), "saga s: its nodes must be a tuple of `Node`s"),
        (small(nodes=(*NODES, 3)), "saga s: its nodes must be a tuple of `Node`s"),
        (node_at(0, replace(P, kind="action")), "saga s: its nodes must be a tuple of `Node`s, each of a `Kind`"),
        (small(edges=3), "saga s: its edges must be a tuple of pairs of whole numbers"),
        (small(edges=(*EDGES, 3)), "its edges must be a tuple of pairs"),
        (small(edges=(*EDGES, (0, 1, 2))), "its edges must be a tuple of pairs"),
        (small(edges=(*EDGES, (0, "1"))), "its edges must be a tuple of pairs"),
        (small(edges=(*EDGES, (0, True))), "its edges must be a tuple of pairs"),
        (small(start="5"), "saga s: its start and its end must be whole numbers"),
        (small(end=None), "saga s: its start and its end must be whole numbers"),
        (small(name=None), "the name of a saga must be one or more printable characters"),
        (node_at(START, Node(Kind.START, name=[])), "saga s: node 5: its name must be a text, not []"),  # type: ignore[arg-type]
        (node_at(4, replace(NODES[4], label=7)), "saga s: node 4: its label must be a text, not 7"),
        (small(name=""), "the name of a saga must be one or more printable characters"),
        (
            small(nodes=(), edges=()),
            "saga s: its start must be the one node of that kind; it is node 5, and those are none",
        ),
        (small(start=0), "its start must be the one node of that kind; it is node 0, and those are 5"),
        (small(start=-2), "it is node -2, and those are 5"),
        (small(end=99), "its end must be the one node of that kind; it is node 99, and those are 6"),
        (node_at(4, Node(Kind.END)), "its end must be the one node of that kind; it is node 6, and those are 4, 6"),
        (more((4, 7)), "saga s: edge 6 names node 7, but the nodes are 0 to 6"),
        (more((-1, 4)), "edge 6 names node -1, but"),
        (more((0, 0)), "by edge 6, p (node 0) depends on itself; remove that edge"),
        (more(EDGES[0]), "edges 0 and 6 are the same; remove one of them"),
        (more((4, 0)), "its edges form a cycle, p (node 0) > (s) (node 1) > a (node 2) > i (node 3) > z (node 4) > p"),
        (
            small(nodes=(*NODES, C, P), edges=(*EDGES, (7, 8), (8, 7))),
            "its edges form a cycle, c (node 7) > p (node 8) > c (node 7); remove one of them",
        ),
        (
            small(nodes=(*NODES, C), edges=(*EDGES, (7, 5), (5, 7))),
            "cycle, start (node 5) > c (node 7) > start (node 5)",
        ),
        (small(nodes=(*NODES, C), edges=(*EDGES, (7, 5))), "start (node 5) depends on c (node 7); remove that edge"),
        (small(nodes=(*NODES, C), edges=(*EDGES, (6, 7))), "c (node 7) depends on end (node 6); remove that edge"),
        (
            small(nodes=(*NODES, C), edges=(*EDGES, (7, 4))),
            "c (node 7) cannot be reached from the start; add an edge to",
        ),
        (small(nodes=(*NODES, C), edges=(*EDGES, (0, 7))), "c (node 7) does not lead to the end; add an edge from it"),
        (small(edges=()), "start (node 5) does not lead to the end"),
        (more(without=[(4, END)]), "end (node 6) cannot be reached from the start"),
        (more((0, END)), "end (node 6) depends on 2 nodes; join them in one node before it"),
        (
            small(nodes=(*NODES, C), edges=(*EDGES, (1, 7), (7, 3))),
            "i (node 3) depends on 2 nodes; join them in one node before it",
        ),
        (
            small(nodes=NODES[5:], edges=((0, 1),), start=0, end=1),
            "there is nothing between start (node 0) and end (node",
        ),
        (more((1, 3), without=[(1, 2), (2, 3)]), "a (node 2) cannot be reached"),
        (
            small(
                nodes=(P, NODES[1], subsaga_end(), *NODES[5:]), edges=((0, 1), (1, 2), (3, 0), (2, 4)), start=3, end=4
            ),
            "there is nothing between (s) (node 1) and j (node 2); put a node there",
        ),
        (more((0, 2)), "do not balance, a (node 2) depends on p (node 0) and (s) (node 1), which are not in the same"),
        (more((2, 4)), "do not balance, z (node 4) depends on a (node 2) and i (node 3), which are not in the same"),
        (node_at(0, subsaga_end()), "there is nothing between start (node 5) and j (node 0)"),
        (node_at(4, subsaga_end()), "do not balance, j (node 4) ends a subsaga that none began; let edges enter each"),
        (node_at(3, C), "do not balance, (s) (node 1) begins a subsaga that none ends"),
        (
            small(nodes=(*NODES, subsaga_end()), edges=(*EDGES, (2, 7), (7, 4))),
            "do not balance, i (node 3) and j (node 7) end the same subsaga",
        ),
        (node_at(4, replace(NODES[4], name="p")), "nodes 0 and 4 of one saga or subsaga are both called 'p'; rename"),
        (node_at(4, replace(NODES[4], name="i")), "nodes 3 and 4 of one saga or subsaga are both called 'i'"),
        (node_at(4, replace(NODES[4], name="")), "saga s: node 4: its name must be one or more printable characters"),
        (node_at(1, replace(NODES[1], saga_name="")), "node 1: the name of its saga must be one or more printable"),
        (
            node_at(1, replace(NODES[1], params_from="q")),
            "(s) (node 1) looks up 'q', but no node beside it has that name",
        ),
        (node_at(1, replace(NODES[1], params_from="a")), "(s) (node 1) looks up 'a', but no node beside it"),
        (node_at(1, replace(NODES[1], params_from="z")), "(s) (node 1) looks up 'z', but does not depend on it"),
        (node_at(START, Node(Kind.START, value={1})), "saga s: node 5: a value of type set is not JSON"),
    ],
)
def test_a_dag_that_is_no_saga_is_refused(dag: Dag, words: str) -> None:
    """One mistake in a good DAG gives one sentence that says where it is."""
    with pytest.raises(BuildError, match=re.escape(words)):
        check(dag, ActionRegistry())


def test_fields_that_mean_nothing_for_a_kind_are_not_looked_at() -> None:
    """A start may say what action it is, and two constants may be labelled alike."""
    check(small(nodes=tuple(replace(node, label="x", action="x") for node in NODES)), ActionRegistry())


kinds = st.sampled_from(Kind)
indexes = st.integers(0, 6)


@given(st.lists(kinds, max_size=7), st.lists(st.tuples(indexes, indexes), max_size=12), indexes, indexes)
def test_any_graph_is_a_saga_or_refused(kinds: list[Kind], edges: list[tuple[int, int]], start: int, end: int) -> None:
    """No graph, however malformed, makes the check fail in another way."""
    nodes = tuple(Node(kind, f"n{n}", saga_name="s", params_from="n0") for n, kind in enumerate(kinds))
    with contextlib.suppress(BuildError):
        check_structure(Dag("s", nodes, tuple(edges), start, end))


@given(
    st.lists(st.tuples(st.integers(-1, 7), st.integers(-1, 7)), max_size=4), st.sets(st.sampled_from(EDGES), max_size=3)
)
def test_any_edges_between_good_nodes_are_a_saga_or_refused(
    added: list[tuple[int, int]], removed: set[tuple[int, int]]
) -> None:
    """What the check accepts has scopes, and what it does not accept has a sentence."""
    dag = more(*added, without=tuple(removed))
    try:
        check_structure(dag)
    except BuildError:
        return
    assert [dag.scopes[n] for n in (0, 2, 4)] == [START, 1, START]


def test_labels_tell_nodes_apart() -> None:
    """Nodes of one name have their index added, also one whose name looks like such a label."""
    nodes = [constant("a", 0), constant("a#2", 0), constant("start", 0), constant("a", 0), *NODES[5:]]
    labels = Dag("s", tuple(nodes), (), 4, 5).labels
    assert labels == ("a#0", "a#2#1", "start#2", "a#3", "start#4", "end")
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("text", "n"), [(3, 3), ("start", 5), ("(s)", 1), ("a#2", 2), ("a#4", 4), ("i", 3), ("x#0", 0)]
)
def test_a_node_is_selected_by_index_or_label_or_by_a_name_that_only_one_has(text: str | int, n: int) -> None:
    """What people are shown, and what a program knows, both mean the node."""
    dag = node_at(4, constant("a", 0))
    dag = replace(dag, nodes=(constant("x#0", 0), *dag.nodes[1:]))
    assert dag.labels == ("x#0#0", "(s)", "a#2", "i", "a#4", "start", "end")
    assert dag.select(text) == n


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (7, "saga s has no node 7; its nodes are 0 to 6"),
        (-1, "saga s has no node -1; its nodes are 0 to 6"),
        ("q", "saga s has no node 'q'"),
        ("a", "saga s has several nodes called 'a': a#2, a#4"),
    ],
)
def test_a_selection_of_no_node_or_of_several_is_refused(text: str | int, words: str) -> None:
    """The sentence says which nodes there are, and which were meant perhaps."""
    with pytest.raises(BuildError, match=f"^{re.escape(words)}$"):
        node_at(4, constant("a", 0)).select(text)
