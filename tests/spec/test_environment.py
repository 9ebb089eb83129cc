"""The options of the environment: what they mean, and the sentences that refuse what means nothing."""

from __future__ import annotations

import pytest

from sagacheck import InputError
from sagaspec._environment import load, most_crashes


@pytest.mark.parametrize(("text", "most"), [("any", -1), ("0", 0), ("7", 7), ("007", 7), ("255", 255)])
def test_counts_of_crashes_are_read(text: str, most: int) -> None:
    """Any, or a number from 0 to 255."""
    assert most_crashes({"crashes": text}) == most


@pytest.mark.parametrize("text", ["", "-1", "256", "1.0", "many", "²", "٣", "9" * 5000, "0" * 5000, " 1", "1\n"])
def test_another_count_of_crashes_is_refused(text: str) -> None:
    """The sentence names the option and stays short."""
    with pytest.raises(InputError, match=r"^--crashes .*give `any`, or a number from 0 to 255") as refused:
        most_crashes({"crashes": text})
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("option", ["fail", "undo-fail"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'': give `any`, `none`, or nodes"),
        (",x", ",x: give `any`, `none`, or nodes"),
        ("nope", "nope: saga .* has no node 'nope'"),
        ("#99", "#99: saga .* has no node #99"),
        ("start", "start: start (is no action|has no undo action)"),
        ("9" * 5000, "'999.*has no node"),
    ],
)
def test_nodes_that_cannot_fail_are_refused_with_the_option(option: str, text: str, words: str) -> None:
    """Empty, unknown, out of range, no action: the sentence starts with the option and its value."""
    with pytest.raises(InputError, match=f"^--{option} {words}") as refused:
        load("demo_provision", {option: text})
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("option", ["fail", "undo-fail"])
def test_an_ambiguous_name_is_refused_with_the_option(option: str) -> None:
    """Two nodes of one name: the sentence names the option, and both."""
    with pytest.raises(InputError, match=rf"^--{option} no_result_1: .* could be any of 2 nodes"):
        load("snapshot_delete", {option: "no_result_1"})
