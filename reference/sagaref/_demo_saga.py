"""The saga of the demo: a virtual machine is provisioned; nodes and edges are those of the example of steno 0.4.1.

Its actions change a `World`, which stands for the services that real actions would call. It lives in this process, so
for a saga that another process began it is put together from the log.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sagaref._actions import ActionRegistry
from sagaref._builder import DagBuilder, action, constant, subsaga
from sagaref._context import ActionContext
from sagaref._dag import Dag
from sagaref._log import Event, LogEntry

__all__ = ["PARAMS", "World", "demo_actions", "demo_dag"]

PARAMS = {"instance_name": "fake-o-instance", "number_of_instances": 1}


def demo_dag(registry: ActionRegistry) -> Dag:
    """The DAG: 14 nodes, with a subsaga of two actions."""
    server = DagBuilder("server-alloc")
    server.append(action("server_id", "server_pick", "ServerPick"))
    server.append(action("server_reserve", "server_reserve", "ServerReserve"))

    saga = DagBuilder("DemoVmProvision")
    saga.append(action("instance_id", "instance_create", "InstanceCreate"))
    saga.append(constant("server_alloc_params", {"number_of_things": 1}))
    saga.append_parallel(
        action("instance_ip", "vpc_alloc_ip", "VpcAllocIp"),
        action("volume_id", "volume_create", "VolumeCreate"),
        subsaga("server_alloc", server, "server_alloc_params"),
    )
    saga.append(action("instance_configure", "instance_configure", "InstanceConfigure"))
    saga.append(action("volume_attach", "volume_attach", "VolumeAttach"))
    saga.append(action("instance_boot", "instance_boot", "InstanceBoot"))
    saga.append(action("print", "print", "Print"))
    return saga.build(registry, PARAMS)


class World:
    """What the actions have done, by saga and node label.

    Args:
        seconds: how long each run of an action or undo action takes.
    """

    def __init__(self, seconds: float = 0) -> None:
        self._seconds = seconds
        self._standing: dict[tuple[str, str], None] = {}
        self._asked: Counter[tuple[str, str]] = Counter()

    async def make(self, ctx: ActionContext) -> None:
        """Let the effect of this node stand. The second time it stands already, and nothing changes."""
        await self.work()
        self._asked[ctx.saga_id, ctx.label] += 1
        self._standing[ctx.saga_id, ctx.label] = None

    async def remove(self, ctx: ActionContext) -> None:
        """Take the effect of this node back. The second time it is gone already, and nothing changes."""
        await self.work()
        self._standing.pop((ctx.saga_id, ctx.label), None)

    async def work(self) -> None:
        """Take the time that a run takes."""
        if self._seconds:
            await asyncio.sleep(self._seconds)

    def recall(self, saga_id: str, dag: Dag, registry: ActionRegistry, log: Iterable[LogEntry]) -> None:
        """Put together what stands of a saga from its log."""
        for entry in log:
            name, label = dag.nodes[entry.node].action, dag.labels[entry.node]
            if entry.event is Event.SUCCEEDED and name in registry and registry.get(name).undo is not None:
                self._standing[saga_id, label] = None
            elif entry.event is Event.UNDO_FINISHED:
                self._standing.pop((saga_id, label), None)

    def shown(self, saga_id: str) -> str:
        """What stands of a saga, and how often it was asked for where that is more than once."""
        found = []
        for saga, label in self._standing:
            times = self._asked[saga, label]
            if saga == saga_id:
                found.append(f"{label} (asked for {times} times)" if times > 1 else label)
        return ", ".join(found) or "nothing"


def demo_actions() -> ActionRegistry:
    """The actions of the demo; `ctx.resources` is a `World`."""
    registry = ActionRegistry()

    async def remove(ctx: ActionContext) -> None:
        await ctx.resources.remove(ctx)

    @registry.action("instance_create", undo=remove)
    async def instance_create(ctx: ActionContext) -> Any:
        await ctx.resources.make(ctx)
        return {"instance": ctx.params["instance_name"]}

    @registry.action("vpc_alloc_ip", undo=remove, reads=["instance_id"])
    async def vpc_alloc_ip(ctx: ActionContext) -> Any:
        await ctx.resources.make(ctx)
        return {"ip": "172.30.0.5", "of": ctx.lookup("instance_id")["instance"]}

    @registry.action("volume_create", undo=remove, reads=["instance_id"])
    async def volume_create(ctx: ActionContext) -> Any:
        await ctx.resources.make(ctx)
        return {"volume": f"{ctx.lookup('instance_id')['instance']}-disk", "gib": 10}

    @registry.action("server_pick")
    async def server_pick(ctx: ActionContext) -> Any:
        await ctx.resources.work()
        return {"server": "server-7", "things": ctx.params["number_of_things"]}

    @registry.action("server_reserve", undo=remove, reads=["server_id"])
    async def server_reserve(ctx: ActionContext) -> Any:
        await ctx.resources.make(ctx)
        return {"reserved": ctx.lookup("server_id")["server"]}

    @registry.action("instance_configure", reads=["instance_ip", "volume_id", "server_alloc"])
    async def instance_configure(ctx: ActionContext) -> Any:
        await ctx.resources.work()
        return {
            "on": ctx.lookup("server_alloc")["reserved"],
            "ip": ctx.lookup("instance_ip")["ip"],
            "volume": ctx.lookup("volume_id")["volume"],
        }

    @registry.action("volume_attach", undo=remove, reads=["instance_configure"])
    async def volume_attach(ctx: ActionContext) -> Any:
        await ctx.resources.make(ctx)
        return {"attached": ctx.lookup("instance_configure")["volume"]}

    @registry.action("instance_boot", undo=remove, reads=["instance_configure"])
    async def instance_boot(ctx: ActionContext) -> Any:
        await ctx.resources.make(ctx)
        return {"booted_on": ctx.lookup("instance_configure")["on"]}

    @registry.action("print", reads=["instance_id", "instance_boot", "instance_ip"])
    async def show(ctx: ActionContext) -> Any:
        name, server = ctx.lookup("instance_id")["instance"], ctx.lookup("instance_boot")["booted_on"]
        return f"{name} runs on {server} at {ctx.lookup('instance_ip')['ip']}"

    return registry
