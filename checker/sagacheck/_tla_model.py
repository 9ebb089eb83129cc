"""What TLC needs besides the module: an MC module with the constants of one structure, and a .cfg.

The MC module also lets TLC tell, while it goes from state to state, which of what has to be reached is reached.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sagacheck._check import DEADLOCK, excluded_by
from sagacheck._specification import Kind, Property
from sagacheck._structure import Structure
from sagacheck._tla_layout import RULE, WIDTH, boxed, comment, titled
from sagacheck._tla_module import Module
from sagacheck._tla_names import element_texts
from sagacheck._tla_shapes import filled
from sagacheck._tlc_trace import MODEL

__all__ = ["ModelFiles", "constants"]


def constants(module: Module, structure: Structure) -> list[tuple[str, list[str]]]:
    """Each constant of the module with its value, in lines."""
    names = module.names
    texts = [_string(t) for t in element_texts(structure, module.specification.element)]
    result = [(names.element, _set(texts))]
    for relation, name in names.relations.items():
        ordered = relation in names.ordered
        related = [[texts[i] for i in row] for row in structure.relations[relation]]
        shown = [f"<<{', '.join(r)}>>" if ordered else f"{{{', '.join(r)}}}" for r in related]
        lines = [f"{text} :> {row}{' @@' if i < len(texts) - 1 else ''}"
                 for i, (text, row) in enumerate(zip(texts, shown, strict=True))]  # fmt: skip
        result.append((names.in_order[relation] if ordered else name, lines))
    for predicate, name in names.predicates.items():
        members = [t for t, holds in zip(texts, structure.predicates[predicate], strict=True) if holds]
        result.append((name, _set(members)))
    result += [(name, [texts[structure.elements[known]]]) for known, name in names.elements.items()]
    return result


def _string(text: str) -> str:
    return f'"{text}"'


def _set(members: Sequence[str]) -> list[str]:
    words = [f"{m}{',' if i < len(members) - 1 else '}'}" for i, m in enumerate(members)] or ["}"]
    return filled("{", words, WIDTH - 4)


@dataclass
class ModelFiles:
    """The MC module and its .cfg.

    Attributes:
        module: the main module. structure: what it is checked on.
        header: paragraphs for the top of the MC module; the last says what wrote it.
        identity: what makes the model again, as JSON values.
    """

    module: Module
    structure: Structure
    header: Sequence[str]
    identity: dict[str, Any]

    def __post_init__(self) -> None:
        self.noted = self.module.names.add("Note"), self.module.names.add("Noted")

    @property
    def name(self) -> str:
        """The name of the MC module."""
        return f"MC{self.module.names.module}"

    def properties(self, kind: Kind) -> list[Property]:
        """The properties of a kind that are claimed of this structure."""
        s = self.module.specification
        return [p for p in s.properties if p.kind is kind and not excluded_by(p, self.structure, s.element)]

    def text(self) -> str:
        """The MC module."""
        names = self.module.names
        lines = [titled(self.name), *boxed(self.header)]
        lines += ["", f"EXTENDS {names.module}, Naturals, TLC", ""]
        for constant, value in constants(self.module, self.structure):
            if len(value) == 1:
                lines.append(f"MC{constant} == {value[0]}")
            else:
                lines += ["", f"MC{constant} ==", *(f"    {line}" for line in value), ""]
        lines = [line for i, line in enumerate(lines) if line or lines[i - 1]]  # one empty line at a time
        reached = self.properties(Kind.SOMETIMES)
        note, noted = self.noted
        i, what = names.free("i"), names.free("what")
        if reached:
            lines += [
                "",
                f"\\* What must be reached is told when it is; to TLC, {noted} is an invariant, and it is always true.",
                "\\* Register k remembers that the k-th of them is told; each worker of TLC has registers of its own.",
                f"ASSUME \\A {i} \\in 1..{len(reached)} : TLCSet({i}, FALSE)",
                "",
                f'{note}({i}, {what}) == TLCGet({i}) \\/ (TLCSet({i}, TRUE) /\\ PrintT(<<"reached", {what}>>))',
                "",
                f"{noted} ==",
                *(
                    f'    /\\ {names.properties[p.name]} => {note}({k}, "{names.properties[p.name]}")'
                    for k, p in enumerate(reached, 1)
                ),
            ]
        lines += ["", "\\* Which model this is; `sagacheck show` and `sagacheck replay` read it in what TLC prints."]
        said = MODEL + json.dumps(self.identity, sort_keys=True, separators=(",", ":"))
        lines += [f'ASSUME PrintT("{_escaped(said)}")', "", "=" * RULE, ""]
        return "\n".join(lines)

    def config(self) -> str:
        """The .cfg."""
        names = self.module.names
        lines = [
            f"\\* For {self.name}.tla. To be run with -deadlock, which tells TLC not to look for deadlocks itself:",
            f"\\* {DEADLOCK.name} says where a behaviour may end.",
            *comment(self.header[-1]),
            "SPECIFICATION Spec",
            "",
            "CONSTANTS",
        ]
        lines += [f"    {c} <- MC{c}" for c, _ in constants(self.module, self.structure)]
        if self.module.has_none:
            lines.append("    None = None")
        always = [names.properties[p.name] for p in self.properties(Kind.ALWAYS)]
        reached = self.properties(Kind.SOMETIMES)
        lines += ["", "INVARIANTS", "    TypeOK", *(f"    {n}" for n in always), f"    {DEADLOCK.name}"]
        lines += [f"    {self.noted[1]}"] if reached else []
        lasting = [names.properties[p.name] for p in self.properties(Kind.EVENTUALLY)]
        lines += ["", "PROPERTIES", *(f"    {n}" for n in lasting)] if lasting else []
        return "\n".join([*lines, ""])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
