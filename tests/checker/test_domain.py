"""Domains: the design space that an entry point supplies, and how a specification is found."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import replace

import pytest

import mutex
from sagacheck import Axis, Design, Domain, InputError, find_domain


def _refuse(settings: Mapping[str, str]) -> str:
    return "hot soup is not eaten with fingers" if settings == {"soup": "hot", "with": "fingers"} else ""


SOUP = Domain(
    name="soup",
    doc="How to eat soup.",
    element="spoonful",
    axes=(Axis("soup", ("hot", "cold"), "its temperature"), Axis("with", ("spoon", "fork", "fingers"), "the tool")),
    designs=(
        Design("usual", {"soup": "hot", "with": "spoon"}, "As at home."),
        Design("brave", {"soup": "cold", "with": "fingers"}, "As on a mountain."),
    ),
    default="usual",
    structure=mutex.domain.structure,
    table_structure="2",
    environment=(),
    load=mutex.domain.load,
    specify=mutex.domain.specify,
    refuse=_refuse,
)


def test_a_named_design_is_found() -> None:
    """Without changes the design is the named one itself, with its docstring."""
    assert SOUP.design("brave") == SOUP.designs[1]


def test_a_changed_design_is_named_by_its_difference() -> None:
    """One that nobody named says what it differs in from the one that it was made of."""
    made = SOUP.design("usual", {"with": "fork"})
    assert made == Design("usual with=fork", {"soup": "hot", "with": "fork"}, "")


def test_a_change_that_leads_to_a_named_design_gives_that_one() -> None:
    """A design is named by what it is, not by how it was asked for."""
    assert SOUP.design("usual", {"soup": "cold", "with": "fingers"}).name == "brave"
    assert SOUP.design("usual", {"with": "spoon"}) is SOUP.designs[0]


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("usal", {}, "there is no design 'usal'; did you mean 'usual'?"),
        ("zzz", {}, "there is no design 'zzz'; there are usual, brave"),
        ("usual", {"wiht": "fork"}, "--set wiht=fork: there is no axis 'wiht'; did you mean 'with'?"),
        ("usual", {"zzz": "1"}, "--set zzz=1: there is no axis 'zzz'; there are soup, with"),
        ("usual", {"soup": "warm"}, "--set soup=warm: the axis 'soup' takes hot or cold"),
        ("usual", {"with": "fingers"}, "hot soup is not eaten with fingers"),
    ],
)
def test_what_does_not_exist_or_means_nothing_is_refused(name: str, changes: dict[str, str], sentence: str) -> None:
    """Design, axis and value are named with what there is; a meaningless combination says why."""
    with pytest.raises(InputError) as caught:
        SOUP.design(name, changes)
    assert str(caught.value) == sentence


def test_deviations_are_one_axis_away_and_mean_something() -> None:
    """In the order of axes and values; the default itself and what is refused are left out."""
    assert [d.settings for d in SOUP.deviations()] == [
        {"soup": "cold", "with": "spoon"},
        {"soup": "hot", "with": "fork"},
    ]
    assert [d.name for d in SOUP.deviations()] == ["usual soup=cold", "usual with=fork"]


def test_combinations_are_all_that_mean_something() -> None:
    """Five of the six, each once, named ones by their names."""
    found = list(SOUP.combinations())
    assert len({tuple(d.settings.items()) for d in found}) == len(found) == 5
    assert {"usual", "brave"} <= {d.name for d in found}
    assert all(not _refuse(d.settings) for d in found)


def test_a_domain_is_found_by_module_and_object() -> None:
    """`module:object` imports the module and takes the object."""
    assert find_domain("mutex:domain") is mutex.domain


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module_anywhere:domain", "No module named 'no_such_module_anywhere'"),
        ("mutex:nothing", "has no attribute 'nothing'"),
        ("mutex:", "attribute"),
        (":domain", "Empty module name"),
        ("mutex:State", "this is a type, not a sagacheck Domain"),
        ("mutex:specification", "this is a function, not a sagacheck Domain"),
        ("nobody-installed-this", "no such specification is installed"),
        ("", "no such specification is installed"),
    ],
)
def test_a_specification_that_cannot_be_found_is_bad_input(name: str, words: str) -> None:
    """Each sentence begins with the option as it was given."""
    with pytest.raises(InputError) as caught:
        find_domain(name)
    assert str(caught.value).startswith(f"--spec {name}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def _installed() -> bool:
    found = importlib.metadata.entry_points(group="sagacheck.specifications")
    return any(e.dist is not None and e.dist.name == "sagacheck" for e in found)


@pytest.mark.skipif(not _installed(), reason="sagacheck is not installed as a distribution")
def test_the_default_is_what_the_distribution_supplies() -> None:
    """Without a name, the specification of sagas; by its name, the same one."""
    assert find_domain(None) is find_domain("saga")


def test_without_an_installation_the_default_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no distribution supplies a specification, the sentence says what to do."""
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: ())  # noqa: ARG005
    with pytest.raises(InputError, match=r"no specification is installed; install sagacheck"):
        find_domain(None)


def test_a_domain_refuses_nothing_unless_told_to() -> None:
    """Without `refuse` every combination means something."""
    assert len(list(replace(SOUP, refuse=mutex.domain.refuse).combinations())) == 6
