"""The sagas, and their actions, which keep to the contract.

An action takes up its own interrupted run, and one that fails leaves no effect; an undo action may run again too. So
whatever stands or is missing in the end is the executor's doing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from sagaref import ActionContext, ActionFailed, ActionRegistry, Dag, DagBuilder, Ending, action, constant, subsaga

from ._journal import DO_BEGUN, EFFECT, REMOVED, UNDO_BEGUN, Journal
from ._sites import Sites

__all__ = ["SCENARIOS", "Scenario", "World", "make_registry"]

# Seconds that a slow action takes: others can fail meanwhile, and that be recorded.
SLOW = 0.03


@dataclass
class World:
    """What actions find outside: the executor's resources.

    Attributes:
        journal, sites: of the process.
        begun: the sagas and nodes whose actions an earlier process began.
        random: of the process.
    """

    journal: Journal
    sites: Sites
    begun: set[tuple[str, int]]
    random: Random


async def _pause(context: ActionContext) -> None:
    """Let others go on, or not."""
    for _ in range(context.resources.random.randrange(3)):
        await asyncio.sleep(0)


def _act(context: ActionContext, what: str) -> None:
    world: World = context.resources
    world.journal.write(what, context.saga_id, context.node)


def _site(context: ActionContext, kind: str) -> None:
    world: World = context.resources
    world.sites.reach(f"action: {kind}", context.saga_id, context.node)


async def _take_effect(context: ActionContext) -> None:
    await _pause(context)
    _site(context, "before its effect")
    _act(context, EFFECT)
    _site(context, "after its effect")


async def _remove_effect(context: ActionContext, whose: str) -> None:
    await _pause(context)
    _site(context, f"before {whose} removal")
    _act(context, REMOVED)
    _site(context, f"after {whose} removal")


async def _do(context: ActionContext) -> str:
    _act(context, DO_BEGUN)
    await _take_effect(context)
    await _pause(context)
    return context.key


async def _do_slowly(context: ActionContext) -> str:
    _act(context, DO_BEGUN)
    await _take_effect(context)
    await asyncio.sleep(SLOW)
    _site(context, "before it returns")
    return context.key


async def _fail_at_once(context: ActionContext) -> str:
    _act(context, DO_BEGUN)
    raise ActionFailed("it is to fail")


async def _fail_late(context: ActionContext) -> str:
    """Fail after the effect, which an interrupted run may have left too."""
    _act(context, DO_BEGUN)
    await _take_effect(context)
    await _remove_effect(context, "its own")
    raise ActionFailed("it is to fail")


async def _fail_if_interrupted(context: ActionContext) -> str:
    if (context.saga_id, context.node) in context.resources.begun:
        return await _fail_late(context)
    return await _do_slowly(context)


async def _undo(context: ActionContext) -> None:
    _act(context, UNDO_BEGUN)
    if context.output != context.key:
        raise ActionFailed("the undo action was given another output than the one of its action")
    await _remove_effect(context, "the undo action's")


async def _undo_slowly(context: ActionContext) -> None:
    await _undo(context)
    await asyncio.sleep(SLOW)


async def _fail_to_undo(context: ActionContext) -> None:
    _act(context, UNDO_BEGUN)
    await _pause(context)
    raise ActionFailed("it is not to be undone")


_ACTIONS: dict[str, tuple[Callable[[ActionContext], Awaitable[str]], Callable[[ActionContext], Awaitable[None]]]] = {
    "plain": (_do, _undo),
    "slow": (_do_slowly, _undo_slowly),
    "fails": (_fail_at_once, _undo),
    "fails late": (_fail_late, _undo),
    "fails if interrupted": (_fail_if_interrupted, _undo),
    "sticks": (_do, _fail_to_undo),
}


def make_registry() -> ActionRegistry:
    """All actions."""
    registry = ActionRegistry()
    for name, (do, undo) in _ACTIONS.items():
        registry.register(name, do, undo)
    return registry


def _chain(how: dict[str, str]) -> DagBuilder:
    saga = DagBuilder("chain")
    for name in "abc":
        saga.append(action(name, how.get(name, "plain")))
    return saga


def _fork(how: dict[str, str]) -> DagBuilder:
    saga = DagBuilder("fork")
    saga.append(action("a", how.get("a", "plain")))
    saga.append_parallel(*(action(name, how.get(name, "plain")) for name in "bc"))
    saga.append(action("d", how.get("d", "plain")))
    return saga


def _nested(how: dict[str, str]) -> DagBuilder:
    inner = DagBuilder("inner")
    inner.append_parallel(*(action(name, how.get(name, "plain")) for name in "xy"))
    inner.append(action("z", how.get("z", "plain")))
    saga = DagBuilder("nested")
    saga.append(constant("params", {"of": "inner"}))
    saga.append_parallel(action("c", how.get("c", "plain")), subsaga("sub", inner, "params"))
    saga.append(action("d", how.get("d", "plain")))
    return saga


@dataclass(frozen=True)
class Scenario:
    """A saga and how it is to end.

    Attributes:
        name: of the shape, and what the actions do that is not plain.
        dag: the saga.
        endings: any of these is right.
    """

    name: str
    dag: Dag = field(repr=False, compare=False)
    endings: frozenset[Ending]


def _scenario(shape: Callable[[dict[str, str]], DagBuilder], how: dict[str, str], *endings: Ending) -> Scenario:
    dag = shape(how).build(make_registry())
    said = ", ".join(f"{node} {does}" for node, does in how.items()) or "all plain"
    return Scenario(f"{dag.name} ({said})", dag, frozenset(endings))


_SUCCEEDED, _UNWOUND, _STUCK = Ending.SUCCEEDED, Ending.UNWOUND, Ending.STUCK

SCENARIOS = (
    _scenario(_chain, {}, _SUCCEEDED),
    _scenario(_chain, {"c": "fails late"}, _UNWOUND),
    _scenario(_chain, {"b": "sticks", "c": "fails"}, _STUCK),
    _scenario(_fork, {}, _SUCCEEDED),
    _scenario(_fork, {"b": "slow", "c": "fails"}, _UNWOUND),
    _scenario(_fork, {"d": "fails late"}, _UNWOUND),
    _scenario(_fork, {"b": "sticks", "c": "slow", "d": "fails"}, _STUCK),
    _scenario(_fork, {"b": "fails if interrupted"}, _SUCCEEDED, _UNWOUND),
    _scenario(_nested, {}, _SUCCEEDED),
    _scenario(_nested, {"c": "slow", "z": "fails late"}, _UNWOUND),
    _scenario(_nested, {"x": "sticks", "d": "fails"}, _STUCK),
    _scenario(_nested, {"c": "slow", "x": "sticks", "z": "fails"}, _STUCK),
)
