"""Claims about the list of all small DAGs that other tests run over."""

from __future__ import annotations

import networkx
import pytest

from sagaspec._library import load_dag
from sagaspec._node import NodeKind
from small_dags import all_small_dags


def _graph(text: str) -> networkx.DiGraph:
    saga = load_dag(text)
    graph = networkx.DiGraph()
    graph.add_nodes_from(n for n, node in enumerate(saga.nodes) if node.kind is NodeKind.ACTION)
    graph.add_edges_from(edge for edge in saga.edges if edge[0] in graph and edge[1] in graph)
    return graph


@pytest.mark.parametrize(("nodes", "shapes"), [(1, 1), (2, 2), (3, 6), (4, 31)])
def test_there_are_as_many_small_dags_as_the_literature_counts(nodes: int, shapes: int) -> None:
    """The numbers of unlabelled DAGs are 1, 2, 6, 31 (OEIS A003087)."""
    assert sum(len(_graph(text)) == nodes for text in all_small_dags()) == shapes


def test_no_two_small_dags_have_the_same_shape() -> None:
    """Each isomorphism class is listed once, as an independent library sees it."""
    graphs = [_graph(text) for text in all_small_dags()]
    alike = [(a, b) for i, a in enumerate(graphs) for b in graphs[:i] if networkx.is_isomorphic(a, b)]
    assert alike == []


def test_fewer_nodes_give_the_beginning_of_the_list() -> None:
    """A smaller bound leaves out the larger DAGs and changes nothing else."""
    assert all_small_dags(3) == all_small_dags(4)[:9]
    assert all_small_dags(3)[:4] == ("a", "a,b", "a>b", "a,b,c")
