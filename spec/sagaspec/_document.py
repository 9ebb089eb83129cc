"""A saga as a document for implementations: steno's own JSON form of a DAG (see `_steno_json`), made from a `Saga`.

What no step depends on is filled in: an action is registered under the name of its node, every value is null.
"""

from __future__ import annotations

from typing import Any

from sagaspec._node import NodeKind, SagaNode
from sagaspec._saga import Saga

__all__ = ["document_of"]


def document_of(saga: Saga) -> dict[str, Any]:
    """The saga in steno's JSON form, as JSON values; nodes and edges keep their order."""
    return {
        "saga_name": saga.name,
        "start_node": saga.start,
        "end_node": saga.end,
        "graph": {
            "nodes": [_node(node) for node in saga.nodes],
            "node_holes": [],
            "edge_property": "directed",
            "edges": [[parent, child, None] for parent, child in saga.edges],
        },
    }


def _node(node: SagaNode) -> Any:
    match node.kind:
        case NodeKind.START:
            return {"Start": {"params": None}}
        case NodeKind.END:
            return "End"
        case NodeKind.ACTION:
            return {"Action": {"name": node.name, "label": node.name, "action_name": node.name}}
        case NodeKind.CONSTANT:
            return {"Constant": {"name": node.name, "value": None}}
        case NodeKind.SUBSAGA_START:
            return {"SubsagaStart": {"saga_name": node.saga_name, "params_node_name": node.params_from}}
        case NodeKind.SUBSAGA_END:
            return {"SubsagaEnd": {"name": node.name}}
