"""Claims about sagas that are described in a few characters."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagacheck._errors import InputError
from sagaspec._families import parse_edges, parse_family
from sagaspec._node import NodeKind
from sagaspec._saga import Saga
from sagaspec._shape import depth, width


def actions(saga: Saga) -> list[str]:
    """Name the actions of a saga."""
    return [node.name for node in saga.nodes if node.kind is NodeKind.ACTION]


@pytest.mark.parametrize(
    ("family", "edges"),
    [
        ("chain:1", "a"),
        ("chain:3", "a>b>c"),
        ("fork-join:1", "a>b"),
        ("fork-join:3", "a,b,c,a>d,b>d,c>d"),
        ("diamond", "a>b,a>c,b>d,c>d"),
        ("ladder:1x2", "a>b>c"),
        ("ladder:2x2", "a,b,c,d,a>c,b>c,a>d,b>d,c>e,d>e"),
        ("ladder:2x1", "a>c,b>c"),
        ("random:1:0", "a"),
    ],
)
def test_a_family_means_these_edges(family: str, edges: str) -> None:
    """A family is a saga that could have been written out, up to the order of nodes and edges."""
    short, long = parse_family(family), parse_edges(edges)
    by_name = [{(saga.label(a), saga.label(b)) for a, b in saga.edges} for saga in (short, long)]
    assert by_name[0] == by_name[1]
    assert set(actions(short)) == set(actions(long))


def test_nodes_and_edges_have_the_documented_order() -> None:
    """Start, actions by first mention, join, end; the start's edges, the text's, the join's, the end's."""
    saga = parse_edges("b > c, a > d, b > a")
    assert saga.labels == ("start", "b", "c", "a", "d", "join", "end")
    assert saga.edges == ((0, 1), (1, 2), (3, 4), (1, 3), (2, 5), (4, 5), (5, 6))
    assert saga.name == "b>c,a>d,b>a"


def test_only_the_actions_can_be_undone_and_all_of_them_can() -> None:
    """The join and the ends have no undo."""
    assert {(node.kind, node.has_undo) for node in parse_edges("a,b").nodes} == {
        (NodeKind.START, False),
        (NodeKind.ACTION, True),
        (NodeKind.CONSTANT, False),
        (NodeKind.END, False),
    }


def test_a_join_is_added_only_where_several_actions_are_last() -> None:
    """One last action leads to the end by itself."""
    assert parse_edges("a>c,b>c").labels == ("start", "a", "c", "b", "end")


def test_the_join_evades_the_names_of_actions() -> None:
    """An action may be called join."""
    assert parse_edges("join,join_1").labels == ("start", "join", "join_1", "join_2", "end")


def test_transitive_edges_are_kept() -> None:
    """An edge that others imply is still an edge."""
    assert len(parse_edges("a>b,b>c,a>c").edges) == 5


def test_actions_beyond_z_are_numbered() -> None:
    """The 27th action is n26."""
    assert actions(parse_family("chain:28"))[24:] == ["y", "z", "n26", "n27"]


@pytest.mark.parametrize(
    ("text", "measures"),
    [
        ("chain:5", (5, 1, 6)),
        ("fork-join:7", (8, 7, 3)),
        ("ladder:3x4", (13, 3, 6)),
        ("diamond", (4, 2, 4)),
        ("chain:10000", (10000, None, 10001)),
        ("ladder:10x100", (1001, 10, 102)),
    ],
)
def test_families_have_their_size_width_and_depth(text: str, measures: tuple[int, int | None, int]) -> None:
    """Actions, independent nodes and the longest path are what the family promises."""
    saga = parse_family(text)
    wide = width(saga) if measures[1] is not None else None
    assert (len(actions(saga)), wide, depth(saga)) == measures


def test_a_random_saga_is_the_same_everywhere() -> None:
    """A seed stands for one saga, in every version of Python and on every platform."""
    assert parse_family("random:5:1").edges == GOLDEN
    assert parse_family("random:5:1") == parse_family(" random : 05 : 1 ")
    assert parse_family("random:5:2").edges != GOLDEN


GOLDEN = ((0, 1), (0, 2), (0, 4), (1, 3), (2, 3), (1, 5), (2, 5), (4, 5), (3, 6), (5, 6), (6, 7))


def test_random_sagas_vary() -> None:
    """Twenty seeds give twenty sagas of the size that was asked for."""
    sagas = [parse_family(f"random:12:{seed}") for seed in range(20)]
    assert len({saga.edges for saga in sagas}) == 20
    assert {len(actions(saga)) for saga in sagas} == {12}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chain:0", ["'0' for the N of chain:N", "from 1"]),
        ("chain:-1", ["'-1' for the N"]),
        ("chain:x", ["'x' for the N"]),
        ("chain:", ["'' for the N"]),
        ("chain:1.5", ["'1.5' for the N"]),
        ("chain:²", ["'²' for the N"]),
        ("chain:\u0661", ["for the N of chain:N"]),
        ("chain:10001", ["10001 actions", "at most 10000"]),
        ("chain:" + "9" * 5000, ["for the N of chain:N"]),
        ("fork-join:10000", ["10001 actions"]),
        ("ladder:5000x2", ["10001 actions"]),
        ("ladder:90x100", ["801990 edges", "at most 100000"]),
        ("ladder:999999999999999999x999999999999999999", ["actions", "at most 10000"]),
        ("random:999999999999999999:1", ["at most 10000"]),
        ("ladder:3", ["write ladder:WxD"]),
        ("ladder:0x3", ["'0' for the W"]),
        ("ladder:3x", ["'' for the D"]),
        ("random:3", ["write random:N:SEED"]),
        ("random:3:-1", ["'-1' for the SEED", "from 0"]),
        ("chain", ["write chain:N"]),
        ("chain:3:4", ["write chain:N"]),
        ("diamond:3", ["write diamond"]),
        ("chian:3", ["unknown family 'chian'", "did you mean chain"]),
        ("zzzzzz:3", ["unknown family 'zzzzzz'", "chain:N, fork-join:K"]),
        ("", ["unknown family ''"]),
    ],
)
def test_a_family_that_is_none_is_refused(text: str, words: list[str]) -> None:
    """The sentence names the number or the family, and how it is written."""
    with pytest.raises(InputError, match=".*".join(map(re.escape, words))):
        parse_family(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a>b,b>a", ["no cycle", "a (#1)", "b (#2)"]),
        ("a>b>c>a", ["no cycle"]),
        ("a>a", ["item 1", "a depend on itself"]),
        ("b,a>a", ["item 2", "a depend on itself"]),
        ("a>b,c>d,a>b", ["a>b stands there twice", "item 3"]),
        ("a,a", ["a stands there twice", "item 2"]),
        ("a>b,", ["item 2, ''", "lacks the name"]),
        ("a>", ["item 1, 'a>'", "lacks the name"]),
        (">", ["lacks the name"]),
        ("", ["lacks the name"]),
        ("a,,b", ["item 2"]),
        ("a->b", ["item 1", "'a-'", "letters"]),
        ("1>2", ["'1'", "a digit not first"]),
        ("ä>b", ["'ä'"]),
        ("a b>c", ["'a b'"]),
        ("start>a", ["'start'", "added by itself"]),
        ("a>end", ["'end'", "added by itself"]),
        (",".join(f"n{k}" for k in range(10_001)), ["10001 actions", "at most 10000"]),
    ],
)
def test_edges_that_are_none_are_refused(text: str, words: list[str]) -> None:
    """The sentence names the item and what is wrong with it."""
    with pytest.raises(InputError, match=".*".join(map(re.escape, words))):
        parse_edges(text)


def test_a_declared_action_may_have_edges_too() -> None:
    """Listing actions first settles their order."""
    assert actions(parse_edges("c,a,a>c")) == ["c", "a"]


@given(st.text(alphabet="ab>,-:x1 é\n", max_size=30) | st.text(max_size=30))
def test_any_text_gives_a_saga_or_a_sentence(text: str) -> None:
    """No text makes the parsers fail in another way."""
    for parse in (parse_family, parse_edges):
        with contextlib.suppress(InputError):
            saga = parse(text)
            assert [saga.select(label) for label in saga.labels] == list(range(len(saga.nodes)))


@given(st.sampled_from(["chain", "fork-join", "ladder", "random"]), st.integers(1, 30), st.integers(1, 30))
def test_every_small_family_is_a_saga(family: str, first: int, second: int) -> None:
    """All small numbers are accepted, and the saga bears the name of its family."""
    text = {"ladder": f"ladder:{first}x{second}", "random": f"random:{first}:{second}"}.get(family, f"{family}:{first}")
    assert parse_family(text).name == text
