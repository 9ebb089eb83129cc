"""sagacheck: check the design of a durable executor with a specification that many readers share.

The layers, each importing only from those above it:

    _errors, _sorts, _place, _expr, _specification
                        a specification as data
    _tracing, _handlers, _front, _language, _build
                        the language it is written in (public: `sagacheck.language`)
    _structure, _ground_expr, _ground, _compile
                        the ground layer: a specification on one structure, packed into integers
    _verdict            verdicts, traces, results
    _engine, _explore, _liveness, _check
                        the explorer, and the facade over it
    _domain, _digest, _model
                        what an entry point supplies, and one choice of it: design, structure, environment
    _narration, _text, _mermaid, _itf, _replay, _json_report
                        a result, or a trace, in words, pictures and files
    _argument, _first_order, _every_structure
                        an inductive argument as obligations; decided by z3 on every structure
    _propositional, _one_structure, _prove, _prove_report
                        decided on one structure; both; what came of it
    _symbolic, _listed, _unrolled, _bounded
                        a bounded search by z3
    _tla_layout, _tla_names, _tla_facts, _tla_reduce, _tla_updates, _tla_share, _tla_split
                        TLA+: layout, names; expressions made simple, in cases, with names for their parts
    _tla_shapes, _tla_text, _tla_reading, _tla_module, _tlc_trace, _tla_model
                        expressions as text, a whole module; what TLC prints, read back; what TLC needs
    _schema, _protocol, _implementation
                        the messages to an implementation under test; finding one
    _lines, _transport  how adapters in other processes are talked to; starting one, or waiting for one
    _shown, _monitor, _beliefs
                        what is shown: as knowledge of a state; what it violates; which states explain it
    _force, _replay_report
                        a trace forced upon an implementation; what came of that
    _conformance, _play, _tour, _schedules, _conform
                        the conformance kit: what a domain says of it; one run; the suites
    _requirements, _conform_report, _smoke
                        what is known of each requirement; the report; an adapter judged itself
    _designs, _table, _explain
                        the design space as a table; definitions with their source
    _console, _progress, _output, _options, _commands, _conform_commands,
    _prove_commands, _tla_commands, _cli
                        the command line

Nothing in here knows what a saga is.
"""

from sagacheck._check import DEADLOCK, check, select_properties
from sagacheck._conformance import Capability, Conformance
from sagacheck._domain import Argument, Axis, Design, Domain, Option, find_domain
from sagacheck._errors import ImplementationError, InputError, SagacheckError, SpecificationError
from sagacheck._explore import Limits
from sagacheck._force import Difference, Ending, Forced, force
from sagacheck._ground import GroundSpecification
from sagacheck._implementation import connected, find_implementation
from sagacheck._protocol import Connection, Offer
from sagacheck._specification import Action, Definition, Kind, Property, Specification, Variable
from sagacheck._structure import Structure
from sagacheck._verdict import Coverage, Exploration, Outcome, Result, Trace, Verdict

__all__ = [
    "DEADLOCK",
    "Action",
    "Argument",
    "Axis",
    "Capability",
    "Conformance",
    "Connection",
    "Coverage",
    "Definition",
    "Design",
    "Difference",
    "Domain",
    "Ending",
    "Exploration",
    "Forced",
    "GroundSpecification",
    "ImplementationError",
    "InputError",
    "Kind",
    "Limits",
    "Offer",
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
    "connected",
    "find_domain",
    "find_implementation",
    "force",
    "select_properties",
]
