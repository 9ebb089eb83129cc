"""The sequence diagram keeps to Mermaid's syntax whatever the labels are, and has the lanes that people expect."""

from __future__ import annotations

import re

import pytest

import mutex
import oddities
from sagacheck import Domain, check
from sagacheck._mermaid import escape, trace_to_mermaid
from sagacheck._model import Model

_TEXT = r"(?:[^#;:\n%]|#\w+;)+"
_LINES = [
    r"%% [^{}\n]+",
    r"sequenceDiagram",
    rf"    participant L\d+ as {_TEXT}",
    rf"    L\d+->>L\d+: {_TEXT}",
    rf"    Note over L\d+(,L\d+)?: {_TEXT}",
    rf"    loop {_TEXT}",
    r"    end",
]
SYNTAX = re.compile("|".join(f"(?:{line})" for line in _LINES))


def diagram(domain: Domain, structure: str, name: str, **changes: str) -> list[str]:
    """The lines of the diagram of a counterexample."""
    environment = {o.name: o.default for o in domain.environment}
    model = Model(domain, None, domain.design(domain.default, changes), structure, environment)
    outcome = check(model.specification(), model.load(), properties=[name]).of(name)
    assert outcome.trace is not None
    return trace_to_mermaid(model, outcome.trace, outcome.property, outcome.element).splitlines()


@pytest.mark.parametrize("structure", ["a,b", "a;b,#end:", "end,<b>,100%% {x}", "x->>y,new line\there"])
@pytest.mark.parametrize("name", ["NeverNoted", "Nowhere", "Restarted", "NoDeadlock"])
def test_every_line_is_one_that_mermaid_reads(structure: str, name: str) -> None:
    """Whatever elements are called, each line is a participant, a message, a note or a loop."""
    for line in diagram(oddities.domain, structure, name):
        assert SYNTAX.fullmatch(line), line


def test_each_lane_is_declared_once_and_before_it_is_used() -> None:
    """Participants come first; nothing else is named."""
    lines = diagram(mutex.domain, "3", "MutualExclusion", taking="two-steps")
    declared = [m[1] for line in lines if (m := re.match(r"    participant (L\d+)", line))]
    used = {x for line in lines for x in re.findall(r"\bL\d+\b", line)}
    assert len(set(declared)) == len(declared)
    assert used == set(declared)
    last = max(i for i, line in enumerate(lines) if "participant" in line)
    assert last == 2 + len(declared)


def test_an_actor_that_acts_for_elements_has_a_lane_for_each() -> None:
    """Workers have a lane an element, the clock has one, and the second group of variables has one."""
    lines = diagram(oddities.domain, "a,b", "Restarted", ending="round")
    lanes = [line.partition(" as ")[2] for line in lines if "participant" in line]
    assert lanes == ["worker a", "ledger", "worker b", "clock"]


def test_a_loop_encloses_the_steps_that_are_taken_again_and_again() -> None:
    """The loop is opened once and closed once, after its steps."""
    lines = [x.strip() for x in diagram(oddities.domain, "a,b", "Restarted", ending="round")]
    start, end = lines.index("loop again and again, for ever"), lines.index("end")
    assert sum("switched" in line for line in lines[start:end]) == 2


def test_what_changes_the_second_group_is_an_arrow_to_its_lane() -> None:
    """The note says what changed there."""
    lines = [x.strip() for x in diagram(mutex.domain, "2", "MutualExclusion", taking="two-steps")]
    at = lines.index("L0->>L2: 3. a takes the lock that it saw free.")
    assert lines[at + 1] == "Note over L2: locked#58; False → True"


def test_the_last_note_says_what_is_wrong() -> None:
    """Across all lanes."""
    assert diagram(mutex.domain, "2", "MutualExclusion", taking="two-steps")[-1].endswith(": a is not alone inside")


def test_escaped_text_has_no_character_with_a_meaning() -> None:
    """Separators, comments, markup and line breaks."""
    assert escape("a;b#c:d\n<e>%") == "a#59;b#35;c#58;d #lt;e#gt;#37;"
