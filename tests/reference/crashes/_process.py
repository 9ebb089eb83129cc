"""One process: it recovers what the store has, runs it, and says how it ended, unless it is killed before."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import NoReturn

from sagaref import Executor, NoSuchSaga, Saga, SagaError

from ._journal import DO_BEGUN, Journal, read_journal
from ._places import Place
from ._sagas import Scenario, World, make_registry
from ._sites import AfterSeconds, Kill, Site, Sites
from ._variants import Variant
from ._watched import WatchedStore

__all__ = ["HUNG", "Job", "Rest", "run_process"]

# Seconds after which a process that should have come to rest counts as hanging, and is killed.
PATIENCE = 60.0
HUNG = "the process hung"


@dataclass(frozen=True)
class Job:
    """What every process of a life is to do.

    Attributes:
        home: a directory, for the journal and for what a process says at its end.
        place, variant: the store and the executor.
        sagas: saga id -> what it is; those that the store does not have are created.
        seed: of the life.
    """

    home: Path
    place: Place
    variant: Variant
    sagas: Mapping[str, Scenario]
    seed: str

    @property
    def journal(self) -> Path:
        """The file of the journal."""
        return self.home / "journal"


@dataclass(frozen=True)
class Rest:
    """What a process says that was not killed.

    Attributes:
        endings: saga id -> the name of its ending; of those that came to rest.
        errors: saga id -> why it did not come to rest.
        sites: that the process came to, in order.
        seconds: from the fork to the end.
    """

    endings: dict[str, str]
    errors: dict[str, str]
    sites: list[Site]
    seconds: float


def run_process(job: Job, number: int, kill: Kill | None) -> Rest | None:
    """Fork a process, and wait for its end.

    Returns:
        What it said; None if it was killed, as it was to be.

    Raises:
        RuntimeError: it failed; its traceback is on standard error.
    """
    said = job.home / "rest"
    said.unlink(missing_ok=True)
    begun = time.monotonic()
    pid = os.fork()
    if not pid:
        _be_the_process(job, number, kill, said)
    status = _wait(pid, kill.seconds if isinstance(kill, AfterSeconds) else PATIENCE)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        if kill is None or time.monotonic() - begun > PATIENCE:
            return Rest({}, dict.fromkeys(job.sagas, HUNG), [], PATIENCE)
        return None
    if status:
        raise RuntimeError(f"process {number} of life {job.seed} failed; see its traceback")
    values = json.loads(said.read_text())
    sites = [Site(**site) for site in values["sites"]]
    return Rest(values["endings"], values["errors"], sites, time.monotonic() - begun)


def _wait(pid: int, seconds: float) -> int:
    """The status of the process, which is killed after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        left = end - time.monotonic()
        if left <= 0:
            os.kill(pid, signal.SIGKILL)  # it has not been waited for, so no other process has this id
            return os.waitpid(pid, 0)[1]
        time.sleep(min(left, 0.001))


def _be_the_process(job: Job, number: int, kill: Kill | None, said: Path) -> NoReturn:
    code = 1
    try:
        rest = asyncio.run(_run(job, number, kill))
        said.write_text(json.dumps(rest))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


async def _run(job: Job, number: int, kill: Kill | None) -> dict[str, object]:
    begun = {(line.saga, line.node) for line in read_journal(job.journal) if line.what == DO_BEGUN}
    journal = Journal(job.journal, number)
    random = Random(f"{job.seed} {number}")
    sites = Sites(kill, journal, random)
    world = World(journal, sites, begun, random)
    store = WatchedStore(job.variant.store(job.place.store()), sites, journal)
    endings: dict[str, str] = {}
    errors: dict[str, str] = {}
    async with job.variant.executor(store, make_registry(), resources=world, hook=sites.hook) as executor:
        resumed = await executor.resume_all()
        errors |= {saga_id: str(error) for saga_id, error in resumed.failed.items()}
        running = {saga.saga_id: saga for saga in resumed.sagas}
        for saga_id, scenario in job.sagas.items():
            if saga_id not in running and saga_id not in errors:
                try:
                    running[saga_id] = await _begin(executor, saga_id, scenario)
                except SagaError as error:
                    errors[saga_id] = str(error)
        for saga_id, saga in running.items():
            try:
                endings[saga_id] = (await saga.wait()).ending.value
            except SagaError as error:
                errors[saga_id] = str(error)
    await store.close()
    return {"endings": endings, "errors": errors, "sites": [asdict(site) for site in sites.reached]}


async def _begin(executor: Executor, saga_id: str, scenario: Scenario) -> Saga:
    """Start a saga that the store does not have; one that it has as Done is recovered too, for its result."""
    try:
        return await executor.resume(saga_id)
    except NoSuchSaga:
        saga = await executor.create(scenario.dag, saga_id=saga_id)
        await saga.start()
        return saga
