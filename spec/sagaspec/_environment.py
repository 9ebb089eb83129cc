"""The environment and the structure: what may fail, how often the process may crash, on which saga.

A saga becomes a structure: its nodes, who depends on whom, and for each node whether its action and its undo action may
fail. Only action nodes fail; an action without an undo action has one that cannot fail and no effect to remove.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from sagacheck import InputError, Option, Structure
from sagaspec._document import document_of
from sagaspec._library import load_dag
from sagaspec._node import NodeKind
from sagaspec._saga import Saga
from sagaspec._state import MOST_CRASHES
from sagaspec._text import quoted

__all__ = ["ENVIRONMENT_OPTIONS", "load", "most_crashes", "structure_of"]

_COUNT = re.compile(r"0{0,9}[0-9]{1,3}")
_LONGEST_SHOWN = 60

ENVIRONMENT_OPTIONS = (
    Option("crashes", "N|any", "any", "how often the process may crash: any number of times, or at most N (0 to 255)"),
    Option(
        "fail",
        "NODES|any|none",
        "any",
        "which actions may fail: any, none, or node names, paths or #indexes with commas",
    ),
    Option("undo-fail", "NODES|any|none", "any", "which undo actions may fail, likewise"),
    Option("contract", "kept|dropped", "kept", "whether an action that fails leaves no effect, as the contract asks"),
)


def most_crashes(environment: Mapping[str, str]) -> int:
    """The greatest number of crashes; -1 for any.

    Raises:
        InputError: neither "any" nor a number from 0 to 255.
    """
    text = environment.get("crashes", "any")
    if text == "any":
        return -1
    if not _COUNT.fullmatch(text) or int(text) > MOST_CRASHES:
        raise InputError(f"--crashes {_shown(text)}: give `any`, or a number from 0 to {MOST_CRASHES}")
    return int(text)


def contract_kept(environment: Mapping[str, str]) -> bool:
    """Whether actions keep their contract. Raises InputError for another word than kept or dropped."""
    text = environment.get("contract", "kept")
    if text not in ("kept", "dropped"):
        raise InputError(f"--contract {_shown(text)}: give `kept` or `dropped`")
    return text == "kept"


def load(text: str, environment: Mapping[str, str]) -> Structure:
    """The structure of a saga, under an environment.

    Raises:
        InputError: no such saga, or an option that names no node, or a node that cannot fail.
    """
    return replace(structure_of(load_dag(text), environment), name=text)


def structure_of(saga: Saga, environment: Mapping[str, str]) -> Structure:
    """The structure of a saga; relations keep the order newest edge first. Raises InputError as `load` does."""
    everything = range(len(saga.nodes))
    actions = [saga.nodes[n].kind is NodeKind.ACTION for n in everything]
    has_undo = tuple(saga.nodes[n].has_undo and actions[n] for n in everything)
    may_fail = _chosen(saga, "fail", environment, actions, "is no action, so it cannot fail")
    may_fail_undo = _chosen(saga, "undo-fail", environment, has_undo, "has no undo action, so none that can fail")
    ancestors = _ancestors(saga)
    may_be_undone = tuple(actions[n] and _may_be_undone(n, may_fail, ancestors) for n in everything)
    stuck = tuple(may_fail_undo[n] and may_be_undone[n] for n in everything)
    return Structure(
        name=saga.name,
        labels=tuple(saga.label(n) for n in everything),
        relations={
            "parents": tuple(saga.parents(n) for n in everything),
            "children": tuple(saga.children(n) for n in everything),
            "ancestors": ancestors,
        },
        predicates={
            "is_action": tuple(actions),
            "has_undo": has_undo,
            "may_fail": may_fail,
            "may_fail_undo": may_fail_undo,
            "may_be_undone": may_be_undone,
            "effect_may_be_undone": tuple(u and may_be_undone[n] for n, u in enumerate(has_undo)),
            "may_get_stuck": stuck,
        },
        elements={"start": saga.start, "end": saga.end},
        document=document_of(saga),
    )


def _chosen(
    saga: Saga, option: str, environment: Mapping[str, str], possible: list[bool] | tuple[bool, ...], why: str
) -> tuple[bool, ...]:
    text = environment.get(option, "any")
    if text == "any":
        return tuple(possible)
    chosen: set[int] = set()
    for name in () if text == "none" else text.split(","):
        if not name.strip():
            raise InputError(f"--{option} {_shown(text)}: give `any`, `none`, or nodes with commas between them")
        try:
            n = saga.select(name.strip())
        except InputError as error:
            raise InputError(f"--{option} {_shown(text)}: {error}") from None
        if not possible[n]:
            raise InputError(f"--{option} {_shown(text)}: {saga.label(n)} {why}")
        chosen.add(n)
    return tuple(n in chosen for n in range(len(saga.nodes)))


def _shown(text: str) -> str:
    """A value as the user wrote it, where that is short and can be printed."""
    return text if text and text.isprintable() and len(text) <= _LONGEST_SHOWN else quoted(text)


def _ancestors(saga: Saga) -> tuple[tuple[int, ...], ...]:
    above: dict[int, set[int]] = {}
    for n in saga.topological:
        above[n] = set(saga.parents(n)).union(*[above[p] for p in saga.parents(n)])
    return tuple(tuple(sorted(above[n])) for n in range(len(saga.nodes)))


def _may_be_undone(n: int, may_fail: tuple[bool, ...], ancestors: tuple[tuple[int, ...], ...]) -> bool:
    """Whether n can have succeeded when some other action fails: one that is not an ancestor of n."""
    return any(fails and m != n and m not in ancestors[n] for m, fails in enumerate(may_fail))
