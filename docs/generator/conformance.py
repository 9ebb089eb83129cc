"""docs/conformance.md: the protocol as its schemas have it; the requirements, and what each of them finds."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generator.block import Block, table
from sagacheck._narration import first_sentence
from sagacheck._requirements import Requirement
from sagacheck._requirements import requirements as all_requirements
from sagacheck._schedules import forbidden, unsafe_designs
from sagacheck._schema import schema
from sagaspec import domain

_ROOT = Path(__file__).resolve().parents[2]
sys.path.extend(str(_ROOT / room) for room in ("reference", "tests/reference"))

from requirement_mutants import KILLS, NOT_SEEN  # noqa: E402

__all__ = ["BLOCKS"]

_MESSAGES = ("hello", "load", "step", "end")
_SAGAS = ("chain:2", "fork-join:2")


# The protocol ---------------------------------------------------------------------------------------------------------


def protocol() -> str:
    """Every message and every reply, with its fields."""
    names = [name for message in _MESSAGES for name in (message, f"{message}-reply")]
    return "\n\n".join(_message(schema(f"protocol/{name}")) for name in (*names, "error"))


def _message(schema: Mapping[str, Any]) -> str:
    text = f"**{schema['title']}**: {schema['description']}"
    rows = list(_fields(schema, ""))
    return f"{text}\n\n{table(('field', 'type', '', 'meaning'), rows)}"


def _fields(schema: Mapping[str, Any], above: str) -> Iterator[tuple[str, ...]]:
    needed = schema.get("required", ())
    for name, field in schema["properties"].items():
        full = f"{above}{name}"
        yield f"`{full}`", _type(field), "" if name in needed else "optional", field.get("description", "")
        inner = field.get("items", {})
        if inner.get("type") == "object":
            yield from _fields(inner, f"{full}[].")


def _type(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return f'`"{field["const"]}"`'
    if "enum" in field:
        return " or ".join(f'`"{value}"`' for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(map(_type, field["anyOf"]))
    types = field.get("type", "anything")
    if isinstance(types, list):
        return " or ".join(types)
    if types == "array":
        return f"list of {_type(field['items'])}"
    more = field.get("additionalProperties")
    simple = isinstance(more, dict) and "anyOf" not in more
    return f"object of {_type(more)}" if types == "object" and simple else types


# The requirements -----------------------------------------------------------------------------------------------------


def capabilities() -> str:
    """What an implementation may declare."""
    conformance = domain.conformance
    assert conformance is not None
    own = {a.name for a in domain.specify(domain.design(domain.default).settings, {}).actions}
    rows = (
        (f"`{c.name}`", c.doc, ", ".join(f"`{s}`" for s in c.steps if s in own), ", ".join(c.properties))
        for c in conformance.capabilities
    )
    return table(("capability", "means", "without it these steps are not asked for", "and these say nothing"), rows)


def requirements() -> str:
    """Every requirement, with its reason and its source."""
    rows = (
        (
            f"`{r.name}`",
            r.claim,
            f"{r.because} ({r.source})",
            ", ".join(f"`{c}`" for c in r.capabilities),
            ", ".join(r.stands_for),
        )
        for r in _known()
    )
    return table(("requirement", "demands", "because", "needs", "what stands for it where it cannot be seen"), rows)


def broken() -> str:
    """What breaks each requirement."""
    breaks = _breaks()
    titles = ("requirement", "unsafe designs that break it", "mutant of the reference executor", "which is")
    return table(
        titles, ((f"`{r.name}`", ", ".join(f"`{d}`" for d in breaks[r.name]), *_mutant(r.name)) for r in _known())
    )


def _mutant(requirement: str) -> tuple[str, str]:
    """The one that a requirement kills first, or those that stand for it."""
    adapter = KILLS.get(requirement) or NOT_SEEN[requirement]
    text = first_sentence(adapter.__doc__ or "")
    if requirement in NOT_SEEN:
        text = f"nobody can see it from outside; what stands for it kills this one: {text}"
    return f"`{adapter.__name__.removesuffix('Adapter')}`", text


def _environment() -> dict[str, str]:
    return {option.name: option.default for option in domain.environment}


def _known() -> tuple[Requirement, ...]:
    return all_requirements(domain, domain.specify(domain.design(domain.default).settings, _environment()))


def _breaks() -> Mapping[str, list[str]]:
    """Requirement -> the unsafe designs with a forbidden schedule for it, on one of the small sagas."""
    environment = _environment()
    found: dict[str, list[str]] = defaultdict(list)
    structures = [domain.load(saga, environment) for saga in _SAGAS]
    for design in unsafe_designs(domain):
        schedules = [s for structure in structures for s in forbidden(domain, design, structure, environment, ())[0]]
        for name in dict.fromkeys(s.requirement for s in schedules):
            found[name].append(design.name.removeprefix("conforming "))
    return found


BLOCKS = (
    Block("protocol", protocol),
    Block("capabilities", capabilities),
    Block("requirements", requirements),
    Block("broken", broken),
)
