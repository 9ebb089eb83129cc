"""sagacheck: check the design of a durable executor with a specification that many readers share.

The layers, each importing only from those above it:

    _sorts, _place, _expr, _specification
                                    a specification as data
    _tracing, _handlers, _front,
    _language, _build               the language it is written in (public: `sagacheck.language`)
    _structure, _ground, _ground_expr, _compile
                                    the ground layer: a specification on one concrete structure, packed into integers
    _engine, _explore, _liveness    the explorer
    _verdict, _check                verdicts, traces, the facade
    _domain                         what an entry point supplies
    reports, _cli                   for people

Nothing in here knows what a saga is.
"""

from sagacheck._check import DEADLOCK, check, select_properties
from sagacheck._domain import Axis, Design, Domain, Option, find_domain
from sagacheck._errors import InputError, SagacheckError, SpecificationError
from sagacheck._explore import Limits
from sagacheck._ground import GroundSpecification
from sagacheck._specification import Action, Definition, Kind, Property, Specification, Variable
from sagacheck._structure import Structure
from sagacheck._verdict import Coverage, Exploration, Outcome, Result, Trace, Verdict

__all__ = [
    "DEADLOCK",
    "Action",
    "Axis",
    "Coverage",
    "Definition",
    "Design",
    "Domain",
    "Exploration",
    "GroundSpecification",
    "InputError",
    "Kind",
    "Limits",
    "Option",
    "Outcome",
    "Property",
    "Result",
    "SagacheckError",
    "Specification",
    "SpecificationError",
    "Structure",
    "Trace",
    "Variable",
    "Verdict",
    "check",
    "find_domain",
    "select_properties",
]
