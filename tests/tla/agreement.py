"""TLC and the explorer on the same model: verdicts, number of states, depth, and the state graph itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tlc

from sagacheck import DEADLOCK, Domain, GroundSpecification, Kind
from sagacheck._check import excluded_by
from sagacheck._domain import Design
from sagacheck._explore import Limits, Search
from sagacheck._itf import state_of
from sagacheck._liveness import find_lasso
from sagacheck._model import Model
from sagacheck._tla_commands import files_of
from sagacheck._tla_names import Names
from sagacheck._tlc_trace import parse_state

__all__ = ["Compared", "Found", "by_explorer", "by_tlc", "compare", "model"]

SMALL = 3_000  # states up to which the graphs themselves are compared


@dataclass
class Found:
    """What one of the two found.

    Attributes:
        states: how many distinct ones. depth: steps on the longest shortest path.
        verdicts: property -> whether it holds (one that must be reached: whether it is).
        graph: states, and (state, action, state) for each step; None where it was not asked for.
    """

    states: int
    depth: int
    verdicts: Mapping[str, bool]
    graph: tuple[set[int], set[tuple[int, str, int]]] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Compared:
    """The two on one model; `seconds` of TLC."""

    explorer: Found
    tlc: Found
    seconds: float


def model(domain: Domain, design: Design, structure: str, **environment: str) -> Model:
    """A model, in the default environment but for what is given."""
    options = {o.name: o.default for o in domain.environment}
    return Model(
        domain, None, design, structure, {**options, **{k.replace("_", "-"): v for k, v in environment.items()}}
    )


def by_explorer(m: Model, most: int | None = None) -> Found | None:
    """What the explorer finds; None where there are more states than that."""
    ground = GroundSpecification(m.specification(), m.load())
    specification, structure = ground.specification, ground.structure
    live = [p for p in specification.properties if not excluded_by(p, structure, specification.element)]
    search = Search(ground, [p for p in live if p.kind is not Kind.EVENTUALLY], Limits(most), DEADLOCK, to_the_end=True)
    search.run()
    if not search.complete:
        return None
    verdicts = {DEADLOCK.name: DEADLOCK.name not in search.found}
    for p in live:
        if p.kind is Kind.EVENTUALLY:
            verdicts[p.name] = find_lasso(search, p) is None
        else:
            verdicts[p.name] = (p.name in search.found) is (p.kind is Kind.SOMETIMES)
    actions = Names(specification).actions
    edges = {
        (state, actions[ground.steps[search.edge_step[e]].action.name], search.states[search.edge_target[e]])
        for n, state in enumerate(search.states)
        for e in range(search.edge_start[n], search.edge_start[n + 1])
    }
    return Found(len(search.states), len(search.levels) - 1, verdicts, (set(search.states), edges))


def by_tlc(m: Model, folder: Path, files: Mapping[str, str] | None = None, graph: bool = False) -> Found:
    """What TLC finds on the exported modules.

    Args:
        m: the model. folder: where the modules are written.
        files: the modules; what is exported, when None.
        graph: also the state graph.
    """
    specification, structure = m.specification(), m.load()
    made = dict(files_of(m, ()) if files is None else files)
    live = [p for p in specification.properties if not excluded_by(p, structure, specification.element)]
    names = Names(specification).properties
    lasting = [p for p in live if p.kind is Kind.EVENTUALLY]
    (main,) = [name.removesuffix(".cfg") for name in made if name.endswith(".cfg")]
    constants = made[f"{main}.cfg"].partition("INVARIANTS")[0]
    claims = {p.name: names[p.name] for p in live if p.kind is Kind.ALWAYS} | {DEADLOCK.name: DEADLOCK.name}
    claims |= {p.name: f"~{names[p.name]}" for p in live if p.kind is Kind.SOMETIMES}
    made["Judge.tla"] = _judge(main, claims)
    made["Judge.cfg"] = _config(constants, [names[p.name] for p in lasting])
    for name, text in made.items():
        (folder / name).write_text(text, "utf-8")
    options = ("-dump", "dot,actionlabels", "graph") if graph else ()
    said = tlc.run(folder, "Judge.tla", "Judge.cfg", "-lncheck", "final", *options)
    states = said.states
    against = {name for kind, name in said.told if kind == "against"}
    verdicts = {name: name not in against for name in claims}
    verdicts |= {p.name: p.name in against for p in live if p.kind is Kind.SOMETIMES}
    if not said.temporal_violation:
        assert "No error has been found" in said.text, said.text[-3000:]
    for p in lasting:
        if said.temporal_violation and len(lasting) > 1:  # TLC does not say which
            (folder / "One.cfg").write_text(_config(constants, [names[p.name]]), "utf-8")
            one = tlc.run(folder, "Judge.tla", "One.cfg", "-lncheck", "final")
            assert one.states == states
            verdicts[p.name] = not one.temporal_violation
        else:
            verdicts[p.name] = not said.temporal_violation
    return Found(
        states,
        said.depth - 1,
        verdicts,
        _graph(GroundSpecification(specification, structure), folder / "graph.dot") if graph else None,
    )


def _judge(main: str, claims: Mapping[str, str]) -> str:
    """A module that tells of each claim, once, that a state is against it, and goes on."""
    rows = [f'    /\\ ({c}) \\/ JudgeTells({i}, "{name}")' for i, (name, c) in enumerate(claims.items(), 101)]
    tells = '(TLCSet(judge_i, TRUE) /\\ PrintT(<<"against", judge_name>>))'
    told = f"JudgeTells(judge_i, judge_name) == TLCGet(judge_i) \\/ {tells}"
    registers = f"ASSUME \\A judge_i \\in 101..{100 + len(claims)} : TLCSet(judge_i, FALSE)"
    return "\n".join(["---- MODULE Judge ----", f"EXTENDS {main}", registers, told, "Judged ==", *rows, "===="])


def _config(constants: str, lasting: list[str]) -> str:
    properties = ["PROPERTIES", *lasting] if lasting else []
    return "\n".join([constants, "INVARIANTS TypeOK Judged", *properties, ""])


def _graph(ground: GroundSpecification, file: Path) -> tuple[set[int], set[tuple[int, str, int]]]:
    states: dict[str, int] = {}
    edges: set[tuple[int, str, int]] = set()
    for row in tlc.dumped(file):
        if len(row) == 2:
            states[row[0]] = state_of(ground, parse_state(row[1], ground), 0)
        else:
            edges.add((states[row[0]], row[1], states[row[2]]))
    return set(states.values()), edges


def compare(
    m: Model, folder: Path, files: Mapping[str, str] | None = None, small: int = SMALL, explorer: Found | None = None
) -> Compared:
    """Both on one model (`explorer`: what that has found already); the graphs where it is small."""
    explorer = explorer or by_explorer(m)
    assert explorer is not None
    began = time.monotonic()
    other = by_tlc(m, folder, files, graph=explorer.states <= small)
    if other.graph is None:
        explorer.graph = None
    return Compared(explorer, other, time.monotonic() - began)
