"""A domain: what an entry point supplies so that the command line can check specifications of one kind of thing.

A domain knows its design space (axes, named designs), its environment (options), how to load a structure, and how to
build a specification for a choice of all of these. The saga executor is the default domain; the engine knows none.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from sagacheck._conformance import Conformance
from sagacheck._errors import InputError
from sagacheck._specification import Specification
from sagacheck._structure import Structure

__all__ = ["Argument", "Axis", "Design", "Domain", "Option", "find_domain"]

GROUP = "sagacheck.specifications"


@dataclass(frozen=True)
class Axis:
    """One independent choice of a design: `--set name=value`."""

    name: str
    values: tuple[str, ...]
    doc: str


@dataclass(frozen=True)
class Design:
    """A point of the design space: a value for each axis; named, or described by its difference from a named one."""

    name: str
    settings: Mapping[str, str]
    doc: str = ""


@dataclass(frozen=True)
class Option:
    """An option of the command line that the domain reads: `--name VALUE`."""

    name: str
    metavar: str
    default: str
    doc: str


@dataclass(frozen=True)
class Argument:
    """Why the default design is right on every structure.

    Attributes:
        specify: as `Domain.specify`, with axioms, an invariant and lemmas.
        structures: small ones, as texts; counterexamples to the argument are looked for on them.
        environment: the options that mean something when no structure is named.
    """

    specify: Callable[[Mapping[str, str], Mapping[str, str]], Specification]
    structures: tuple[str, ...]
    environment: tuple[str, ...] = ()


@dataclass(frozen=True)
class Domain:
    """What an entry point of the group `sagacheck.specifications` supplies.

    Attributes:
        name, doc: of the specification. element: what an element is called ("node").
        axes, designs: the design space; `default` names the design that is checked unless told otherwise.
        structure: the option that names the structure to check on (`--dag`), its default the main example.
        table_structure: the structure for the table of designs.
        environment: further options; each reaches `load` and `specify` as text, by name.
        load: (structure text, environment) -> structure. Raises InputError.
        specify: (settings, environment) -> specification. Raises InputError.
        refuse: settings -> why this combination means nothing, or "".
        listing: the packaged structures: column titles, then rows.
        listing_name: the command that prints the listing ("sagas").
        conformance: how implementations are tested; None where they are not.
        argument: what `prove` proves without a bound; None where there is nothing.
        about: what is modelled, what is left out and why that is harmless: paragraphs for whoever reads the modules.
        terms: what the element and the relations, predicates and named elements of structures mean, by name.
    """

    name: str
    doc: str
    element: str
    axes: tuple[Axis, ...]
    designs: tuple[Design, ...]
    default: str
    structure: Option
    table_structure: str
    environment: tuple[Option, ...]
    load: Callable[[str, Mapping[str, str]], Structure]
    specify: Callable[[Mapping[str, str], Mapping[str, str]], Specification]
    refuse: Callable[[Mapping[str, str]], str] = field(default=lambda _settings: "")
    listing: Callable[[], tuple[tuple[str, ...], ...]] = field(default=lambda: ())
    listing_name: str = ""
    conformance: Conformance | None = None
    argument: Argument | None = None
    about: tuple[str, ...] = ()
    terms: Mapping[str, str] = field(default_factory=dict)

    def design(self, name: str, changes: Mapping[str, str] | None = None) -> Design:
        """The named design, changed on some axes; named by what it is.

        Raises:
            InputError: an unknown design, axis or value, or a combination that means nothing.
        """
        base = next((d for d in self.designs if d.name == name), None)
        if base is None:
            raise InputError(f"there is no design {name!r}" + _near(name, [d.name for d in self.designs]))
        settings = dict(base.settings)
        for axis_name, value in (changes or {}).items():
            axis = next((a for a in self.axes if a.name == axis_name), None)
            if axis is None:
                raise InputError(
                    f"--set {axis_name}={value}: there is no axis {axis_name!r}" + _near(axis_name, list(settings))
                )
            if value not in axis.values:
                choices = " or ".join(axis.values)
                raise InputError(f"--set {axis_name}={value}: the axis {axis_name!r} takes {choices}")
            settings[axis_name] = value
        reason = self.refuse(settings)
        if reason:
            raise InputError(reason)
        return self.named(settings, base)

    def named(self, settings: Mapping[str, str], base: Design) -> Design:
        """The design with these settings: a named one if there is one, else `base` with its differences."""
        for d in self.designs:
            if dict(d.settings) == dict(settings):
                return d
        changed = [f"{a}={v}" for a, v in settings.items() if base.settings[a] != v]
        return Design(f"{base.name} {' '.join(changed)}", dict(settings), "")

    def deviations(self) -> Iterator[Design]:
        """Each meaningful design one axis away from the default one, by axis."""
        base = self.design(self.default)
        for axis in self.axes:
            for value in axis.values:
                settings = {**base.settings, axis.name: value}
                if value != base.settings[axis.name] and not self.refuse(settings):
                    changed = f"{base.name} {axis.name}={value}"
                    yield Design(changed, settings, axis.doc)

    def combinations(self) -> Iterator[Design]:
        """Every meaningful combination."""
        base = self.design(self.default)
        for values in product(*(a.values for a in self.axes)):
            settings = dict(zip((a.name for a in self.axes), values, strict=True))
            if not self.refuse(settings):
                yield self.named(settings, base)


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"


def find_domain(name: str | None) -> Domain:
    """The domain of that name, or `module:object`; the default one for None.

    The default is the one that the distribution `sagacheck` itself supplies.

    Raises:
        InputError: there is none, or it cannot be imported, or it is no Domain.
    """
    found = importlib.metadata.entry_points(group=GROUP)
    if name is None:
        own = [e for e in found if e.dist is not None and e.dist.name == "sagacheck"]
        if not own:
            raise InputError(
                "no specification is installed; install sagacheck with pip, or name one with --spec module:object"
            )
        return _checked(own[0].load(), own[0].value)
    if ":" not in name:
        for entry in found:
            if entry.name == name:
                return _checked(entry.load(), entry.value)
        raise InputError(f"--spec {name}: no such specification is installed" + _near(name, [e.name for e in found]))
    module, _, attribute = name.partition(":")
    try:
        return _checked(getattr(importlib.import_module(module), attribute), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"--spec {name}: {error}") from None


def _checked(found: object, name: str) -> Domain:
    if not isinstance(found, Domain):
        raise InputError(f"--spec {name}: this is a {type(found).__name__}, not a sagacheck Domain")
    return found
