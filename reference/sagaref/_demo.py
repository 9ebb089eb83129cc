"""`python -m sagaref demo`: a saga on SQLite, to look at, to run, to break and to recover.

Everything is said on standard output, in plain text; `__main__` turns errors into one sentence and an exit code.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from sagaref._cause import one_line
from sagaref._dag import Dag, Kind
from sagaref._demo_console import BadInput, Interrupted, complain, say
from sagaref._demo_log import SavedSaga, bring_into, read_saved, shown, write_saved
from sagaref._demo_saga import World, demo_actions, demo_dag
from sagaref._durable import Retry
from sagaref._errors import BuildError
from sagaref._executor import Executor
from sagaref._memory_store import MemoryStore
from sagaref._saga import Saga
from sagaref._sqlite import SqliteStore
from sagaref._status import Ending, SagaResult
from sagaref._steno_json import read_dag
from sagaref._store import SagaRecord
from sagaref._tree import Row, tree

__all__ = ["app"]

_ID = "demo-1"
# Half of the saga has run when this node is about to start.
_HALFWAY = "instance_configure"
# A store that stays locked is reported, and not waited for until somebody unlocks it.
_RETRY = Retry(attempts=5)
# And that in one sentence, without the warnings before it.
_SILENCE = logging.NullHandler()

app = typer.Typer(name="demo", add_completion=False, rich_markup_mode=None)

_DB = typer.Option(None, "--db", metavar="FILE", help="The SQLite file; a temporary one unless given.")
_SAGA_ID = typer.Option(None, "--saga-id", metavar="ID", help=f"Its id; {_ID}, or that of the log, unless given.")
_ERROR = typer.Option([], "--inject-error", metavar="NODE", help="This action is to fail; may be repeated.")
_UNDO_ERROR = typer.Option([], "--inject-undo-error", metavar="NODE", help="This undo action is to fail.")
_REPEAT = typer.Option([], "--inject-repeat", metavar="NODE", help="This action, and its undo, is to run twice.")
_RECOVER = typer.Option(None, "--recover-from", metavar="FILE", help="Go on from this dumped log; - is standard input.")
_DUMP = typer.Option(None, "--dump-to", metavar="FILE", help="Write the log to this file; - is standard output.")
_SECONDS = typer.Option(0.0, "--seconds", min=0, max=3600, metavar="S", help="How long each action takes.")
_QUIET = typer.Option(False, "--quiet", help="Say nothing; an error is said all the same.")


@dataclass(frozen=True)
class Faults:
    """What is to go wrong."""

    errors: tuple[str, ...] = ()
    undo_errors: tuple[str, ...] = ()
    repeats: tuple[str, ...] = ()

    def inject(self, saga: Saga) -> None:
        """Inject them all. Raises BadInput: there is no such node, or it is no action, or has no undo action."""
        try:
            for node in self.errors:
                saga.inject_error(node)
            for node in self.undo_errors:
                saga.inject_undo_error(node)
            for node in self.repeats:
                saga.inject_repeat(node, do=2, undo=2)
        except BuildError as error:
            dag = saga.dag
            actions = ", ".join(dag.labels[n] for n in dag.topological if dag.nodes[n].kind is Kind.ACTION)
            raise BadInput(f"{error}; the actions are {actions}") from None

    async def check(self, dag: Dag) -> None:
        """Refuse what cannot be injected, before anything is in a store. Raises as `inject` does, and BuildError."""
        async with Executor(MemoryStore(), demo_actions()) as executor:
            self.inject(await executor.create(dag))


@dataclass(frozen=True)
class Setting:
    """An open store, and an executor on it."""

    store: SqliteStore
    executor: Executor
    world: World
    quiet: bool = False

    def say(self, text: str = "") -> None:
        """Say it, unless nothing is to be said."""
        if not self.quiet:
            say(text)


@asynccontextmanager
async def _setting(file: Path, seconds: float = 0, quiet: bool = False) -> AsyncIterator[Setting]:
    store, world = SqliteStore(file), World(seconds)
    try:
        async with Executor(store, demo_actions(), resources=world, retry=_RETRY) as executor:
            yield Setting(store, executor, world, quiet)
    finally:
        await store.close()


@contextmanager
def _file(given: str | None) -> Iterator[Path]:
    """The file that was given, or one that is gone afterwards."""
    if given is not None:
        yield Path(given)
        return
    with tempfile.TemporaryDirectory(prefix="sagaref-demo-") as directory:
        yield Path(directory) / "sagas.db"


def _asyncio(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        raise Interrupted from None


# What every run does ------------------------------------------------------------------------------------------------


async def _create(setting: Setting, saga_id: str, faults: Faults, *, hold: bool = False) -> Saga:
    saga = await setting.executor.create(demo_dag(demo_actions()), saga_id=saga_id)
    faults.inject(saga)
    if hold:
        saga.break_at(_HALFWAY)
    await saga.start()
    return saga


async def _recover(setting: Setting, saga_id: str, faults: Faults) -> Saga:
    log = await setting.executor.log(saga_id)
    saga = await setting.executor.find(saga_id)
    faults.inject(saga)
    setting.world.recall(saga_id, saga.dag, demo_actions(), log)
    await saga.start()  # it runs from the next `await` on
    setting.say(f"recovered from {len(log)} events:\n{saga.status().tree()}\n")
    return saga


async def _to_the_end(setting: Setting, saga: Saga, *, log: bool = True) -> SagaResult:
    """Let the saga run, and say how it stands half-way, how it ended, and what its log is."""
    if await saga.wait_held():
        setting.say(f"half-way:\n{saga.status().tree()}\n")
        saga.go()
    result = await saga.wait()
    setting.say(f"at rest:\n{saga.status().tree()}\n")
    setting.say(_told(result))
    setting.say(f"what stands: {setting.world.shown(saga.saga_id)}")
    if log:
        entries = await setting.executor.log(saga.saga_id)
        setting.say(f"\nlog: {len(entries)} events\n{shown(saga.dag, entries)}")
    return result


def _told(result: SagaResult) -> str:
    lines = [f"result: {result.ending.value}"]
    if result.ending is Ending.SUCCEEDED:
        lines.append(f"output: {one_line(str(result.output))}")
    for what, failure in (("failed", result.failure), ("undo failed", result.undo_failure)):
        if failure is not None:
            lines.append(one_line(f"{what}: {failure.label}: {failure.error}: {failure.message}"))
    return "\n".join(lines)


# The commands -------------------------------------------------------------------------------------------------------


@app.callback(invoke_without_command=True)
def tour(context: typer.Context) -> None:
    """A virtual machine is provisioned by a saga on SQLite. Without a command: a tour of what can happen to it."""
    logging.getLogger("sagaref").addHandler(_SILENCE)
    if context.invoked_subcommand is None:
        with _file(None) as file:
            _asyncio(_tour(file))


@app.command()
def info() -> None:
    """Print the DAG as a tree: which nodes can be undone, and what each depends on."""
    say(_info())


@app.command()
def dot() -> None:
    """Print the DAG in the language of Graphviz."""
    say(_dot(demo_dag(demo_actions())))


@app.command()
def run(
    db: str | None = _DB,
    saga_id: str | None = _SAGA_ID,
    inject_error: list[str] = _ERROR,
    inject_undo_error: list[str] = _UNDO_ERROR,
    inject_repeat: list[str] = _REPEAT,
    recover_from: str | None = _RECOVER,
    dump_to: str | None = _DUMP,
    seconds: float = _SECONDS,
    quiet: bool = _QUIET,
) -> None:
    """Run the saga, from its beginning or from a dumped log, and print what became of it."""
    _check_seconds(seconds)
    if saga_id is not None and not (saga_id and saga_id.isprintable()):
        raise BadInput("--saga-id: give one or more printable characters")
    faults = Faults(tuple(inject_error), tuple(inject_undo_error), tuple(inject_repeat))
    saved = None if recover_from is None else read_saved(recover_from)
    with _file(db) as file:
        _asyncio(_run(file, saga_id, faults, saved, dump_to, seconds, quiet))


@app.command()
def resume(
    db: str = typer.Argument(metavar="FILE", help="The SQLite file of an earlier run."), seconds: float = _SECONDS
) -> None:
    """Resume every unfinished saga of a SQLite file, as a process does that starts after a crash.

    Of each that cannot be resumed a sentence says why, and then the exit code is 2.
    """
    _check_seconds(seconds)
    if not Path(db).is_file():
        raise BadInput(f"{db} is no file; name the one that was given to run --db")
    _asyncio(_resume(Path(db), seconds))


@app.command("print-log")
def print_log(file: str = typer.Argument(metavar="FILE", help="A dumped log; - is standard input.")) -> None:
    """Print a dumped log, an event a line."""
    saved = read_saved(file)
    say(f"saga {saved.saga_id} ({saved.dag.name}): {len(saved.log)} events")
    if saved.log:
        say(shown(saved.dag, saved.log))


def _check_seconds(seconds: float) -> None:
    if math.isnan(seconds):
        raise BadInput("--seconds: nan is no number of seconds")


async def _run(
    file: Path,
    saga_id: str | None,
    faults: Faults,
    saved: SavedSaga | None,
    dump_to: str | None,
    seconds: float,
    quiet: bool,
) -> None:
    await faults.check(demo_dag(demo_actions()) if saved is None else saved.dag)
    async with _setting(file, seconds, quiet) as setting:
        if saved is None:
            saga = await _create(setting, _ID if saga_id is None else saga_id, faults, hold=True)
        else:
            chosen = saved.saga_id if saga_id is None else saga_id
            await bring_into(setting.store, chosen, saved)
            saga = await _recover(setting, chosen, faults)
        await _to_the_end(setting, saga)
        if dump_to is not None:
            log = await setting.executor.log(saga.saga_id)
            write_saved(dump_to, SavedSaga(saga.saga_id, saga.dag, log))
            setting.say(f"\nthe log is in {'standard output' if dump_to == '-' else dump_to}")


async def _resume(file: Path, seconds: float) -> None:
    async with _setting(file, seconds) as setting:
        after: str | None = None
        while page := await setting.executor.list(after=after, unfinished=True):
            for record in page:
                await _recall(setting, record)
            after = page[-1].saga_id
        resumed = await setting.executor.resume_all()
        setting.say(f"resumed: {', '.join(saga.saga_id for saga in resumed.sagas) or 'nothing'}\n")
        for saga in resumed.sagas:
            await _to_the_end(setting, saga, log=False)
    failed = list(resumed.failed.values())
    for error in failed[:-1]:
        complain(str(error))
    if failed:
        raise failed[-1]


async def _recall(setting: Setting, record: SagaRecord) -> None:
    """Put together what stands of a saga; of one that cannot be read nothing does, and resuming it will say why."""
    log = await setting.executor.log(record.saga_id)
    with suppress(BuildError):
        setting.world.recall(record.saga_id, read_dag(record.dag), demo_actions(), log)


# The DAG ------------------------------------------------------------------------------------------------------------


def _info() -> str:
    registry = demo_actions()
    dag = demo_dag(registry)
    rows = {}
    for n, node in enumerate(dag.nodes):
        text = f"{dag.labels[n]}: {node.label}" if node.label else dag.labels[n]
        undo = "undo" if node.action and registry.get(node.action).undo is not None else "-"
        parents = ", ".join(dag.labels[p] for p in sorted(dag.parents[n]))
        rows[n] = Row(text, undo, parents and f"after {parents}")
    head = f"saga {dag.name}: {len(dag.nodes)} nodes, parameters {json.dumps(dag.nodes[dag.start].value)}"
    return "\n".join((head, *tree(dag, rows)))


def _dot(dag: Dag) -> str:
    lines = [f'digraph "{dag.name}" {{']
    for n, label in enumerate(dag.labels):
        text = dag.nodes[n].label or label
        shape = "box" if dag.nodes[n].kind is Kind.ACTION else "ellipse"
        lines.append(f'    n{n} [label="{text}", shape={shape}];')
    lines += [f"    n{parent} -> n{child};" for parent, child in dag.edges]
    return "\n".join([*lines, "}"])


# The tour -----------------------------------------------------------------------------------------------------------

_PART = 14
_MISHAPS = (
    ("demo-3", "4. An action fails, and the saga unwinds", Faults(errors=("instance_boot",))),
    ("demo-4", "5. An action runs twice, and nothing stands twice", Faults(repeats=("volume_id",))),
    (
        "demo-5",
        "6. An undo action fails as well, and the saga is stuck",
        Faults(errors=("instance_boot",), undo_errors=("instance_ip",)),
    ),
)


async def _tour(file: Path) -> None:
    say("=== 1. The saga ===\n")
    say(_info())
    async with _setting(file) as setting:
        say("\n=== 2. It runs, and is looked at half-way ===\n")
        await _to_the_end(setting, await _create(setting, "demo-1", Faults(), hold=True))
        log = await setting.executor.log("demo-1")

    say(f"\n=== 3. Only {_PART} events of its log are left, and another executor recovers it ===\n")
    dump = str(file.with_name("log.jsonl"))
    write_saved(dump, SavedSaga("demo-1", demo_dag(demo_actions()), log[:_PART]))
    async with _setting(file) as setting:
        await bring_into(setting.store, "demo-2", read_saved(dump))
        await _to_the_end(setting, await _recover(setting, "demo-2", Faults()), log=False)

        for saga_id, title, faults in _MISHAPS:
            say(f"\n=== {title} ===\n")
            await _to_the_end(setting, await _create(setting, saga_id, faults), log=False)

        say("\n=== What the store has ===\n")
        for record in await setting.executor.list():
            say(f"{record.saga_id}  {record.name}  {record.state.value}  generation {record.generation}")
