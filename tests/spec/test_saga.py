"""Claims about what is a saga, what is refused as none, and how its nodes are named."""

from __future__ import annotations

import pickle
import re
from collections.abc import Sequence

import pytest

from sagacheck._errors import InputError
from sagaspec._node import NodeKind, SagaNode
from sagaspec._saga import Saga
from sagaspec._shape import depth, width

START, END = SagaNode(NodeKind.START), SagaNode(NodeKind.END)
OPEN = SagaNode(NodeKind.SUBSAGA_START)

Edges = Sequence[tuple[int, int]]


def act(name: str) -> SagaNode:
    """Make an action that has an undo."""
    return SagaNode(NodeKind.ACTION, name, has_undo=True)


def close(name: str) -> SagaNode:
    """Make the end of a subsaga."""
    return SagaNode(NodeKind.SUBSAGA_END, name)


def line(*nodes: SagaNode) -> Saga:
    """Build a saga whose nodes come one after the other."""
    return Saga.build("line", nodes, [(n, n + 1) for n in range(len(nodes) - 1)])


def diamond() -> Saga:
    """Build a saga with two actions in parallel."""
    return Saga.build(
        "diamond",
        [START, act("a"), act("b"), act("c"), act("d"), END],
        [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5)],
    )


def refused(nodes: Sequence[SagaNode], edges: Edges, *words: str, name: str = "s") -> None:
    """Expect a refusal in one sentence that begins with the place and has the words in this order."""
    with pytest.raises(InputError, match=".*".join(map(re.escape, ["here: ", *words]))) as caught:
        Saga.build(name, nodes, edges, place="here")
    assert "\n" not in str(caught.value)


def test_neighbours_come_newest_edge_first() -> None:
    """Parents and children are in the reverse of the order in which their edges were added."""
    saga = diamond()
    assert saga.children(1) == (3, 2)
    assert saga.parents(4) == (3, 2)
    assert saga.parents(saga.start) == ()
    assert saga.children(saga.end) == ()


def test_the_order_is_topological_and_prefers_low_indexes() -> None:
    """The start comes first although its index is high, and then what is ready, by index."""
    saga = Saga.build(
        "late start", [act("a"), act("b"), act("c"), START, END], [(3, 1), (3, 0), (1, 2), (0, 2), (2, 4)]
    )
    assert saga.topological == (3, 0, 1, 2, 4)
    assert (saga.start, saga.end) == (3, 4)


def test_a_saga_is_a_value() -> None:
    """Sagas of the same parts are equal, hash alike, survive pickling, and cannot be changed."""
    saga = diamond()
    assert saga.topological
    assert pickle.loads(pickle.dumps(saga)) == saga == diamond()
    assert hash(saga) == hash(diamond())
    with pytest.raises(AttributeError):
        saga.name = "other"  # type: ignore[misc]


def test_start_and_end_alone_are_a_saga() -> None:
    """A saga need not have an action."""
    assert line(START, END).labels == ("start", "end")


def test_paths_nest_by_the_names_of_subsaga_ends() -> None:
    """A node inside two subsagas has both their names before its own, and so have the inner brackets."""
    saga = line(START, OPEN, OPEN, act("a"), close("inner"), close("outer"), act("a"), END)
    assert [node.path for node in saga.nodes] == [
        "start", "outer/start", "outer/inner/start", "outer/inner/a", "outer/inner", "outer", "a", "end",
    ]  # fmt: skip


def test_every_label_is_unique_and_selects_its_node() -> None:
    """Labels stay unique where actions have the names of the start, of a path, or of a label with an index."""
    names = ["start", "end", "sub/start", "sub/a", "start#1", "#0", "sub"]
    saga = line(START, OPEN, act("a"), act("start"), close("sub"), *(act(name) for name in names if name != "sub"), END)
    assert len(set(saga.labels)) == len(saga.nodes)
    assert [saga.select(saga.label(n)) for n in range(len(saga.nodes))] == list(range(len(saga.nodes)))
    assert saga.label(saga.start) == "start"
    assert saga.label(saga.end) == "end"


def test_a_node_is_selected_by_index_path_or_plain_name() -> None:
    """All three readings lead to the node, and an outermost path wins over an inner name."""
    saga = line(START, OPEN, act("a"), act("b"), close("sub"), act("a"), END)
    assert saga.select("#3") == saga.select("sub/b") == saga.select(" b ") == 3
    assert saga.select("a") == 5
    assert saga.select("sub") == 4


def test_an_ambiguous_name_is_refused_with_its_candidates() -> None:
    """The sentence lists the path and the index of each node that is meant."""
    saga = line(START, OPEN, act("a"), close("s"), OPEN, act("a"), close("t"), END)
    with pytest.raises(InputError, match=r"'a' could be any of 2 nodes .*s/a \(#2\), t/a \(#5\)"):
        saga.select("a")


def test_a_long_list_of_candidates_is_cut() -> None:
    """Twenty candidates are named and the others counted."""
    nodes = [node for k in range(30) for node in (OPEN, act("a"), close(f"s{k}"))]
    with pytest.raises(InputError, match=r"any of 30 nodes .*s19/a \(#59\) and 10 more; "):
        line(START, *nodes, END).select("a")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("volume", "no node 'volume'; did you mean volumes"),
        ("zzz", "no node 'zzz'; name a node by its path, its name or #0 to #3"),
        ("", "no node ''; name a node"),
        ("#4", "no node #4; its nodes are #0 to #3"),
        ("#-1", "no node '#-1'"),
        ("#²", "no node '#²'"),
        ("#" + "9" * 5000, "no node '#999"),
        ("a\ud800", r"no node 'a\ud800'"),
    ],
)
def test_an_unknown_node_is_refused(text: str, sentence: str) -> None:
    """What names no node is refused, with what looks alike or with the ways to name one."""
    with pytest.raises(InputError, match=re.escape(sentence)):
        line(START, act("volumes"), act("b"), END).select(text)


def test_a_cycle_is_refused_with_its_nodes() -> None:
    """The sentence walks along the cycle and leaves out what only hangs on it."""
    edges = [(0, 1), (1, 2), (2, 3), (3, 1), (3, 4), (4, 5)]
    refused(
        [START, act("a"), act("b"), act("c"), act("d"), END], edges, "no cycle", "a (#1) > b (#2) > c (#3) > a (#1)"
    )


def test_a_long_cycle_is_cut() -> None:
    """A cycle of many nodes is not listed as a whole."""
    nodes = [START, *(act(f"n{k}") for k in range(5000)), END]
    edges = [(n, n + 1) for n in range(5001)] + [(5000, 1)]
    refused(nodes, edges, "no cycle", "> ... >", "remove one")


@pytest.mark.parametrize(
    ("nodes", "edges", "words"),
    [
        ([act("a"), END], [(0, 1)], ["one start node", "no start node"]),
        ([START, START, act("a"), END], [(0, 2), (1, 2), (2, 3)], ["one start node", "#0 and #1"]),
        ([START, act("a")], [(0, 1)], ["one end node", "no end node"]),
        ([START, act("a"), END, END], [(0, 1), (1, 2), (1, 3)], ["one end node", "2 end nodes", "#2 and #3"]),
        ([], [], ["no start node"]),
        ([START, act("a"), END], [(0, 1), (1, 3)], ["edge 1", "#3", "#0 to #2"]),
        ([START, act("a"), END], [(-1, 1), (1, 2)], ["edge 0", "#-1"]),
        ([START, act("a"), END], [(0, 1), (1, 1), (1, 2)], ["a (#1) depends on itself in edge 1"]),
        ([START, act("a"), END], [(0, 1), (1, 2), (0, 1)], ["edge 2", "start (#0) > a (#1)", "already as edge 0"]),
        ([START, act("a"), act("b"), END], [(0, 1), (1, 3), (2, 1)], ["b (#2) cannot be reached"]),
        ([START, act("a"), act("b"), END], [(0, 1), (1, 3), (0, 2)], ["b (#2) never leads to the end"]),
        ([START, act("a"), act("b"), END], [(0, 1), (1, 3)], ["b (#2) cannot be reached"]),
        ([START, act("a"), END], [(1, 0), (0, 2)], ["start (#0) has the parent a (#1)"]),
        ([START, act("a"), END], [(0, 2), (2, 1)], ["end (#2) has the child a (#1)"]),
        (
            [START, act("a"), act("b"), END],
            [(0, 1), (0, 2), (1, 3), (2, 3)],
            ["end (#3)", "exactly one parent", "has 2", "a (#1) and b (#2)"],
        ),
        ([START, act("a"), act("a"), END], [(0, 1), (1, 2), (2, 3)], ["#1 and #2 of the saga", "'a'", "rename"]),
        (
            [START, OPEN, act("a"), act("a"), close("s"), END],
            [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)],
            ["#2 and #3 of the subsaga s (#4)", "'a'"],
        ),
        (
            [START, OPEN, act("a"), close("s"), act("s"), END],
            [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)],
            ["#3 and #4 of the saga", "'s'"],
        ),
        ([START, OPEN, act("a"), END], [(0, 1), (1, 2), (2, 3)], ["brackets", "subsaga start (#1) has no subsaga end"]),
        ([START, act("a"), close("s"), END], [(0, 1), (1, 2), (2, 3)], ["brackets", "s (#2)", "that none began"]),
        (
            [START, OPEN, close("s"), close("t"), act("a"), END],
            [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5)],
            ["brackets", "t (#3)", "that s (#2) ended"],
        ),
        (
            [START, OPEN, act("a"), close("s"), act("b"), END],
            [(0, 1), (1, 2), (2, 3), (3, 4), (2, 4), (4, 5)],
            ["brackets", "b (#4)", "a (#2)", "s (#3)", "not in the same subsaga"],
        ),
        (
            [START, act("x"), OPEN, act("a"), close("s"), END],
            [(0, 1), (1, 2), (2, 3), (1, 3), (3, 4), (4, 5)],
            ["brackets", "a (#3)", "x (#1)", "not in the same subsaga"],
        ),
        ([START, act(""), END], [(0, 1), (1, 2)], ["node #1 is called ''", "printable"]),
        ([START, act("a\nb"), END], [(0, 1), (1, 2)], ["node #1", r"'a\nb'", "printable"]),
        ([START, act("a\ud800"), END], [(0, 1), (1, 2)], [r"'a\ud800'", "printable"]),
        ([SagaNode(NodeKind.START, "s"), END], [(0, 1)], ["node #0 is a start", "no name", "'s'"]),
        ([START, SagaNode(NodeKind.CONSTANT, "k", has_undo=True), END], [(0, 1), (1, 2)], ["k (#1)", "only an action"]),
    ],
)
def test_what_is_no_saga_is_refused(nodes: list[SagaNode], edges: Edges, words: list[str]) -> None:
    """Each rule of sagas has a sentence for what breaks it, which names the nodes."""
    refused(nodes, edges, *words)


@pytest.mark.parametrize("name", ["", "a\x00b", "\udc80"])
def test_a_saga_without_a_printable_name_is_refused(name: str) -> None:
    """What a saga is called stands in every report and must be readable there."""
    refused([START, END], [(0, 1)], "the saga is called", "printable", name=name)


def test_without_a_place_a_refusal_names_the_saga() -> None:
    """Who builds a saga in code is told which one is wrong."""
    with pytest.raises(InputError, match=r"^saga 'mine': "):
        Saga.build("mine", [], [])


def test_the_same_name_may_stand_in_two_subsagas() -> None:
    """Names are unique in one saga or subsaga only."""
    saga = line(START, OPEN, act("a"), close("s"), OPEN, act("a"), close("t"), act("a"), END)
    assert saga.labels[2::3] == ("s/a", "t/a", "end")


def test_thousands_of_nested_subsagas_are_no_problem() -> None:
    """Nothing recurses along the saga."""
    deep = 1500
    saga = line(START, *[OPEN] * deep, *(close("s") for _ in range(deep)), END)
    assert saga.nodes[deep].path.count("/") == deep


def test_width_and_depth_of_a_diamond() -> None:
    """Two actions are independent, and four edges lead through one of them."""
    assert (width(diamond()), depth(diamond())) == (2, 4)
