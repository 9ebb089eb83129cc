-------------------------------- MODULE MCSaga --------------------------------
(*****************************************************************************)
(* The module Saga for the dag fork-join:2, to be checked by TLC:            *)
(*                                                                           *)
(*   java -cp tla2tools.jar tlc2.TLC -deadlock -config MCSaga.cfg MCSaga.tla *)
(*                                                                           *)
(* Written by `sagacheck tla --design conforming --dag fork-join:2`.         *)
(*****************************************************************************)

EXTENDS Saga, Naturals, TLC

MCNode == {"start", "a", "b", "c", "end"}

MCChildren ==
    "start" :> {"b", "a"} @@
    "a" :> {"c"} @@
    "b" :> {"c"} @@
    "c" :> {"end"} @@
    "end" :> {}

MCParents ==
    "start" :> {} @@
    "a" :> {"start"} @@
    "b" :> {"start"} @@
    "c" :> {"b", "a"} @@
    "end" :> {"c"}

MCHasUndo == {"a", "b", "c"}
MCIsAction == {"a", "b", "c"}
MCMayFail == {"a", "b", "c"}
MCMayFailUndo == {"a", "b", "c"}
MCEnd == "end"
MCStart == "start"

\* What must be reached is told when it is; to TLC, Noted is an invariant, and it is always true.
\* Register k remembers that the k-th of them is told; each worker of TLC has registers of its own.
ASSUME \A i \in 1..9 : TLCSet(i, FALSE)

Note(i, what) == TLCGet(i) \/ (TLCSet(i, TRUE) /\ PrintT(<<"reached", what>>))

Noted ==
    /\ Success => Note(1, "Success")
    /\ CleanUnwinding => Note(2, "CleanUnwinding")
    /\ Stuck => Note(3, "Stuck")
    /\ EffectRemoved => Note(4, "EffectRemoved")
    /\ CrashInAction => Note(5, "CrashInAction")
    /\ CrashInUndo => Note(6, "CrashInUndo")
    /\ RecoveryForward => Note(7, "RecoveryForward")
    /\ RecoveryUnwinding => Note(8, "RecoveryUnwinding")
    /\ StatusDuringWrite => Note(9, "StatusDuringWrite")

\* Which model this is; `sagacheck show` and `sagacheck replay` read it in what TLC prints.
ASSUME PrintT("sagacheck model: {\"design\":\"conforming\",\"digest\":\"73065905940a3277\",\"environment\":{\"contract\":\"kept\",\"crashes\":\"any\",\"fail\":\"any\",\"undo-fail\":\"any\"},\"settings\":{\"assertions\":\"on\",\"completion\":\"durable-first\",\"intent\":\"before\",\"lock-across-io\":\"no\",\"recovery\":\"relaxed\",\"rest\":\"wait\",\"revisit\":\"skip\",\"start\":\"memory-first\",\"stuck\":\"again\",\"writer\":\"single\"},\"spec\":\"saga\",\"structure\":\"fork-join:2\"}")

===============================================================================
