"""The machine of the stateful test: users create, run, look at, break, hold, kill and take over random sagas.

Each rule does one thing, lets everybody go on until nobody can, and then looks at everything; `saga_model` says what is
right. At the end everything comes to rest. On the public names of `sagaref` only.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from random_sagas import Shape, Work, builder, outputs, shapes, with_skips
from saga_model import Hand, Model, Violation, insist
from saga_world import Client, World, do, undo
from sagaref import (
    ActionRegistry,
    BuildError,
    CachedState,
    Event,
    Executor,
    Kind,
    MemoryStore,
    NoSuchSaga,
    PostgresStore,
    Retry,
    SagaExists,
    SagaRecord,
    SqliteStore,
    Store,
    Superseded,
    Unrecoverable,
    write_dag,
)

if TYPE_CHECKING:
    from postgres_server import PostgresServer

__all__ = ["Executions", "Place", "PostgresPlace", "SqlitePlace", "run"]

# Nobody waits for a clock: a call of the store is repeated at once.
AT_ONCE = Retry(first=0.0, attempts=9)
SAGAS = 3
NODES = st.integers(0, 99)
# The actions of which something is said, counted from the end of the saga: none, some, or all.
SOME = st.just(frozenset()) | st.frozensets(st.integers(0, 4), max_size=2)
ALL = SOME | st.just(frozenset(range(100)))
# A kind, a node, and how often its action, and its undo action, are to run.
FAULTS = st.tuples(
    st.sampled_from(["repeat", "repeat", "undo error", "undo error", "error"]),
    NODES,
    st.integers(1, 3),
    st.integers(1, 3),
)
Fault: TypeAlias = tuple[str, int, int, int]
# Whether a run succeeds; None: as planned.
FATES = st.sampled_from([None, None, None, True, False])


class Place:
    """Where the stores of one test are; each example begins in an empty one."""

    @contextmanager
    def example(self) -> Iterator[Callable[[], Store]]:
        """What makes a store object; they all have the same sagas."""
        store = MemoryStore()
        yield lambda: store


class SqlitePlace(Place):
    """A file."""

    @contextmanager
    def example(self) -> Iterator[Callable[[], Store]]:
        """See `Place.example`."""
        with tempfile.TemporaryDirectory() as directory:
            yield lambda: SqliteStore(Path(directory) / "sagas.db")


@dataclass
class PostgresPlace(Place):
    """A database."""

    server: PostgresServer
    database: str

    @contextmanager
    def example(self) -> Iterator[Callable[[], Store]]:
        """See `Place.example`."""
        with self.server.connect(self.database) as connection:
            connection.execute("DROP SCHEMA IF EXISTS sagaref CASCADE")
        yield lambda: PostgresStore(self.server.conninfo(self.database))


class Executions(RuleBasedStateMachine):
    """What users do to sagas."""

    place: ClassVar[Place] = Place()
    executor_class: ClassVar[type[Executor]] = Executor
    seen: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.example = self.place.example()
        self.new_store = self.example.__enter__()
        self.world = World(self.seen)
        self.reader = self.store()
        self.registry = ActionRegistry()
        self.number = itertools.count()
        self.client: Client

    # Helpers ------------------------------------------------------------------------------------------------------

    @initialize(hold=st.booleans(), hook=st.booleans())
    def begin(self, hold: bool, hook: bool) -> None:
        """The first executor."""
        self.world.hold_writes = hold
        self.add_client(hook)

    def store(self) -> Store:
        """A store object of its own."""
        self.world.stores.append(self.new_store())
        return self.world.stores[-1]

    def add_client(self, hook: bool) -> None:
        """Another executor, to which most of what follows is done."""
        self.client = client = Client(self.world, next(self.number), self.store())
        hooked = client.hook if hook or self.executor_class is not Executor else None
        client.executor = self.executor_class(client, self.registry, resources=client, hook=hooked, retry=AT_ONCE)
        self.world.clients.append(client)

    def hand(self, which: int) -> tuple[Model, Hand]:
        """A saga that the newest executor has, or had."""
        ids = sorted(self.client.hands)
        saga_id = ids[which % len(ids)]
        return self.world.models[saga_id], self.client.hands[saga_id]

    def has_hands(self) -> bool:
        """Whether there is one."""
        return bool(self.client.hands)

    def resume(self, client: Client, saga_id: str) -> None:
        """An executor resumes a saga, or has it already."""
        try:
            saga = self.world.run(client.executor.resume(saga_id))
        except Unrecoverable as error:
            raise Violation(f"not recovered: {error}") from error
        client.hands[saga_id].saga = saga

    def resume_all(self) -> None:
        """The newest executor resumes every saga that is not done."""
        open_ids = {record.saga_id for record in self.listed(100, unfinished=True)}
        resumed = self.world.run(self.client.executor.resume_all())
        insist(not resumed.failed, f"not recovered: {resumed.failed}")
        insist({saga.saga_id for saga in resumed.sagas} == open_ids, f"{open_ids} were not done: {resumed}")
        for saga in resumed.sagas:
            self.client.hands[saga.saga_id].saga = saga

    def listed(self, size: int, unfinished: bool) -> list[SagaRecord]:
        """What all pages say."""
        found: list[SagaRecord] = []
        while True:
            after = found[-1].saga_id if found else None
            page = self.world.run(self.client.executor.list(after=after, limit=size, unfinished=unfinished))
            insist(len(page) <= size, f"a page of {size} sagas: {page}")
            if not page:
                return found
            found += page

    def go(self, model: Model, hand: Hand) -> None:
        """Let everybody go who is held."""
        assert hand.saga is not None
        hand.let_go |= {self.held_worker(model, label) for label in hand.saga.status().held}
        hand.paused, hand.held = False, set()
        hand.saga.go()
        self.world.settle()

    def held_worker(self, model: Model, label: str) -> tuple[int, bool]:
        """The node of a label, and whether it is held before its undo action."""
        n = model.dag.select(label)
        return n, model.last()[n] in (Event.SUCCEEDED, Event.UNDO_STARTED)

    def run_on(self, order: random.Random) -> None:
        """Let everybody go on, in any order, until nobody can."""
        for _ in range(2000):
            if gates := self.world.gates:
                order.choice(gates).open()
                self.world.settle()
                continue
            holding = [
                (self.world.models[saga_id], hand)
                for client in self.world.clients
                for saga_id, hand in sorted(client.hands.items())
                if hand.saga is not None and not hand.saga.ended and hand.saga.status().held
            ]
            if not holding:
                return
            self.world.check(self.reader)
            for model, hand in holding:
                self.go(model, hand)
        insist(False, "sagas run on and on")

    def injected(self, model: Model, hand: Hand, fault: Fault) -> None:
        """Inject a fault into a saga that has not ended."""
        kind, node, do_count, undo_count = fault
        can = model.effectful if kind == "undo error" else model.expected.keys()
        n, saga = self.node_of(model, node, can if node % 8 else ()), hand.saga
        assert saga is not None
        if saga.ended:
            return
        inject = {
            "error": saga.inject_error,
            "undo error": saga.inject_undo_error,
            "repeat": lambda n: saga.inject_repeat(n, do=do_count, undo=undo_count),
        }[kind]
        if n not in can:
            with pytest.raises(BuildError):
                inject(n)
            return
        inject(model.dag.labels[n])
        hand.injected(kind, n, do_count)
        if kind == "repeat" and n in model.effectful:
            hand.injected("undo repeat", n, undo_count)

    def node_of(self, model: Model, node: int, wanted: Collection[int] = ()) -> int:
        """A node; one of those that are wanted, if there are such."""
        nodes = sorted(wanted) or range(len(model.dag.nodes))
        return nodes[node % len(nodes)]

    # Rules: sagas come and go on ----------------------------------------------------------------------------------

    @rule(
        shape=shapes(), params=st.none() | st.integers(0, 3) | st.just({"a": [1, "ß"]}),
        prefix=st.text("aZß~𝄞", max_size=2), skips=st.lists(st.tuples(NODES, NODES, NODES), max_size=6),
        faults=st.lists(FAULTS, max_size=2), fails=SOME, undo_fails=ALL, early=ALL, slow=ALL,
        start=st.booleans() | st.just(True),
    )  # fmt: skip
    @precondition(lambda self: len(self.world.models) < SAGAS)
    def create(
        self, shape: Shape, params: object, prefix: str, skips: list[tuple[int, int, int]],
        faults: list[Fault], fails: frozenset[int], undo_fails: frozenset[int], early: frozenset[int],
        slow: frozenset[int], start: bool,
    ) -> None:  # fmt: skip
        """Create a saga."""
        count = len(self.world.models)
        saga_id, name = f"{prefix}{count}", f"s{count}"
        dag = with_skips(builder(shape, name, self.registry, do, undo).build(self.registry, params), skips)
        actions, output = outputs(shape, name, params)
        expected = {n: actions[node.action] for n, node in enumerate(dag.nodes) if node.kind is Kind.ACTION}
        undoable = {n for n in expected if self.registry.get(dag.nodes[n].action).undo is not None}

        def some(indices: frozenset[int]) -> frozenset[int]:
            order = [n for n in reversed(dag.topological) if n in expected]
            return frozenset(order[i] for i in indices if i < len(order))

        self.world.models[saga_id] = Model(
            saga_id, dag, write_dag(dag), expected, output,
            some(fails), some(undo_fails), some(early), some(slow), frozenset(undoable),
        )  # fmt: skip
        saga = self.world.run(self.client.executor.create(dag, saga_id=saga_id))
        self.client.hands[saga_id] = Hand(self.client.number, saga)
        insist(saga.saga_id == saga_id and saga.dag == dag, f"another saga was created: {saga_id}")
        for fault in faults:
            self.injected(self.world.models[saga_id], self.client.hands[saga_id], fault)
        if start:
            self.world.run(saga.start())

    @precondition(has_hands)
    @rule(which=NODES)
    def start(self, which: int) -> None:
        """Start a saga; one that was started is left as it is."""
        _, hand = self.hand(which)
        assert hand.saga is not None
        self.world.run(hand.saga.start())

    @precondition(lambda self: self.world.gates)
    @rule(which=NODES, fate=FATES, more=st.integers(0, 3))
    def let(self, which: int, fate: bool | None, more: int) -> None:
        """Let somebody go on, or several."""
        for k in range(more + 1):
            if gates := self.world.gates:
                gates[(which + k) % len(gates)].open(fate)
        self.world.settle()

    @precondition(lambda self: self.world.gates)
    @rule(order=st.integers(0, 99))
    def let_all(self, order: int) -> None:
        """Let everybody go on until nobody can."""
        self.run_on(random.Random(order))

    @precondition(has_hands)
    @rule(which=NODES, order=st.integers(0, 99))
    def unwind(self, which: int, order: int) -> None:
        """Let everybody of a saga go on until an undo action runs; actions fail when there is enough to undo."""
        model, hand = self.hand(which)
        chance, enough = random.Random(order), 1 + order % 4
        for _ in range(200):
            gates = self.world.gates_of(hand, model.saga_id)
            if not gates or any(gate.what == "undo" for gate in gates):
                return
            gate = chance.choice(gates)
            gate.open(False if gate.what == "do" and len(model.effects) >= enough else None)
            self.world.settle()

    @rule(hold=st.booleans())
    def hold_writes(self, hold: bool) -> None:
        """From now on writes wait, or do not."""
        self.world.hold_writes = hold

    @rule(failure=st.sampled_from(["before", "after", "after", "before for good", "after for good"]))
    def store_fails(self, failure: str) -> None:
        """The next call of the store fails."""
        self.world.failure = failure

    # Rules: what users do -----------------------------------------------------------------------------------------

    @precondition(has_hands)
    @rule(which=NODES, fault=FAULTS)
    def inject(self, which: int, fault: Fault) -> None:
        """Inject a fault."""
        self.injected(*self.hand(which), fault)

    @precondition(has_hands)
    @rule(which=NODES, node=NODES, twice=st.booleans())
    def cancel(self, which: int, node: int, twice: bool) -> None:
        """Cancel what runs."""
        model, hand = self.hand(which)
        assert hand.saga is not None
        running = sorted(
            {g.node for g in self.world.gates_of(hand, model.saga_id) if g.what in ("do", "undo", "cleanup")}
        )
        n = running[node % len(running)] if running and node % 5 else self.node_of(model, node)
        hand.cancels[n] = hand.cancels.get(n, 0) + 1
        for _ in range(1 + twice):
            cancelled = hand.saga.cancel(n)
            insist(cancelled == (n in running), f"cancelling {n} says {cancelled}; what runs is {running}")
        self.world.settle()

    @precondition(has_hands)
    @rule(which=NODES)
    def pause(self, which: int) -> None:
        """Hold every node."""
        _, hand = self.hand(which)
        assert hand.saga is not None
        hand.saga.pause()
        hand.paused = True

    @precondition(has_hands)
    @rule(which=NODES, node=NODES, undo=st.booleans(), clear=st.booleans())
    def break_at(self, which: int, node: int, undo: bool, clear: bool) -> None:
        """Set a breakpoint, or clear it."""
        model, hand = self.hand(which)
        assert hand.saga is not None
        n = self.node_of(model, node)
        if clear:
            hand.saga.clear_break(n, undo=undo)
            hand.breaks.discard((n, undo))
        else:
            hand.saga.break_at(model.dag.labels[n], undo=undo)
            hand.breaks.add((n, undo))

    @precondition(has_hands)
    @rule(which=NODES, node=st.none() | NODES)
    def step(self, which: int, node: int | None) -> None:
        """Let one go that is held."""
        model, hand = self.hand(which)
        assert hand.saga is not None
        held = hand.saga.status().held
        label = None if node is None else held[node % len(held)] if held else "start"
        gone = hand.saga.step(label)
        insist(gone == (held[0] if label is None and held else label if held else None), f"{gone} went of {held}")
        if gone is not None:
            hand.let_go.add(self.held_worker(model, gone))
            hand.held.discard(gone)
            self.world.settle()

    @precondition(has_hands)
    @rule(which=NODES)
    def let_go(self, which: int) -> None:
        """End the pause."""
        self.go(*self.hand(which))

    @rule(size=st.integers(1, 4), unfinished=st.booleans())
    def list_sagas(self, size: int, unfinished: bool) -> None:
        """Pages, and `get`, say what was created."""
        found = self.listed(size, unfinished)
        records = [self.world.run(self.client.executor.get(saga_id)) for saga_id in sorted(self.world.models)]
        right = [record for record in records if not (unfinished and record.state is CachedState.DONE)]
        insist(found == right, f"listed (unfinished: {unfinished}) were {found}, not {right}")

    @precondition(has_hands)
    @rule(which=NODES)
    def ask_in_vain(self, which: int) -> None:
        """What there is not cannot be had, and changes nothing."""
        model, hand = self.hand(which)
        assert hand.saga is not None
        registry = ActionRegistry()
        other = builder(((Work(True),),), "other", registry, do, undo)
        executor = Executor(self.client, registry, retry=AT_ONCE)
        with pytest.raises(SagaExists):
            self.world.run(executor.create(other.build(registry), saga_id=model.saga_id))
        for call in (self.client.executor.get, self.client.executor.resume):
            with pytest.raises(NoSuchSaga):
                self.world.run(call("nobody"))
        for ask in (hand.saga.cancel, hand.saga.break_at, hand.saga.step, hand.saga.inject_error):
            with pytest.raises(BuildError):
                ask("nobody")

    # Rules: executors die, and others take over --------------------------------------------------------------------

    @rule(landed=st.frozensets(st.integers(0, 5)), resume=st.booleans() | st.just(True), hook=st.booleans())
    def crash(self, landed: frozenset[int], resume: bool, hook: bool) -> None:
        """The newest executor dies; some of what it was writing lands; another comes."""
        old, mine = self.client, [gate for gate in self.world.gates if gate.client == self.client.number]
        writes = [gate.write for gate in mine if gate.write is not None]
        for k, write in enumerate(writes):
            if k in landed:
                with contextlib.suppress(Superseded):
                    self.world.run(self.world.call(write()))
        old.close_soon()
        self.world.run(old.executor.close())
        self.world.check(self.reader)
        for hand in old.hands.values():
            assert hand.saga is not None
            insist(hand.saga.ended or not hand.generation, "a saga goes on when its executor has been closed")
        self.world.clients.remove(old)
        self.add_client(hook)
        if resume:
            self.resume_all()

    @precondition(lambda self: len(self.world.clients) < 3 and self.world.models)
    @rule(which=st.none() | NODES, hook=st.booleans())
    def take_over(self, which: int | None, hook: bool) -> None:
        """Another executor takes a saga, or all; the old one has to notice by itself."""
        self.add_client(hook)
        if which is None:
            self.resume_all()
        else:
            ids = sorted(self.world.models)
            self.resume(self.client, ids[which % len(ids)])

    @precondition(lambda self: self.world.models)
    @rule(client=NODES, which=NODES)
    def resume_one(self, client: int, which: int) -> None:
        """An executor resumes a saga: an old one too, and one that rests too."""
        ids, clients = sorted(self.world.models), self.world.clients
        self.resume(clients[client % len(clients)], ids[which % len(ids)])

    # Always -------------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_wrong(self) -> None:
        """What the model says."""
        self.world.check(self.reader)

    def teardown(self) -> None:
        """Everything comes to rest, and nothing is left over."""
        try:
            if sys.exc_info()[0] is None:
                for order in range(2):  # a saga that another executor has taken stops in the first round
                    self.world.failure = ""
                    self.resume_all()
                    self.run_on(random.Random(order))
                    self.world.check(self.reader)
                left = self.listed(100, unfinished=True)
                insist(not left, f"these do not come to rest: {left}")
                for saga_id in sorted(self.world.models):  # and what has come to rest says the same when it is resumed
                    self.resume(self.client, saga_id)
                self.run_on(random.Random(2))
                self.world.check(self.reader)
                self.world.close()
        finally:
            self.world.put_away()
            self.example.__exit__(None, None, None)


def run(budget: settings, place: Place, executor_class: type[Executor] = Executor) -> Counter[str]:
    """Run the machine in a place; what happened, and how often."""
    seen: Counter[str] = Counter()
    machine = type("Executions", (Executions,), {"place": place, "executor_class": executor_class, "seen": seen})
    run_state_machine_as_test(machine, settings=budget)
    return seen
