"""Sagas that are described in a few characters: families such as `chain:3`, and edges such as `a>b,a>c`.

Every action of theirs has an undo. Node 0 is the start, then come the actions in the order of their first mention,
then, where several of them have no child, one constant called `join` that joins these, and last the end. The start's
edges come first, then the edges between actions (those of a text in its order, those of a family child by child, the
parents in order), then those into the join, then the one into the end.

The number N of a family counts its actions. They are called a, b, ..., z, n26, n27, ...
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from sagacheck import InputError
from sagaspec._node import NodeKind, SagaNode
from sagaspec._saga import Saga
from sagaspec._text import close_matches, quoted

__all__ = ["FAMILY_FORMS", "is_edges", "is_family", "parse_edges", "parse_family"]

_MOST_NODES = 10_000
_MOST_EDGES = 100_000
_MOST_PARENTS = 3  # of a node of `random`

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHORT_NAME = re.compile(r"[a-z]|n[0-9]+")
_NUMBER = re.compile(r"[0-9]{1,18}")
_RESERVED = ("start", "end")

# Nodes and the edges between them, both by index.
Shape = tuple[int, Iterator[tuple[int, int]]]


def _chain(n: int) -> Shape:
    return n, pairwise(range(n))


def _fork_join(k: int) -> Shape:
    return k + 1, ((branch, k) for branch in range(k))


def _diamond() -> Shape:
    return 4, iter([(0, 1), (0, 2), (1, 3), (2, 3)])


def _ladder(width: int, layers: int) -> Shape:
    last = width * layers

    def edges() -> Iterator[tuple[int, int]]:
        for node in range(width, last + 1):
            layer = node // width
            yield from ((parent, node) for parent in range((layer - 1) * width, layer * width))

    return last + 1, edges()


def _random(n: int, seed: int) -> Shape:
    # Only `randrange` is used: it gives the same numbers for a seed in every version of Python and on every platform.
    rng = random.Random(seed)

    def edges() -> Iterator[tuple[int, int]]:
        for node in range(1, n):
            wanted = rng.randrange(min(node, _MOST_PARENTS) + 1)
            parents: set[int] = set()
            while len(parents) < wanted:
                parents.add(rng.randrange(node))
            yield from ((parent, node) for parent in sorted(parents))

    return n, edges()


# The name of a family -> its form, its numbers' separator and names, its shape.
_FAMILIES: dict[str, tuple[str, str, tuple[str, ...], Callable[..., Shape]]] = {
    "chain": ("chain:N", ":", ("N",), _chain),
    "fork-join": ("fork-join:K", ":", ("K",), _fork_join),
    "diamond": ("diamond", ":", (), _diamond),
    "ladder": ("ladder:WxD", "x", ("W", "D"), _ladder),
    "random": ("random:N:SEED", ":", ("N", "SEED"), _random),
}

FAMILY_FORMS: tuple[str, ...] = tuple(form for form, *_ in _FAMILIES.values())
"""How each family is written, for help texts."""


def is_family(text: str) -> bool:
    """Whether a text begins like a family that there is, well formed or not."""
    return text.split(":")[0].strip() in _FAMILIES


def is_edges(text: str) -> bool:
    """Whether a text is meant as edges: it has a `>` or a comma, or is one short name (`a`, `n26`)."""
    return ">" in text or "," in text or _SHORT_NAME.fullmatch(text.strip()) is not None


def parse_family(text: str) -> Saga:
    """Make the saga of a family.

    Args:
        text: `chain:N` (one after the other), `fork-join:K` (K in parallel, then one), `diamond` (one, two in parallel,
            one), `ladder:WxD` (D layers of W, each node after all of the layer before, then one) or `random:N:SEED`
            (each node after none to three of the earlier ones, the same for a seed on every platform).

    Returns:
        The saga; its name is the text without spaces and leading zeros.

    Raises:
        InputError: there is no such family; its numbers are missing, too many, or not whole numbers from 1 (SEED: from
            0); the saga would have more than 10000 actions or more than 100000 edges.
    """
    family, colon, rest = (part.strip() for part in text.partition(":"))
    if family not in _FAMILIES:
        alike = close_matches(family, _FAMILIES)
        remedy = f"did you mean {alike}" if alike else f"use one of {', '.join(FAMILY_FORMS)}"
        raise InputError(f"{quoted(text)} names the unknown family {quoted(family)}; {remedy}")
    form, separator, wanted, shape = _FAMILIES[family]
    given = rest.split(separator) if colon else []
    if len(given) != len(wanted):
        raise InputError(f"{quoted(text)} is not how the family {family} is written; write {form}")
    numbers = [_number(part.strip(), what, text, form) for part, what in zip(given, wanted, strict=True)]
    if family == "ladder":  # refuse before there is anything to count
        _check_size(numbers[0] * numbers[1] + 1, numbers[0] ** 2 * (numbers[1] - 1) + numbers[0], quoted(text))
    count, edges = shape(*numbers)
    _check_size(count, 0, quoted(text))
    name = ":".join([family, separator.join(map(str, numbers))] if numbers else [family])
    return _saga(name, [_action_name(index) for index in range(count)], list(edges), name)


def parse_edges(text: str) -> Saga:
    """Make the saga of a list of edges between actions.

    Args:
        text: items separated by commas, spaces allowed anywhere around names: `a>b` means that b depends on a, `a>b>c`
            is short for `a>b,b>c`, and `a` alone is an action that need not have edges. A name consists of ASCII
            letters, digits and underscores and does not begin with a digit.

    Returns:
        The saga; its name is the text without spaces.

    Raises:
        InputError: an item is empty or has no such name, a name is `start` or `end` (these nodes are added), an edge
            loops, an edge or a lone name stands there twice, the edges have a cycle, or there are more than 10000
            actions or 100000 edges.
    """
    place = f"edges {quoted(text)}"
    index: dict[str, int] = {}
    edges: list[tuple[int, int]] = []
    seen: set[tuple[str, ...]] = set()
    for position, item in enumerate(text.split(","), start=1):
        names = [name.strip() for name in item.split(">")]
        for name in names:
            _check_name(name, place, f"item {position}, {quoted(item.strip())}")
            index.setdefault(name, len(index))
        for found in pairwise(names) if len(names) > 1 else [tuple(names)]:
            if len(set(found)) < len(found):
                raise InputError(f"{place}: item {position} makes {found[0]} depend on itself; remove that edge")
            if found in seen:
                raise InputError(f"{place}: {'>'.join(found)} stands there twice; remove it from item {position}")
            seen.add(found)
        edges += ((index[parent], index[child]) for parent, child in pairwise(names))
    _check_size(len(index), len(edges), place)
    return _saga("".join(text.split()), list(index), edges, place)


def _check_name(name: str, place: str, item: str) -> None:
    if not name:
        raise InputError(f"{place}: {item}, lacks the name of a node; write items such as a>b, separated by commas")
    if name in _RESERVED:
        raise InputError(f"{place}: {item}, names the node {name!r}, which is added by itself; leave it out")
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{place}: {item}, has the name {quoted(name)}; use letters, digits and underscores, a digit not first"
        )


def _check_size(nodes: int, edges: int, place: str) -> None:
    for count, most, what in ((nodes, _MOST_NODES, "actions"), (edges, _MOST_EDGES, "edges")):
        if count > most:
            raise InputError(f"{place}: this saga would have {count} {what}; choose one with at most {most}")


def _number(part: str, what: str, text: str, form: str) -> int:
    least = 0 if what == "SEED" else 1
    if not _NUMBER.fullmatch(part) or int(part) < least:
        raise InputError(
            f"{quoted(text)} has {quoted(part)} for the {what} of {form}; give a whole number from {least}"
            + (" with at most 18 digits" if what == "SEED" else f" to {_MOST_NODES}")
        )
    return int(part)


def _action_name(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else f"n{index}"


def _saga(name: str, actions: list[str], edges: list[tuple[int, int]], place: str) -> Saga:
    """Put a start and an end around actions, and a join before the end where it is needed."""
    has_parent = {child for _, child in edges}
    has_child = {parent for parent, _ in edges}
    nodes = [SagaNode(NodeKind.START), *(SagaNode(NodeKind.ACTION, action, has_undo=True) for action in actions)]
    inner = [(parent + 1, child + 1) for parent, child in edges]
    roots = [(0, index + 1) for index in range(len(actions)) if index not in has_parent]
    leaves = [index + 1 for index in range(len(actions)) if index not in has_child]
    joined: list[tuple[int, int]] = []
    if len(leaves) > 1:
        join = len(nodes)
        nodes.append(SagaNode(NodeKind.CONSTANT, _free_name("join", set(actions))))
        joined = [(leaf, join) for leaf in leaves]
        leaves = [join]
    nodes.append(SagaNode(NodeKind.END))
    ends = [(leaf, len(nodes) - 1) for leaf in leaves]
    return Saga.build(name, nodes, [*roots, *inner, *joined, *ends], place)


def _free_name(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 0
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name
