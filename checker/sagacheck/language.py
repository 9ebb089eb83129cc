"""The public language of specifications: what a text imports. See `docs/language.md`."""

from sagacheck._build import build
from sagacheck._language import (
    Element,
    PerElement,
    StateBase,
    action,
    always,
    axiom,
    define,
    element,
    elements,
    eventually,
    invariant,
    lemma,
    per_element,
    predicate,
    procedure,
    relation,
    scalar,
    sometimes,
)
from sagacheck._sorts import OPTIONAL_ELEMENT
from sagacheck._tracing import require

__all__ = [
    "OPTIONAL_ELEMENT",
    "Element",
    "PerElement",
    "StateBase",
    "action",
    "always",
    "axiom",
    "build",
    "define",
    "element",
    "elements",
    "eventually",
    "invariant",
    "lemma",
    "per_element",
    "predicate",
    "procedure",
    "relation",
    "require",
    "scalar",
    "sometimes",
]
