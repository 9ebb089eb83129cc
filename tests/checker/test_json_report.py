"""The report for programs fits its schema, which allows nothing else, and says what the text says."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

import mutex
import oddities
from sagacheck import Domain, Limits, check
from sagacheck._json_report import report_json
from sagacheck._model import Model
from sagacheck._schema import schema


def report(domain: Domain, structure: str, limits: Limits | None = None, **changes: str) -> dict[str, Any]:
    """The report on a model, read back."""
    environment = {o.name: o.default for o in domain.environment}
    model = Model(domain, None, domain.design(domain.default, changes), structure, environment)
    result = check(model.specification(), model.load(), limits=limits)
    found: dict[str, Any] = json.loads(report_json(model, result, limits or Limits()))
    return found


@pytest.mark.parametrize("name", ["report", "designs"])
def test_the_schemas_are_schemas_that_allow_nothing_else(name: str) -> None:
    """They are valid themselves, and each of their objects closes its list of properties or gives the type of all."""
    found = schema(name)
    Draft202012Validator.check_schema(found)

    def objects(part: Any) -> list[dict[str, Any]]:
        inner = [
            x
            for v in (part.values() if isinstance(part, dict) else part)
            if isinstance(v, dict | list)
            for x in objects(v)
        ]
        return [part, *inner] if isinstance(part, dict) and part.get("type") == "object" else inner

    every = objects(found)
    assert len(every) > 4
    for part in every:
        closed = part["additionalProperties"] is False and set(part["required"]) == set(part["properties"])
        assert closed or (isinstance(part["additionalProperties"], dict) and "properties" not in part)


@pytest.mark.parametrize(
    "made",
    [
        report(mutex.domain, "3"),
        report(mutex.domain, "3", taking="two-steps"),
        report(mutex.domain, "9", Limits(1, 5.0, 1 << 40)),
        report(oddities.domain, "a;b,#end:"),
        report(oddities.domain, "a,b", ending="round"),
    ],
    ids=["holds", "violated", "undetermined", "odd", "loops"],
)
def test_each_kind_of_report_fits_the_schema(made: dict[str, Any]) -> None:
    """Holds, violated, undetermined, not checked, with and without traces and loops."""
    Draft202012Validator(schema("report")).validate(made)


def test_a_report_that_is_changed_does_not_fit_the_schema() -> None:
    """The schema notices a key too many, one too few, and a verdict that there is not."""
    validator = Draft202012Validator(schema("report"))
    good = report(mutex.domain, "2", taking="two-steps")
    validator.validate(good)
    for path in (
        [],
        ["exploration"],
        ["properties", 0],
        ["properties", 0, "trace"],
        ["properties", 0, "trace", "steps", 0],
    ):
        for extra in (True, False):
            bad = copy.deepcopy(good)
            part: Any = bad
            for key in path:
                part = part[key]
            if extra:
                part["surprise"] = 1
            else:
                del part[next(iter(part))]
            with pytest.raises(ValidationError):
                validator.validate(bad)
    good["verdict"] = "probably"
    with pytest.raises(ValidationError):
        validator.validate(good)


def test_a_violated_report_says_which_property_and_how() -> None:
    """Verdicts, the trace, counts and the model."""
    made = report(mutex.domain, "3", taking="two-steps")
    assert (made["verdict"], made["exit_code"]) == ("violated", 1)
    assert (made["spec"], made["design"], made["structure"]) == ("mutex", "look-then-take", "3")
    assert made["elements"] == ["a", "b", "c"]
    (violated,) = [p for p in made["properties"] if p["verdict"] == "violated"]
    assert (violated["name"], violated["element"], violated["wrong"]) == (
        "MutualExclusion",
        "a",
        "a is not alone inside",
    )
    assert violated["trace"]["length"] == 4
    first = {"action": "look", "elements": ["a"], "actor": "process", "text": "a finds the lock free."}
    assert violated["trace"]["steps"][0] == first
    assert (made["exploration"]["states"], made["exploration"]["steps"], made["exploration"]["depth"]) == (45, 120, 8)
    assert made["exploration"]["coverage"]["look"] == {"enabled": 27, "new": 13}


def test_an_undetermined_report_names_the_limit() -> None:
    """The limit that was set and that it was reached are both there."""
    made = report(mutex.domain, "3", Limits(states=1))
    assert (made["verdict"], made["exit_code"]) == ("undetermined", 3)
    assert made["limits"] == {"states": 1, "seconds": None, "memory": None}
    assert {p["reason"] for p in made["properties"] if p["verdict"] != "holds"} == {"--max-states 1 reached"}
