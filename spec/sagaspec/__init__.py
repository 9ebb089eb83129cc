"""The specification of a durable saga executor, as a domain of sagacheck.

    _design         the space of designs
    _state          the variables, by owner
    _memory, _walk  what memory says, and what propagation does to it
    _jobs, _workers what a worker does; the steps of workers and store
    _loop           the executor's loop
    _recovery       crash, recovery, observer
    _properties     what must always hold
    _goals          what must be reached, sometimes and eventually
    _invariant      why it holds of every saga: axioms, an inductive invariant, lemmas
    _environment    what may fail; a saga as a structure
    _about          what is modelled and what is left out, for readers of modules that are made of it
    _conformance    how saga executors are tested against it
    _saga ...       sagas: the DAG, steno's JSON (_steno_json reads it, _document writes it), families, packaged ones

No engine is in here. Read `_state` first, then `_workers` with `_jobs`, and `_loop`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sagacheck import Argument, Domain, Option, Specification
from sagacheck.language import build
from sagaspec._about import ABOUT, TERMS
from sagaspec._conformance import CONFORMANCE
from sagaspec._design import AXES, CONFORMING, DESIGNS, Choices, refuse
from sagaspec._environment import ENVIRONMENT_OPTIONS, contract_kept, load, most_crashes, structure_of
from sagaspec._goals import GOALS, rest
from sagaspec._invariant import AXIOMS, INVARIANT, LEMMAS
from sagaspec._library import load_dag, sagas
from sagaspec._loop import LOOP, LOOP_AT_REST, STORE_OF_LOOP
from sagaspec._properties import PROPERTIES
from sagaspec._recovery import ENVIRONMENT, RECOVERY, rebuild
from sagaspec._saga import Saga
from sagaspec._state import GROUPS, State
from sagaspec._walk import test_parent
from sagaspec._workers import LOOP_LEARNS, STORE, WORKERS

__all__ = ["Saga", "domain", "load_dag", "sagas", "specify", "structure_of"]

_DOC = "A durable saga executor: what it may do, what may happen to it, and what must hold."
ACTIONS = (*WORKERS, *STORE, *LOOP, *LOOP_LEARNS, test_parent, *STORE_OF_LOOP, *LOOP_AT_REST, *RECOVERY, *ENVIRONMENT)


def specify(settings: Mapping[str, str], environment: Mapping[str, str], *, argument: bool = False) -> Specification:
    """The specification of one design in one environment.

    Args:
        settings: axis -> value, for every axis of `domain.axes`.
        environment: option -> text; see `domain.environment`. Missing ones have their defaults.
        argument: with the inductive argument that it is right.

    Raises:
        InputError: an option of the environment has a value that means nothing.
    """
    kept = contract_kept(environment)
    return build(
        name="saga",
        doc=_DOC,
        state=State,
        actions=ACTIONS,
        properties=(*PROPERTIES, *GOALS),
        rest=rest,
        initial=rebuild,
        parameters={"design": Choices.of(settings), "contract": kept, "most_crashes": most_crashes(environment)},
        recursion="children",
        element_name="node",
        groups=GROUPS,
        settings=settings,
        axioms=AXIOMS if argument else (),
        invariant=INVARIANT if argument else (),
        lemmas=LEMMAS if argument else (),
    )


def _listing() -> tuple[tuple[str, ...], ...]:
    rows: list[tuple[str, ...]] = [
        ("saga", "nodes", "edges", "actions", "with undo", "subsagas", "width", "depth", "source")
    ]
    for i in sagas():
        numbers = (i.nodes, i.edges, i.actions, i.with_undo, i.subsagas, i.width, i.depth)
        rows.append((i.name, *map(str, numbers), i.source))
    return tuple(rows)


domain = Domain(
    name="saga",
    doc=_DOC,
    element="node",
    axes=AXES,
    designs=DESIGNS,
    default=CONFORMING,
    structure=Option(
        "dag",
        "DAG",
        "demo_provision",
        "a packaged saga, chain:N, fork-join:K, diamond, ladder:WxD, random:N:SEED, edges (a>b,a>c), or a FILE.json",
    ),
    table_structure="fork-join:2",
    environment=ENVIRONMENT_OPTIONS,
    load=load,
    specify=specify,
    refuse=refuse,
    listing=_listing,
    listing_name="sagas",
    conformance=CONFORMANCE,
    argument=Argument(
        specify=lambda settings, environment: specify(settings, environment, argument=True),
        structures=("a", "a>b", "a,b", "a>b,a>c", "a>c,b>c"),
        environment=("contract", "crashes"),
    ),
    about=ABOUT,
    terms=TERMS,
)
