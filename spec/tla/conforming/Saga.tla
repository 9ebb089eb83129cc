--------------------------------- MODULE Saga ---------------------------------
(*****************************************************************************)
(* A durable saga executor: what it may do, what may happen to it, and what  *)
(* must hold.                                                                *)
(*                                                                           *)
(* What is modelled: one saga and its executor, after that of steno 0.4.1. A *)
(* step is what nobody else can interrupt: a critical section of the lock on *)
(* memory, or a wait that ends. A durable write takes two steps, since       *)
(* anything may happen while it is pending: a worker issues it, and the      *)
(* store makes it take effect. A crash between the two is a write that never *)
(* happened. An assertion that fails is a step too, into a state in which    *)
(* `panic` names it and from which only a crash leads.                       *)
(*                                                                           *)
(* What is left out, and why that is harmless. The order of reports to the   *)
(* loop: a worker sends some time after its write took effect, so they       *)
(* arrive in any order anyway. Steps between a write, the unlocking and the  *)
(* report: nobody can tell them apart before the loop takes the report. The  *)
(* middle of a recovery: it reads the log and writes memory that nobody else *)
(* has yet, so a crash in it is a crash before it. The contents of inputs,   *)
(* outputs and errors: no step depends on them. What came before the last    *)
(* event of a node in the log: recovery reads no more. Other sagas: each has *)
(* a log and a memory of its own. Assumed, not modelled: no saga has two     *)
(* executors at a time.                                                      *)
(*                                                                           *)
(* What is claimed: that no state is wrong; that what should be possible is  *)
(* possible; that every saga comes to rest, if every step that stays         *)
(* possible is taken, and crashes and status queries come to an end.         *)
(*                                                                           *)
(* The design conforming: steno-461-462 with what else proved necessary:     *)
(* what must always hold is proved for every saga (`prove`).                 *)
(*                                                                           *)
(*   writer=single             who changes memory: only the loop, or the     *)
(*                             worker its log copy and the loop the rest     *)
(*   start=memory-first        where a start event is recorded first         *)
(*   completion=durable-first  where a completion event is recorded first    *)
(*   lock-across-io=no         whether a worker's durable write is made with *)
(*                             the lock held                                 *)
(*   recovery=relaxed          whether a node that never started may have a  *)
(*                             parent that was (being) undone                *)
(*   assertions=on             whether node_exec_state asserts that a        *)
(*                             failure in the log copy has its error         *)
(*   intent=before             whether the start is durable before the       *)
(*                             action runs, or written after it ran          *)
(*   stuck=again               whether the stuck routine may be entered      *)
(*                             again by a second undo failure                *)
(*   revisit=skip              what the walk over parents does with a parent *)
(*                             that it has already dealt with                *)
(*   rest=wait                 how the loop takes the lock, coming to rest:  *)
(*                             it waits, or insists that no observer in      *)
(*                             another thread has it                         *)
(*                                                                           *)
(* Its environment:                                                          *)
(*                                                                           *)
(*   crashes=any    how often the process may crash: any number of times, or *)
(*                  at most N (0 to 255)                                     *)
(*   fail=any       which actions may fail: any, none, or node names, paths  *)
(*                  or #indexes with commas                                  *)
(*   undo-fail=any  which undo actions may fail, likewise                    *)
(*   contract=kept  whether an action that fails leaves no effect, as the    *)
(*                  contract asks                                            *)
(*                                                                           *)
(* Written by `sagacheck tla --design conforming --dag fork-join:2`: what is *)
(* to be changed is the specification, not this.                             *)
(*****************************************************************************)

CONSTANTS
    Node,         \* the nodes of the saga's DAG: its actions, a start, an end, perhaps inlined
                  \* sagas
    Children,     \* what depends on a node
    Parents,      \* what a node depends on
    HasUndo,      \* the actions that have an undo action; the effect of others is not modelled
    IsAction,     \* the nodes that are actions, as users write them
    MayFail,      \* the nodes whose action may fail
    MayFailUndo,  \* the nodes whose undo action may fail
    End,          \* comes after every other node
    Start         \* comes before every other node

ASSUME
    /\ Children \in [Node -> SUBSET Node]
    /\ Parents \in [Node -> SUBSET Node]
    /\ HasUndo \subseteq Node
    /\ IsAction \subseteq Node
    /\ MayFail \subseteq Node
    /\ MayFailUndo \subseteq Node
    /\ End \in Node
    /\ Start \in Node

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Values                                                                    *)
(*****************************************************************************)

\* The load status of a node: what its log events say.
Load == {
    "NEVER_STARTED",  \* never started
    "STARTED",        \* started
    "SUCCEEDED",      \* succeeded
    "FAILED",         \* failed
    "UNDO_STARTED",   \* undo started
    "UNDO_FINISHED",  \* undo finished
    "UNDO_FAILED",    \* undo failed
    "ILLEGAL"         \* not a legal sequence of events
}

Unwinding == {"FAILED", "UNDO_STARTED", "UNDO_FINISHED", "UNDO_FAILED"}

UndoBegun == {"UNDO_STARTED", "UNDO_FINISHED", "UNDO_FAILED"}

Completed == {"SUCCEEDED", "FAILED", "UNDO_STARTED", "UNDO_FINISHED", "UNDO_FAILED"}

\* nodes_undone: whether and how a node counts as undone.
Undone == {
    "NO",         \* no
    "NEVER_RAN",  \* never ran
    "FAILED",     \* its action failed
    "UNDONE"      \* its undo action ran
}

\* Where a worker is; an OK or FAIL says how the action (or undo action) ended.
Stage == {
    "NONE",          \* no worker
    "RECORD_START",  \* about to record the start
    "WRITE_START",   \* durable write of the start pending
    "LEARN_START",   \* start durable; memory has not learned of it
    "RUN",           \* running
    "RECORD_OK",     \* about to record success
    "RECORD_FAIL",   \* about to record failure
    "START_OK",      \* succeeded; durable write of the start pending
    "START_FAIL",    \* failed; durable write of the start pending
    "WRITE_OK",      \* durable write of success pending
    "WRITE_FAIL",    \* durable write of failure pending
    "LEARN_OK",      \* success durable; memory has not learned of it
    "LEARN_FAIL",    \* failure durable; memory has not learned of it
    "SENT_OK",       \* success reported to the loop
    "SENT_FAIL",     \* failure reported to the loop
    "TAKEN_OK",      \* report of success in the loop's hands
    "TAKEN_FAIL"     \* report of failure in the loop's hands
}

WritingSet == {"WRITE_START", "START_OK", "START_FAIL", "WRITE_OK", "WRITE_FAIL"}

Ran == {"RUN", "RECORD_OK", "RECORD_FAIL", "START_OK", "START_FAIL", "WRITE_OK", "WRITE_FAIL",
        "LEARN_OK", "LEARN_FAIL", "SENT_OK", "SENT_FAIL", "TAKEN_OK", "TAKEN_FAIL"}

MayTakeEffect == {"RECORD_START", "WRITE_START", "LEARN_START", "RUN"}

\* How often an action has run since the last crash; a run whose completion was durable at the crash
\* counts.
Runs == {
    "NO",    \* not at all
    "ONCE",  \* once
    "TWICE"  \* twice
}

\* Where the loop is.
Pc == {
    "DOWN",             \* no process
    "REFUSED",          \* recovery refused the saga
    "KICK_OFF",         \* about to start what is queued
    "RECEIVE",          \* waiting for a message
    "JOIN",             \* waiting for the worker's task to end
    "PROPAGATE",        \* about to propagate a completion
    "WALK",             \* walking over parents
    "WALK_FIRST",       \* walking over parents, at the start of the unwinding
    "WRITE_UNWINDING",  \* durable write of the cached state Unwinding pending
    "FINISH",           \* about to come to rest
    "WRITE_DONE",       \* durable write of the cached state Done pending
    "RESULT",           \* about to read the result
    "REST"              \* at rest
}

\* exec_state: the direction of the saga.
Phase == {
    "RUNNING",    \* running
    "UNWINDING",  \* unwinding
    "DONE"        \* done
}

\* The assertion that failed.
Panic == {
    "NONE",                 \* none
    "NODE_ERROR",           \* node_exec_state: the log copy says Failed, but node_errors has no
                            \* entry
    "UNDO_ERROR",           \* node_exec_state: the log copy says UndoFailed, but undo_errors has no
                            \* entry
    "UNDETERMINED",         \* node_exec_state: could not determine the state of a node
    "TWO_STATES",           \* node_exec_state: a node is in two states
    "UNDONE_TWICE",         \* propagate: a node was marked undone a second time
    "FINISHED_TWICE",       \* propagate: a node finished a second time
    "REVISITED",            \* propagate: the walk came to a parent that is already being undone, or
                            \* undone
    "BAD_START",            \* worker: starting a node whose load status is neither NeverStarted nor
                            \* Started
    "BAD_UNDO_START",       \* worker: undoing a node whose load status is neither Succeeded nor
                            \* UndoStarted
    "BAD_EVENT",            \* log copy: an event that is illegal after the node's load status
    "STUCK_AGAIN",          \* stuck routine: exec_state is not Unwinding, because an earlier undo
                            \* failure has already ended the saga
    "BAD_DONE",             \* becoming Done: stopping, a queue that is not empty, or a node without
                            \* an output
    "LOCK_BUSY",            \* coming to rest: the lock, taken without waiting, is held by somebody
    "RESULT_BUSY",          \* result: the lock, taken without waiting, is held by somebody
    "NO_CAUSE",             \* result: the saga was undone or got stuck, but no node has an error
    "RECOVERY_BAD_DONE",    \* recovery, becoming Done: stopping, or a queue that is not empty
    "RECOVERY_STUCK_AGAIN"  \* recovery, stuck routine: exec_state is not Unwinding at the second
                            \* undo failure in the log
}

\* Who wrote last.
Writer == {
    "NOBODY",  \* nobody
    "LOOP",    \* the loop
    "WORKER"   \* a worker
}

\* What node_exec_state says of a node; the last four are no states but failed assertions.
Shown == {
    "BLOCKED",           \* blocked
    "QUEUED_TO_RUN",     \* queued to run
    "TASK_IN_PROGRESS",  \* task in progress
    "DONE",              \* done
    "FAILED",            \* failed
    "QUEUED_TO_UNDO",    \* queued to undo
    "UNDO_IN_PROGRESS",  \* undo in progress
    "UNDONE_NEVER_RAN",  \* undone, never ran
    "UNDONE_FAILED",     \* undone, failed
    "UNDONE",            \* undone
    "UNDO_FAILED",       \* undo failed
    "NO_NODE_ERROR",     \* assertion: Failed without a node error
    "NO_UNDO_ERROR",     \* assertion: UndoFailed without an undo error
    "TWO_STATES",        \* assertion: two states
    "UNDETERMINED"       \* assertion: no state
}

Broken == {"NO_NODE_ERROR", "NO_UNDO_ERROR", "TWO_STATES", "UNDETERMINED"}

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Variables                                                                 *)
(*****************************************************************************)

VARIABLES
    \* Memory
    log_copy,       \* sglog: the log as memory has it
    queue_todo,     \* nodes queued to run
    queue_undo,     \* nodes queued to be undone
    node_tasks,     \* nodes with a task that the loop waits for
    node_outputs,   \* nodes that have an output
    node_errors,    \* nodes that have an error
    nodes_undone,   \* nodes that count as undone, and how
    undo_errors,    \* nodes that have an undo error
    pc,             \* where the loop is
    phase,          \* exec_state
    stopping,       \* an undo action has failed; nothing new is started
    panic,          \* the assertion that failed, if any
    \* Durable log
    log,            \* the node's events in the durable log
    \* Workers
    work,           \* where the worker of the action is
    undo_work,      \* where the worker of the undo action is
    \* World
    effect,         \* the action's external effect stands
    \* History
    runs,           \* how often the action has run
    undo_runs,      \* how often the undo action has run
    memory_writer,  \* who changed memory last
    log_writer      \* who changed the durable log last

memory_of_nodes == <<log_copy, queue_todo, queue_undo, node_tasks, node_outputs, node_errors,
                     nodes_undone, undo_errors>>
memory_scalars == <<pc, phase, stopping, panic>>
memory_vars == <<memory_of_nodes, memory_scalars>>
workers_vars == <<work, undo_work>>
history_of_nodes == <<runs, undo_runs>>
history_scalars == <<memory_writer, log_writer>>
history_vars == <<history_of_nodes, history_scalars>>

vars == <<memory_vars, log, workers_vars, effect, history_vars>>

TypeOK ==
    /\ log_copy \in [Node -> Load]
    /\ queue_todo \in [Node -> BOOLEAN]
    /\ queue_undo \in [Node -> BOOLEAN]
    /\ node_tasks \in [Node -> BOOLEAN]
    /\ node_outputs \in [Node -> BOOLEAN]
    /\ node_errors \in [Node -> BOOLEAN]
    /\ nodes_undone \in [Node -> Undone]
    /\ undo_errors \in [Node -> BOOLEAN]
    /\ pc \in Pc
    /\ phase \in Phase
    /\ stopping \in BOOLEAN
    /\ panic \in Panic
    /\ log \in [Node -> Load]
    /\ work \in [Node -> Stage]
    /\ undo_work \in [Node -> Stage]
    /\ effect \in [Node -> BOOLEAN]
    /\ runs \in [Node -> Runs]
    /\ undo_runs \in [Node -> Runs]
    /\ memory_writer \in Writer
    /\ log_writer \in Writer

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Helpers                                                                   *)
(*****************************************************************************)

\* What is read as it is so far in a step, while the step writes it: here as it is in a state.
Memory == [log_copy |-> log_copy, queue_todo |-> queue_todo, queue_undo |-> queue_undo,
           node_tasks |-> node_tasks, node_outputs |-> node_outputs, node_errors |-> node_errors,
           nodes_undone |-> nodes_undone, undo_errors |-> undo_errors]

\* The state of n, but for the queue of nodes to run; UNDETERMINED where no map has it.
RecordedState(memory, n) ==
    IF memory.nodes_undone[n] = "NEVER_RAN" THEN "UNDONE_NEVER_RAN"
    ELSE IF memory.nodes_undone[n] = "FAILED" THEN "UNDONE_FAILED"
    ELSE IF memory.nodes_undone[n] = "UNDONE" THEN "UNDONE"
    ELSE IF memory.queue_undo[n] THEN "QUEUED_TO_UNDO"
    ELSE IF memory.log_copy[n] = "FAILED"
         THEN IF memory.node_errors[n] THEN "FAILED" ELSE "NO_NODE_ERROR"
    ELSE IF memory.log_copy[n] = "UNDO_FAILED"
         THEN IF memory.undo_errors[n] THEN "UNDO_FAILED" ELSE "NO_UNDO_ERROR"
    ELSE IF memory.node_outputs[n] THEN IF memory.node_tasks[n] THEN "UNDO_IN_PROGRESS" ELSE "DONE"
    ELSE IF memory.node_tasks[n] THEN "TASK_IN_PROGRESS"
    ELSE "UNDETERMINED"

\* The state of n as `status` reports it and the walk asks for it: exactly one state, or an
\* assertion that fails.
NodeExecState(memory, n) ==
    LET recorded_state == RecordedState(memory, n)
    IN  IF memory.queue_todo[n]
        THEN IF recorded_state = "UNDETERMINED" THEN "QUEUED_TO_RUN" ELSE "TWO_STATES"
        ELSE IF recorded_state = "UNDETERMINED" /\ memory.log_copy[n] = "NEVER_STARTED"
             THEN "BLOCKED"
        ELSE recorded_state

\* Marking `root` undone makes n undone, or it is already: it never ran or failed, and so is every
\* child.
Settled(memory, n, root) ==
    LET settled[n2 \in Node] ==
            LET node_exec_state == NodeExecState(memory, n2)
            IN  \/ n2 = root
                \/ memory.nodes_undone[n2] # "NO"
                \/ node_exec_state \in {"BLOCKED", "FAILED"} /\ \A c \in Children[n2] : settled[c]
    IN  settled[n]

\* Marking `root` undone takes the walk to n with all its children undone.
Reached(memory, n, root) ==
    /\ n # root
    /\ memory.nodes_undone[n] = "NO"
    /\ \A c \in Children[n] : Settled(memory, c, root)
    /\ \E c \in Children[n] : c = root \/ memory.nodes_undone[c] = "NO"

\* Recovery refuses the log at n: no legal sequence, or a status that does not fit that of a parent.
LogRefused(n) ==
    \/ log[n] = "ILLEGAL"
    \/ IF log[n] \in {"STARTED", "SUCCEEDED", "UNDO_STARTED", "UNDO_FAILED"}
       THEN \E p \in Parents[n] : log[p] # "SUCCEEDED"
       ELSE /\ log[n] \in {"FAILED", "UNDO_FINISHED"}
            /\ \E p \in Parents[n] :
                   log[p] \notin {"SUCCEEDED", "UNDO_STARTED", "UNDO_FINISHED", "UNDO_FAILED"}

\* The durable log holds an event of the unwinding.
LogUnwinding == \E n \in Node : log[n] \in Unwinding

\* In an unwinding log, n counts as undone: it was, or it never ran or failed and all its children
\* were undone.
WasUndone[n \in Node] ==
    \/ log[n] = "UNDO_FINISHED"
    \/ log[n] \in {"NEVER_STARTED", "FAILED"} /\ \A c \in Children[n] : WasUndone[c]

\* The process runs: it is there, no assertion has failed, and the loop is not in the middle of a
\* walk.
\*
\* During a walk the loop holds the lock and touches nothing that a step without the lock could
\* touch, so nothing is lost by letting the walk run to its end first.
Alive == pc \notin {"DOWN", "REFUSED", "WALK", "WALK_FIRST"} /\ panic = "NONE"

-------------------------------------------------------------------------------
(*****************************************************************************)
(* The initial state                                                         *)
(*****************************************************************************)

Init ==
    /\ log_copy = [n \in Node |-> "NEVER_STARTED"]
    /\ queue_todo = [n \in Node |-> Parents[n] = {}]
    /\ queue_undo = [n \in Node |-> FALSE]
    /\ node_tasks = [n \in Node |-> FALSE]
    /\ node_outputs = [n \in Node |-> FALSE]
    /\ node_errors = [n \in Node |-> FALSE]
    /\ nodes_undone = [n \in Node |-> "NO"]
    /\ undo_errors = [n \in Node |-> FALSE]
    /\ pc = "KICK_OFF"
    /\ phase = "RUNNING"
    /\ stopping = FALSE
    /\ panic = "NONE"
    /\ log = [n \in Node |-> "NEVER_STARTED"]
    /\ work = [n \in Node |-> "NONE"]
    /\ undo_work = [n \in Node |-> "NONE"]
    /\ effect = [n \in Node |-> FALSE]
    /\ runs = [n \in Node |-> "NO"]
    /\ undo_runs = [n \in Node |-> "NO"]
    /\ memory_writer = "LOOP"
    /\ log_writer = "NOBODY"

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Actions: world                                                            *)
(*****************************************************************************)

\* The action of n takes effect.
TakeEffect(n) ==
    /\ Alive
    /\ n \in HasUndo
    /\ work[n] = "RUN"
    /\ ~effect[n]
    /\ effect' = [effect EXCEPT ![n] = TRUE]
    /\ UNCHANGED <<memory_vars, log, workers_vars, history_vars>>

\* The undo action of n removes the effect.
RemoveEffect(n) ==
    /\ Alive
    /\ undo_work[n] = "RUN"
    /\ effect[n]
    /\ effect' = [effect EXCEPT ![n] = FALSE]
    /\ UNCHANGED <<memory_vars, log, workers_vars, history_vars>>

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Actions: worker                                                           *)
(*****************************************************************************)

\* The action of n succeeds.
Succeed(n) ==
    /\ Alive
    /\ work[n] = "RUN"
    /\ effect[n] \/ n \notin HasUndo
    /\ work' = [work EXCEPT ![n] = "WRITE_OK"]
    /\ UNCHANGED <<memory_vars, log, undo_work, effect, history_vars>>

\* The action of n fails.
\*
\* Under the contract of actions it leaves no effect, nor one of an interrupted earlier run of
\* itself.
Fail(n) ==
    /\ Alive
    /\ n \in MayFail
    /\ work[n] = "RUN"
    /\ work' = [work EXCEPT ![n] = "WRITE_FAIL"]
    /\ effect' = [effect EXCEPT ![n] = FALSE]
    /\ UNCHANGED <<memory_vars, log, undo_work, history_vars>>

\* The undo action of n succeeds.
SucceedUndo(n) ==
    /\ Alive
    /\ undo_work[n] = "RUN"
    /\ ~effect[n]
    /\ undo_work' = [undo_work EXCEPT ![n] = "WRITE_OK"]
    /\ UNCHANGED <<memory_vars, log, work, effect, history_vars>>

\* The undo action of n fails; the effect stands.
FailUndo(n) ==
    /\ Alive
    /\ n \in MayFailUndo
    /\ undo_work[n] = "RUN"
    /\ effect[n]
    /\ undo_work' = [undo_work EXCEPT ![n] = "WRITE_FAIL"]
    /\ UNCHANGED <<memory_vars, log, work, effect, history_vars>>

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Actions: store                                                            *)
(*****************************************************************************)

\* `started` of n is in the durable log.
StartLands(n) ==
    /\ Alive
    /\ work[n] = "WRITE_START"
    /\ log' = [log EXCEPT ![n] = IF @ = "NEVER_STARTED" THEN "STARTED" ELSE "ILLEGAL"]
    /\ work' = [work EXCEPT ![n] = "RUN"]
    /\ runs' = [runs EXCEPT ![n] = IF @ = "NO" THEN "ONCE" ELSE "TWICE"]
    /\ log_writer' = "WORKER"
    /\ UNCHANGED <<memory_vars, undo_work, effect, undo_runs, memory_writer>>

\* `succeeded` of n is in the durable log.
SuccessLands(n) ==
    /\ Alive
    /\ work[n] = "WRITE_OK"
    /\ log' = [log EXCEPT ![n] = IF @ = "STARTED" THEN "SUCCEEDED" ELSE "ILLEGAL"]
    /\ work' = [work EXCEPT ![n] = "SENT_OK"]
    /\ log_writer' = "WORKER"
    /\ UNCHANGED <<memory_vars, undo_work, effect, history_of_nodes, memory_writer>>

\* `failed` of n is in the durable log.
FailureLands(n) ==
    /\ Alive
    /\ work[n] = "WRITE_FAIL"
    /\ log' = [log EXCEPT ![n] = IF @ = "STARTED" THEN "FAILED" ELSE "ILLEGAL"]
    /\ work' = [work EXCEPT ![n] = "SENT_FAIL"]
    /\ log_writer' = "WORKER"
    /\ UNCHANGED <<memory_vars, undo_work, effect, history_of_nodes, memory_writer>>

\* `undo_started` of n is in the durable log.
UndoStartLands(n) ==
    /\ Alive
    /\ undo_work[n] = "WRITE_START"
    /\ log' = [log EXCEPT ![n] = IF @ = "SUCCEEDED" THEN "UNDO_STARTED" ELSE "ILLEGAL"]
    /\ undo_work' = [undo_work EXCEPT ![n] = "RUN"]
    /\ undo_runs' = [undo_runs EXCEPT ![n] = IF @ = "NO" THEN "ONCE" ELSE "TWICE"]
    /\ log_writer' = "WORKER"
    /\ UNCHANGED <<memory_vars, work, effect, runs, memory_writer>>

\* `undo_finished` of n is in the durable log.
UndoSuccessLands(n) ==
    /\ Alive
    /\ undo_work[n] = "WRITE_OK"
    /\ log' = [log EXCEPT ![n] = IF @ = "UNDO_STARTED" THEN "UNDO_FINISHED" ELSE "ILLEGAL"]
    /\ undo_work' = [undo_work EXCEPT ![n] = "SENT_OK"]
    /\ log_writer' = "WORKER"
    /\ UNCHANGED <<memory_vars, work, effect, history_of_nodes, memory_writer>>

\* `undo_failed` of n is in the durable log.
UndoFailureLands(n) ==
    /\ Alive
    /\ undo_work[n] = "WRITE_FAIL"
    /\ log' = [log EXCEPT ![n] = IF @ = "UNDO_STARTED" THEN "UNDO_FAILED" ELSE "ILLEGAL"]
    /\ undo_work' = [undo_work EXCEPT ![n] = "SENT_FAIL"]
    /\ log_writer' = "WORKER"
    /\ UNCHANGED <<memory_vars, work, effect, history_of_nodes, memory_writer>>

\* The cached state Unwinding is durable.
UnwindingLands ==
    /\ Alive
    /\ pc = "WRITE_UNWINDING"
    /\ pc' = IF phase = "DONE" THEN "FINISH" ELSE "KICK_OFF"
    /\ UNCHANGED <<memory_of_nodes, phase, stopping, panic, log, workers_vars, effect,
                   history_vars>>

\* The cached state Done is durable.
DoneLands ==
    /\ Alive
    /\ pc = "WRITE_DONE"
    /\ pc' = "RESULT"
    /\ UNCHANGED <<memory_of_nodes, phase, stopping, panic, log, workers_vars, effect,
                   history_vars>>

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Actions: loop                                                             *)
(*****************************************************************************)

\* The loop starts a worker for every queued node.
KickOff ==
    /\ Alive
    /\ pc = "KICK_OFF"
    /\ pc' = "RECEIVE"
    /\ panic' = IF \E n \in Node : queue_todo[n] /\ log_copy[n] \notin {"NEVER_STARTED", "STARTED"}
                THEN "BAD_START"
                ELSE IF \E n \in Node :
                            queue_undo[n] /\ log_copy[n] \notin {"SUCCEEDED", "UNDO_STARTED"}
                     THEN "BAD_UNDO_START"
                ELSE panic
    /\ memory_writer' = "LOOP"
    /\ IF stopping
       THEN /\ UNCHANGED <<log_copy, queue_todo, queue_undo, node_tasks, work, undo_work, runs,
                           undo_runs>>
       ELSE /\ log_copy' = [m \in Node |->
                               IF /\ phase = "UNWINDING"
                                  /\ queue_undo[m]
                                  /\ queue_todo[m] \/ log_copy[m] # "UNDO_STARTED"
                               THEN "UNDO_STARTED"
                               ELSE IF queue_todo[m] /\ log_copy[m] # "STARTED" THEN "STARTED"
                               ELSE log_copy[m]]
            /\ queue_todo' = [n \in Node |-> FALSE]
            /\ queue_undo' = [m \in Node |-> phase # "UNWINDING" /\ queue_undo[m]]
            /\ node_tasks' = [m \in Node |->
                                 \/ phase = "UNWINDING" /\ queue_undo[m]
                                 \/ queue_todo[m]
                                 \/ node_tasks[m]]
            /\ work' = [n \in Node |->
                           IF queue_todo[n] /\ log_copy[n] = "STARTED" THEN "RUN"
                           ELSE IF queue_todo[n] THEN "WRITE_START"
                           ELSE work[n]]
            /\ undo_work' = [m \in Node |->
                                IF /\ phase = "UNWINDING"
                                   /\ queue_undo[m]
                                   /\ ~queue_todo[m]
                                   /\ log_copy[m] = "UNDO_STARTED"
                                THEN "RUN"
                                ELSE IF phase = "UNWINDING" /\ queue_undo[m] THEN "WRITE_START"
                                ELSE undo_work[m]]
            /\ runs' = [n \in Node |->
                           IF queue_todo[n] /\ log_copy[n] = "STARTED"
                           THEN IF runs[n] = "NO" THEN "ONCE" ELSE "TWICE"
                           ELSE runs[n]]
            /\ undo_runs' = [m \in Node |->
                                IF /\ phase = "UNWINDING"
                                   /\ queue_undo[m]
                                   /\ ~queue_todo[m]
                                   /\ log_copy[m] = "UNDO_STARTED"
                                THEN IF undo_runs[m] = "NO" THEN "ONCE" ELSE "TWICE"
                                ELSE undo_runs[m]]
    /\ UNCHANGED <<node_outputs, node_errors, nodes_undone, undo_errors, phase, stopping, log,
                   effect, log_writer>>

\* The loop takes the report that n succeeded.
TakeSuccess(n) ==
    /\ Alive
    /\ pc = "RECEIVE"
    /\ work[n] = "SENT_OK"
    /\ LET holds == stopping /\ (\A m \in Node : ~node_tasks'[m])
       IN  /\ log_copy' = [log_copy EXCEPT ![n] = "SUCCEEDED"]
           /\ node_tasks' = [node_tasks EXCEPT ![n] = FALSE]
           /\ node_outputs' = [node_outputs EXCEPT ![n] = TRUE]
           /\ work' = [work EXCEPT ![n] = "NONE"]
           /\ memory_writer' = "LOOP"
           /\ IF n = End
              THEN /\ phase' = "DONE"
                   /\ pc' = "FINISH"
                   /\ IF log_copy[n] = "STARTED"
                      THEN /\ panic' = IF node_errors[n] \/ node_outputs[n] THEN "FINISHED_TWICE"
                                       ELSE IF \/ \E m \in Node : queue_todo[m] \/ queue_undo[m]
                                               \/ (\E m \in Node : node_tasks'[m]) /\ stopping
                                               \/ holds \/ phase # "RUNNING"
                                               \/ \E m \in Node : ~node_outputs'[m]
                                            THEN "BAD_DONE"
                                       ELSE panic
                      ELSE /\ panic' = "BAD_EVENT"
                   /\ UNCHANGED <<queue_todo, queue_undo>>
              ELSE /\ phase' = IF holds THEN "DONE" ELSE phase
                   /\ queue_todo' = [c \in Node |->
                                        \/ /\ c \in Children[n]
                                           /\ ~stopping
                                           /\ phase' = "RUNNING"
                                           /\ \A p \in Parents[c] : node_outputs'[p]
                                        \/ queue_todo[c]]
                   /\ queue_undo' = [queue_undo EXCEPT ![n] = \/ /\ ~stopping
                                                                 /\ phase' = "UNWINDING"
                                                                 /\ \A c \in Children[n] :
                                                                        nodes_undone[c] # "NO"
                                                              \/ @]
                   /\ pc' = IF phase' = "DONE" THEN "FINISH" ELSE "KICK_OFF"
                   /\ IF log_copy[n] = "STARTED"
                      THEN /\ panic' = IF node_errors[n] \/ node_outputs[n] THEN "FINISHED_TWICE"
                                       ELSE panic
                      ELSE /\ panic' = "BAD_EVENT"
    /\ UNCHANGED <<node_errors, nodes_undone, undo_errors, stopping, log, undo_work, effect,
                   history_of_nodes, log_writer>>

\* The loop takes the report that n failed.
TakeFailure(n) ==
    /\ Alive
    /\ pc = "RECEIVE"
    /\ work[n] = "SENT_FAIL"
    /\ LET value == IF \A m \in Node : ~node_tasks'[m] THEN "DONE" ELSE phase
           value2 == IF log_copy[n] # "STARTED" THEN "BAD_EVENT"
                     ELSE IF node_errors[n] \/ node_outputs[n] THEN "FINISHED_TWICE"
                     ELSE panic
           memory == [Memory EXCEPT !.log_copy = log_copy',
                                    !.node_errors = node_errors',
                                    !.node_tasks = node_tasks']
           memory2 == [Memory EXCEPT !.log_copy = log_copy',
                                     !.node_errors = node_errors',
                                     !.node_tasks = node_tasks',
                                     !.nodes_undone = nodes_undone',
                                     !.queue_undo = queue_undo']
       IN  /\ log_copy' = [log_copy EXCEPT ![n] = "FAILED"]
           /\ node_tasks' = [node_tasks EXCEPT ![n] = FALSE]
           /\ node_errors' = [node_errors EXCEPT ![n] = TRUE]
           /\ work' = [work EXCEPT ![n] = "NONE"]
           /\ memory_writer' = "LOOP"
           /\ IF phase = "RUNNING"
              THEN /\ IF stopping
                      THEN /\ phase' = value
                           /\ pc' = IF phase' = "DONE" THEN "FINISH" ELSE "KICK_OFF"
                           /\ panic' = value2
                           /\ UNCHANGED <<queue_undo, nodes_undone>>
                      ELSE LET holds == End = Start \/ Settled(memory2, Start, End)
                           IN  /\ queue_undo' = [m \in Node |->
                                                    \/ /\ Reached(memory, m, End)
                                                       /\ NodeExecState(memory, m) = "DONE"
                                                    \/ queue_undo[m]]
                               /\ nodes_undone' = [m \in Node |->
                                                      LET reached == Reached(memory, m, End)
                                                          node_exec_state == NodeExecState(memory, m)
                                                      IN  IF \/ m = End
                                                             \/ reached /\ node_exec_state = "BLOCKED"
                                                          THEN "NEVER_RAN"
                                                          ELSE IF /\ reached
                                                                  /\ node_exec_state = "FAILED"
                                                               THEN "FAILED"
                                                          ELSE nodes_undone[m]]
                               /\ phase' = IF holds THEN "DONE" ELSE "UNWINDING"
                               /\ pc' = "WRITE_UNWINDING"
                               /\ panic' = IF log_copy[n] # "STARTED" THEN "BAD_EVENT"
                                           ELSE IF node_errors[n] \/ node_outputs[n]
                                                THEN "FINISHED_TWICE"
                                           ELSE IF nodes_undone[End] # "NO" THEN "UNDONE_TWICE"
                                           ELSE IF \E m \in Node :
                                                       /\ Reached(memory, m, End)
                                                       /\ NodeExecState(memory, m) = "NO_NODE_ERROR"
                                                THEN "NODE_ERROR"
                                           ELSE IF \E m \in Node :
                                                       /\ Reached(memory, m, End)
                                                       /\ NodeExecState(memory, m) = "NO_UNDO_ERROR"
                                                THEN "UNDO_ERROR"
                                           ELSE IF \E m \in Node :
                                                       /\ Reached(memory, m, End)
                                                       /\ NodeExecState(memory, m) = "TWO_STATES"
                                                THEN "TWO_STATES"
                                           ELSE IF \E m \in Node :
                                                       /\ Reached(memory, m, End)
                                                       /\ NodeExecState(memory, m) = "UNDETERMINED"
                                                THEN "UNDETERMINED"
                                           ELSE IF \/ \E m \in Node :
                                                          /\ Reached(memory, m, End)
                                                          /\ NodeExecState(memory, m) = "UNDO_FAILED"
                                                   \/ \E m \in Node :
                                                          /\ Reached(memory, m, End)
                                                          /\ NodeExecState(memory, m) = "UNDO_IN_PROGRESS"
                                                THEN "REVISITED"
                                           ELSE IF /\ holds
                                                   /\ \E m \in Node :
                                                          \/ queue_todo[m]
                                                          \/ /\ Reached(memory, m, End)
                                                             /\ NodeExecState(memory, m) = "DONE"
                                                          \/ queue_undo[m]
                                                THEN "BAD_DONE"
                                           ELSE panic
              ELSE /\ IF \A c \in Children[n] : nodes_undone[c] # "NO"
                      THEN /\ IF stopping
                              THEN /\ phase' = value
                                   /\ panic' = value2
                                   /\ UNCHANGED <<queue_undo, nodes_undone>>
                              ELSE LET holds == n = Start \/ Settled(memory2, Start, n)
                                   IN  /\ queue_undo' = [m \in Node |->
                                                            \/ /\ Reached(memory, m, n)
                                                               /\ NodeExecState(memory, m) = "DONE"
                                                            \/ queue_undo[m]]
                                       /\ nodes_undone' = [m \in Node |->
                                                              LET reached == Reached(memory, m, n)
                                                                  node_exec_state == NodeExecState(memory, m)
                                                              IN  IF m = n THEN "FAILED"
                                                                  ELSE IF /\ reached
                                                                          /\ node_exec_state = "BLOCKED"
                                                                       THEN "NEVER_RAN"
                                                                  ELSE IF /\ reached
                                                                          /\ node_exec_state = "FAILED"
                                                                       THEN "FAILED"
                                                                  ELSE nodes_undone[m]]
                                       /\ phase' = IF holds THEN "DONE" ELSE phase
                                       /\ panic' = IF log_copy[n] # "STARTED" THEN "BAD_EVENT"
                                                   ELSE IF node_errors[n] \/ node_outputs[n]
                                                        THEN "FINISHED_TWICE"
                                                   ELSE IF nodes_undone[n] # "NO" THEN "UNDONE_TWICE"
                                                   ELSE IF \E m \in Node :
                                                               /\ Reached(memory, m, n)
                                                               /\ NodeExecState(memory, m) = "NO_NODE_ERROR"
                                                        THEN "NODE_ERROR"
                                                   ELSE IF \E m \in Node :
                                                               /\ Reached(memory, m, n)
                                                               /\ NodeExecState(memory, m) = "NO_UNDO_ERROR"
                                                        THEN "UNDO_ERROR"
                                                   ELSE IF \E m \in Node :
                                                               /\ Reached(memory, m, n)
                                                               /\ NodeExecState(memory, m) = "TWO_STATES"
                                                        THEN "TWO_STATES"
                                                   ELSE IF \E m \in Node :
                                                               /\ Reached(memory, m, n)
                                                               /\ NodeExecState(memory, m) = "UNDETERMINED"
                                                        THEN "UNDETERMINED"
                                                   ELSE IF \/ \E m \in Node :
                                                                  /\ Reached(memory, m, n)
                                                                  /\ NodeExecState(memory, m) = "UNDO_FAILED"
                                                           \/ \E m \in Node :
                                                                  /\ Reached(memory, m, n)
                                                                  /\ NodeExecState(memory, m) = "UNDO_IN_PROGRESS"
                                                        THEN "REVISITED"
                                                   ELSE IF \/ /\ holds
                                                              /\ phase # "DONE"
                                                              /\ \E m \in Node :
                                                                     queue_todo[m] \/ queue_undo'[m]
                                                           \/ holds /\ phase = "DONE"
                                                        THEN "BAD_DONE"
                                                   ELSE panic
                           /\ pc' = IF phase' = "DONE" THEN "FINISH" ELSE "KICK_OFF"
                      ELSE /\ phase' = IF stopping /\ (\A m \in Node : ~node_tasks'[m]) THEN "DONE"
                                       ELSE phase
                           /\ pc' = IF phase' = "DONE" THEN "FINISH" ELSE "KICK_OFF"
                           /\ panic' = value2
                           /\ UNCHANGED <<queue_undo, nodes_undone>>
    /\ UNCHANGED <<queue_todo, node_outputs, undo_errors, stopping, log, undo_work, effect,
                   history_of_nodes, log_writer>>

\* The loop takes the report that n is undone.
TakeUndoSuccess(n) ==
    /\ Alive
    /\ pc = "RECEIVE"
    /\ undo_work[n] = "SENT_OK"
    /\ log_copy' = [log_copy EXCEPT ![n] = "UNDO_FINISHED"]
    /\ node_tasks' = [node_tasks EXCEPT ![n] = FALSE]
    /\ undo_work' = [undo_work EXCEPT ![n] = "NONE"]
    /\ memory_writer' = "LOOP"
    /\ IF stopping
       THEN /\ nodes_undone' = [m \in Node |-> IF m = n THEN "UNDONE" ELSE nodes_undone[m]]
            /\ phase' = IF n = Start \/ (\A m \in Node : ~node_tasks'[m]) THEN "DONE" ELSE phase
            /\ panic' = IF log_copy[n] # "UNDO_STARTED" THEN "BAD_EVENT"
                        ELSE IF nodes_undone[n] # "NO" THEN "UNDONE_TWICE"
                        ELSE IF n = Start THEN "BAD_DONE"
                        ELSE panic
            /\ UNCHANGED queue_undo
       ELSE LET memory == [Memory EXCEPT !.log_copy = log_copy', !.node_tasks = node_tasks']
                memory2 == [Memory EXCEPT !.log_copy = log_copy',
                                          !.node_tasks = node_tasks',
                                          !.nodes_undone = nodes_undone',
                                          !.queue_undo = queue_undo']
                holds == n = Start \/ Settled(memory2, Start, n)
            IN  /\ queue_undo' = [m \in Node |->
                                     \/ Reached(memory, m, n) /\ NodeExecState(memory, m) = "DONE"
                                     \/ queue_undo[m]]
                /\ nodes_undone' = [m \in Node |->
                                       LET reached == Reached(memory, m, n)
                                           node_exec_state == NodeExecState(memory, m)
                                       IN  IF m = n THEN "UNDONE"
                                           ELSE IF reached /\ node_exec_state = "BLOCKED"
                                                THEN "NEVER_RAN"
                                           ELSE IF reached /\ node_exec_state = "FAILED"
                                                THEN "FAILED"
                                           ELSE nodes_undone[m]]
                /\ phase' = IF holds THEN "DONE" ELSE phase
                /\ panic' = IF log_copy[n] # "UNDO_STARTED" THEN "BAD_EVENT"
                            ELSE IF nodes_undone[n] # "NO" THEN "UNDONE_TWICE"
                            ELSE IF \E m \in Node :
                                        /\ Reached(memory, m, n)
                                        /\ NodeExecState(memory, m) = "NO_NODE_ERROR"
                                 THEN "NODE_ERROR"
                            ELSE IF \E m \in Node :
                                        /\ Reached(memory, m, n)
                                        /\ NodeExecState(memory, m) = "NO_UNDO_ERROR"
                                 THEN "UNDO_ERROR"
                            ELSE IF \E m \in Node :
                                        /\ Reached(memory, m, n)
                                        /\ NodeExecState(memory, m) = "TWO_STATES"
                                 THEN "TWO_STATES"
                            ELSE IF \E m \in Node :
                                        /\ Reached(memory, m, n)
                                        /\ NodeExecState(memory, m) = "UNDETERMINED"
                                 THEN "UNDETERMINED"
                            ELSE IF \/ \E m \in Node :
                                           /\ Reached(memory, m, n)
                                           /\ NodeExecState(memory, m) = "UNDO_FAILED"
                                    \/ \E m \in Node :
                                           /\ Reached(memory, m, n)
                                           /\ NodeExecState(memory, m) = "UNDO_IN_PROGRESS"
                                 THEN "REVISITED"
                            ELSE IF \/ /\ holds
                                       /\ phase # "DONE"
                                       /\ \E m \in Node : queue_todo[m] \/ queue_undo'[m]
                                    \/ holds /\ phase = "DONE"
                                 THEN "BAD_DONE"
                            ELSE panic
    /\ pc' = IF phase' = "DONE" THEN "FINISH" ELSE "KICK_OFF"
    /\ UNCHANGED <<queue_todo, node_outputs, node_errors, undo_errors, stopping, log, work, effect,
                   history_of_nodes, log_writer>>

\* The loop takes the report that the undo action of n failed.
TakeUndoFailure(n) ==
    /\ Alive
    /\ pc = "RECEIVE"
    /\ undo_work[n] = "SENT_FAIL"
    /\ log_copy' = [log_copy EXCEPT ![n] = "UNDO_FAILED"]
    /\ node_tasks' = [node_tasks EXCEPT ![n] = FALSE]
    /\ undo_errors' = [undo_errors EXCEPT ![n] = TRUE]
    /\ undo_work' = [undo_work EXCEPT ![n] = "NONE"]
    /\ phase' = IF \A m \in Node : ~node_tasks'[m] THEN "DONE" ELSE phase
    /\ pc' = IF phase' = "DONE" THEN "FINISH" ELSE "KICK_OFF"
    /\ stopping' = TRUE
    /\ memory_writer' = "LOOP"
    /\ IF log_copy[n] = "UNDO_STARTED"
       THEN /\ panic' = IF undo_errors[n] THEN "FINISHED_TWICE"
                        ELSE IF \/ /\ stopping => (\E m \in Node : node_tasks'[m])
                                   /\ phase = "RUNNING"
                                \/ phase = "DONE" /\ ~stopping
                             THEN "STUCK_AGAIN"
                        ELSE panic
       ELSE /\ panic' = "BAD_EVENT"
    /\ UNCHANGED <<queue_todo, queue_undo, node_outputs, node_errors, nodes_undone, log, work,
                   effect, history_of_nodes, log_writer>>

\* The loop comes to rest and writes the cached state Done.
Finish ==
    /\ Alive
    /\ pc = "FINISH"
    /\ pc' = "WRITE_DONE"
    /\ UNCHANGED <<memory_of_nodes, phase, stopping, panic, log, workers_vars, effect,
                   history_vars>>

\* The result of the saga is read.
ReadResult ==
    /\ Alive
    /\ pc = "RESULT"
    /\ LET undone == (\E n \in Node : undo_errors[n]) \/ nodes_undone[Start] # "NO"
       IN  /\ pc' = "REST"
           /\ panic' = IF undone /\ (\A n \in Node : ~node_errors[n]) THEN "NO_CAUSE" ELSE panic
    /\ UNCHANGED <<memory_of_nodes, phase, stopping, log, workers_vars, effect, history_vars>>

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Actions: recovery                                                         *)
(*****************************************************************************)

\* A new process reads the durable log and rebuilds memory from it.
Recover ==
    /\ pc = "DOWN"
    /\ IF \E n \in Node : LogRefused(n)
       THEN /\ pc' = "REFUSED"
            /\ UNCHANGED <<log_copy, queue_todo, queue_undo, node_outputs, node_errors,
                           nodes_undone, undo_errors, phase, stopping, panic, memory_writer>>
       ELSE LET unwinding == LogUnwinding
                stuck == \E n \in Node : log[n] = "UNDO_FAILED"
            IN  /\ log_copy' = log
                /\ queue_todo' = [n \in Node |->
                                     LET ready_to_run == \A p \in Parents[n] : log[p] = "SUCCEEDED"
                                     IN  \/ log[n] = "STARTED"
                                         \/ log[n] = "NEVER_STARTED" /\ ~unwinding /\ ready_to_run]
                /\ queue_undo' = [n \in Node |->
                                     LET ready_to_undo == \A c \in Children[n] : WasUndone[c]
                                     IN  \/ log[n] = "UNDO_STARTED"
                                         \/ log[n] = "SUCCEEDED" /\ unwinding /\ ready_to_undo]
                /\ node_outputs' = [n \in Node |-> log[n] \in {"SUCCEEDED", "UNDO_STARTED"}]
                /\ node_errors' = [n \in Node |-> log[n] = "FAILED"]
                /\ nodes_undone' = [n \in Node |->
                                       LET ready_to_undo == \A c \in Children[n] : WasUndone[c]
                                       IN  IF log[n] = "UNDO_FINISHED" THEN "UNDONE"
                                           ELSE IF /\ log[n] = "NEVER_STARTED"
                                                   /\ unwinding
                                                   /\ ready_to_undo
                                                THEN "NEVER_RAN"
                                           ELSE IF log[n] = "FAILED" /\ ready_to_undo THEN "FAILED"
                                           ELSE nodes_undone[n]]
                /\ undo_errors' = [n \in Node |-> log[n] = "UNDO_FAILED"]
                /\ memory_writer' = "LOOP"
                /\ IF stuck \/ log[End] = "SUCCEEDED" \/ (unwinding /\ WasUndone[Start])
                   THEN LET finished == log[End] = "SUCCEEDED" \/ (unwinding /\ WasUndone[Start])
                            queued == \E n \in Node : queue_todo'[n] \/ queue_undo'[n]
                        IN  /\ pc' = "WRITE_DONE"
                            /\ phase' = "DONE"
                            /\ stopping' = stuck
                            /\ panic' = IF panic = "NONE" /\ finished /\ (stuck \/ queued)
                                        THEN "RECOVERY_BAD_DONE"
                                        ELSE panic
                   ELSE /\ pc' = "KICK_OFF"
                        /\ phase' = IF unwinding THEN "UNWINDING" ELSE "RUNNING"
                        /\ stopping' = FALSE
                        /\ UNCHANGED panic
    /\ UNCHANGED <<node_tasks, log, workers_vars, effect, history_of_nodes, log_writer>>

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Actions: observer                                                         *)
(*****************************************************************************)

\* An observer asks for the state of every node.
\*
\* Where somebody may insist that the lock is free, the observer is seen to hold it; elsewhere its
\* holding the lock only makes others wait, and the query is this one step. A fair lock lets others
\* in between two queries, so none is asked for ever.
AskStatus ==
    /\ Alive
    /\ panic' = IF \E n \in Node : NodeExecState(Memory, n) = "NO_NODE_ERROR" THEN "NODE_ERROR"
                ELSE IF \E n \in Node : NodeExecState(Memory, n) = "NO_UNDO_ERROR" THEN "UNDO_ERROR"
                ELSE IF \E n \in Node : NodeExecState(Memory, n) = "TWO_STATES" THEN "TWO_STATES"
                ELSE IF \E n \in Node : NodeExecState(Memory, n) = "UNDETERMINED"
                     THEN "UNDETERMINED"
                ELSE panic
    /\ UNCHANGED <<memory_of_nodes, pc, phase, stopping, log, workers_vars, effect, history_vars>>

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Actions: crash                                                            *)
(*****************************************************************************)

\* The process dies: everything but the durable log is gone.
\*
\* A durable write that is pending may have taken effect before (the store's step) or never will. A
\* panic leaves this step only. The history of runs forgets those whose completion is not durable.
Crash ==
    /\ pc \notin {"DOWN", "REFUSED", "WALK", "WALK_FIRST"} \/ panic # "NONE"
    /\ log_copy' = [n \in Node |-> "NEVER_STARTED"]
    /\ queue_todo' = [n \in Node |-> FALSE]
    /\ queue_undo' = [n \in Node |-> FALSE]
    /\ node_tasks' = [n \in Node |-> FALSE]
    /\ node_outputs' = [n \in Node |-> FALSE]
    /\ node_errors' = [n \in Node |-> FALSE]
    /\ nodes_undone' = [n \in Node |-> "NO"]
    /\ undo_errors' = [n \in Node |-> FALSE]
    /\ work' = [n \in Node |-> "NONE"]
    /\ undo_work' = [n \in Node |-> "NONE"]
    /\ runs' = [n \in Node |-> IF log[n] \in {"NEVER_STARTED", "STARTED"} THEN "NO" ELSE "ONCE"]
    /\ undo_runs' = [n \in Node |->
                        IF log[n] \in {"UNDO_FINISHED", "UNDO_FAILED"} THEN "ONCE" ELSE "NO"]
    /\ pc' = "DOWN"
    /\ phase' = "RUNNING"
    /\ stopping' = FALSE
    /\ panic' = "NONE"
    /\ memory_writer' = "NOBODY"
    /\ UNCHANGED <<log, effect, log_writer>>

-------------------------------------------------------------------------------
(*****************************************************************************)
(* The next-state relation                                                   *)
(*****************************************************************************)

WorldSteps ==
    \E n \in Node :
       \/ TakeEffect(n)
       \/ RemoveEffect(n)

WorkerSteps ==
    \E n \in Node :
       \/ Succeed(n)
       \/ Fail(n)
       \/ SucceedUndo(n)
       \/ FailUndo(n)

StoreSteps ==
    \/ \E n \in Node :
          \/ StartLands(n)
          \/ SuccessLands(n)
          \/ FailureLands(n)
          \/ UndoStartLands(n)
          \/ UndoSuccessLands(n)
          \/ UndoFailureLands(n)
    \/ UnwindingLands
    \/ DoneLands

LoopSteps ==
    \/ KickOff
    \/ \E n \in Node :
          \/ TakeSuccess(n)
          \/ TakeFailure(n)
          \/ TakeUndoSuccess(n)
          \/ TakeUndoFailure(n)
    \/ Finish
    \/ ReadResult

Next ==
    \/ WorldSteps
    \/ WorkerSteps
    \/ StoreSteps
    \/ LoopSteps
    \/ Recover
    \/ AskStatus
    \/ Crash

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Fairness                                                                  *)
(*****************************************************************************)

\* Weak fairness of each step for itself: one that stays possible from some time on is taken. This
\* is assumed of every action but AskStatus and Crash.
Fairness ==
    /\ \A n \in Node :
          /\ WF_vars(TakeEffect(n))
          /\ WF_vars(Succeed(n))
          /\ WF_vars(Fail(n))
          /\ WF_vars(RemoveEffect(n))
          /\ WF_vars(SucceedUndo(n))
          /\ WF_vars(FailUndo(n))
          /\ WF_vars(StartLands(n))
          /\ WF_vars(SuccessLands(n))
          /\ WF_vars(FailureLands(n))
          /\ WF_vars(UndoStartLands(n))
          /\ WF_vars(UndoSuccessLands(n))
          /\ WF_vars(UndoFailureLands(n))
    /\ WF_vars(KickOff)
    /\ \A n \in Node :
          /\ WF_vars(TakeSuccess(n))
          /\ WF_vars(TakeFailure(n))
          /\ WF_vars(TakeUndoSuccess(n))
          /\ WF_vars(TakeUndoFailure(n))
    /\ WF_vars(UnwindingLands)
    /\ WF_vars(DoneLands)
    /\ WF_vars(Finish)
    /\ WF_vars(ReadResult)
    /\ WF_vars(Recover)

\* What is promised is promised where, from some time on, there is no step of AskStatus and Crash
\* any more.
FinitelyOften ==
    /\ <>[][~AskStatus]_vars
    /\ <>[][~Crash]_vars

Spec == Init /\ [][Next]_vars /\ Fairness /\ FinitelyOften

-------------------------------------------------------------------------------
(*****************************************************************************)
(* Helpers of the properties                                                 *)
(*****************************************************************************)

\* A status query could look at memory now.
Visible == Alive

\* The loop rests and no worker is left.
AtRest ==
    pc = "REST" /\ \A n \in Node : work[n] = "NONE" /\ undo_work[n] = "NONE"

\* Nothing of n is in memory, and nobody works on it.
Forgotten(n) ==
    LET queued == queue_todo[n] \/ queue_undo[n] \/ node_tasks[n]
        kept == node_outputs[n] \/ node_errors[n] \/ undo_errors[n] \/ nodes_undone[n] # "NO"
        working == work[n] # "NONE" \/ undo_work[n] # "NONE"
    IN  ~queued /\ ~kept /\ ~working /\ log_copy[n] = "NEVER_STARTED"

\* The process is alive, and may crash once more.
MayCrash == Alive

\* A durable write of a worker of n is pending.
Writing(n) == work[n] \in WritingSet \/ undo_work[n] \in WritingSet

\* The saga rests; or a panic or a refused recovery, which other properties name, has ended it.
Ended == AtRest \/ panic # "NONE" \/ pc = "REFUSED"

-------------------------------------------------------------------------------
(*****************************************************************************)
(* What must always hold                                                     *)
(*****************************************************************************)

\* A node with `started` (`undo_started`) in the durable log is at least that far in memory.
\* Because an observer who reads the log must not know more of a saga than its executor does (steno
\* #461: start events in memory first).
StartMemoryFirst ==
    \A n \in Node :
        LET undo_known == log[n] \in UndoBegun => log_copy[n] \in UndoBegun
        IN  Alive => (log[n] = "NEVER_STARTED" \/ log_copy[n] # "NEVER_STARTED") /\ undo_known

\* A completion that can be seen in memory is in the durable log.
\* Because a dependent must never become runnable on a completion that a crash could take back
\* (steno #461: completion events durably first; LangGraph #8039).
CompletionDurableFirst ==
    \A n \in Node :
        LET done == log_copy[n] \in Completed => log[n] \in Completed
            undone == log_copy[n] \in {"UNDO_FINISHED", "UNDO_FAILED"} =>
                          log[n] \in {"UNDO_FINISHED", "UNDO_FAILED"}
        IN  Visible => done /\ undone

\* While an action (undo action) runs, or has run, its start event is durable.
\* Because a node whose action may have run must never look, after a crash, as if it had not started
\* (steno #461; write-ahead logging).
WriteAheadIntent ==
    \A n \in Node :
        LET action == work[n] \notin Ran \/ log[n] # "NEVER_STARTED"
            undo == undo_work[n] \in Ran => log[n] \in UndoBegun
        IN  action /\ undo

\* Whenever the lock is free, every node has one state, and without a live task the one that its log
\* copy says.
\* Because status, and the unwinding itself, decide by what memory says of a node (steno #17 (panic
\* in node_exec_state), omicron #8580).
NoTornState ==
    \A n \in Node :
        LET shown == NodeExecState(Memory, n)
        IN  Visible =>
                /\ shown \notin Broken
                /\ \/ node_tasks[n]
                   \/ /\ log_copy[n] = "NEVER_STARTED"
                      /\ shown \in {"BLOCKED", "QUEUED_TO_RUN", "UNDONE_NEVER_RAN"}
                   \/ log_copy[n] = "STARTED" /\ shown = "QUEUED_TO_RUN"
                   \/ log_copy[n] = "SUCCEEDED" /\ shown \in {"DONE", "QUEUED_TO_UNDO"}
                   \/ log_copy[n] = "FAILED" /\ shown \in {"FAILED", "UNDONE_FAILED"}
                   \/ log_copy[n] = "UNDO_STARTED" /\ shown = "QUEUED_TO_UNDO"
                   \/ log_copy[n] = "UNDO_FINISHED" /\ shown = "UNDONE"
                   \/ log_copy[n] = "UNDO_FAILED" /\ shown = "UNDO_FAILED"

\* No assertion of the executor fails, in execution, in status or in recovery.
\* Because a panic in the executor takes every saga of the process with it (steno #17, omicron
\* #8580).
NoPanic == panic = "NONE"

\* Memory is changed by the loop only, the durable log by workers only.
\* Because two writers of one state need a critical section that spans both, and there is none
\* (steno #461).
SingleWriter ==
    LET written == \E n \in Node : log[n] # "NEVER_STARTED"
    IN  (Alive => memory_writer = "LOOP") /\ (written => log_writer = "WORKER")

\* An action runs only when all parents have durably succeeded.
\* Because an action uses the outputs of its parents, also in the next process after a crash (Sagas,
\* 1987; steno's documentation of the DAG).
DependencyOrder ==
    \A n \in Node : work[n] = "RUN" => (\A p \in Parents[n] : log[p] = "SUCCEEDED")

\* An undo action runs only when no child's action can still take effect or stands.
\* Because a child's effect may rest on its parent's (Sagas, 1987: compensation in reverse order).
UndoOrder ==
    \A n \in Node :
        undo_work[n] = "RUN" =>
            \A c \in Children[n] : ~effect[c] /\ ~queue_todo[c] /\ work[c] \notin MayTakeEffect

\* Between two crashes nothing runs twice for a node; after one, only what was not durably complete
\* runs again.
\* Because an action is idempotent at best, and only against its own interrupted run (the contract
\* of actions of steno (README: idempotence)).
AtMostOnce == \A n \in Node : runs[n] # "TWICE" /\ undo_runs[n] # "TWICE"

\* The durable log of every node is a prefix of a legal sequence.
\* Because recovery replays the log, and replays only legal sequences (steno saga_log.rs).
LegalLog == \A n \in Node : log[n] # "ILLEGAL"

\* From every reachable durable log recovery is neither refused nor panics.
\* Because a saga that cannot be recovered is lost, with its effects standing (omicron #10531, steno
\* #462).
Recoverable ==
    \A n \in Node :
        LET refused == pc = "REFUSED" /\ LogRefused(n)
            stuck_again == panic = "RECOVERY_STUCK_AGAIN" /\ log[n] = "UNDO_FAILED"
        IN  ~refused /\ ~stuck_again /\ (panic # "RECOVERY_BAD_DONE" \/ n # Start)

\* No lock is held while a durable write is pending.
\* Because while the database hangs, the state of a saga is what people want to see (steno
\* saga_exec.rs, TODO-liveness; steno #461).
StatusAvailable == TRUE

\* At rest every node has succeeded, or no effect stands, or the saga is stuck, with its undo
\* failure recorded.
\* Because it is what a saga is for (Sagas, 1987; steno's documentation).
Atomicity ==
    LET succeeded == \A n \in Node : log[n] = "SUCCEEDED"
        undone == \A n \in Node : ~effect[n]
        stuck == \E n \in Node : log[n] = "UNDO_FAILED"
    IN  AtRest => succeeded \/ undone \/ stuck

\* What the durable log says of an action is true of its effect; in between the two, either may be.
\* Because recovery, and whoever reads the log, decides by it what was done to the world (the
\* contract of actions of steno).
EffectsFollowLog ==
    \A n \in Node :
        LET stands == n \in HasUndo /\ log[n] \in {"SUCCEEDED", "UNDO_FAILED"}
        IN  /\ stands => effect[n]
            /\ \/ log[n] \notin {"NEVER_STARTED", "UNDO_FINISHED", "FAILED"} /\ n \in HasUndo
               \/ ~effect[n]

\* A loop that comes to rest does so for a saga that is Done, and stops if and only if an undo
\* action failed.
\* Because exec_state is what a client of the saga is told (steno saga_exec.rs (exec_state,
\* stopping)).
DirectionAgrees ==
    LET stops == stopping <=> (\E n \in Node : undo_errors[n])
        resting == pc \in {"FINISH", "WRITE_DONE", "RESULT", "REST"}
    IN  Alive => stops /\ (pc \in {"FINISH", "WRITE_DONE", "RESULT", "REST"} => phase = "DONE")

\* A queued node has no worker of that kind, every run is counted, and without a process memory is
\* empty.
\* Because a second worker or an uncounted run would be lost in the model, and must not pass unseen
\* (this model).
Bookkeeping ==
    \A n \in Node :
        LET empty == Forgotten(n) /\ phase = "RUNNING" /\ ~stopping /\ memory_writer = "NOBODY"
        IN  /\ queue_todo[n] => work[n] = "NONE"
            /\ queue_undo[n] => undo_work[n] = "NONE"
            /\ work[n] \notin Ran \/ runs[n] # "NO"
            /\ undo_work[n] \notin Ran \/ undo_runs[n] # "NO"
            /\ pc = "DOWN" => empty

FairStep ==
    \/ \E n \in Node :
          \/ TakeEffect(n)
          \/ Succeed(n)
          \/ Fail(n)
          \/ RemoveEffect(n)
          \/ SucceedUndo(n)
          \/ FailUndo(n)
          \/ StartLands(n)
          \/ SuccessLands(n)
          \/ FailureLands(n)
          \/ UndoStartLands(n)
          \/ UndoSuccessLands(n)
          \/ UndoFailureLands(n)
    \/ KickOff
    \/ \E n \in Node :
          \/ TakeSuccess(n)
          \/ TakeFailure(n)
          \/ TakeUndoSuccess(n)
          \/ TakeUndoFailure(n)
    \/ UnwindingLands
    \/ DoneLands
    \/ Finish
    \/ ReadResult
    \/ Recover

\* Where the specification does not let a behaviour end, some fair step is possible.
\* Because a design that can come to a halt half-way violates nothing that a single state shows.
NoDeadlock == Ended \/ ENABLED FairStep

-------------------------------------------------------------------------------
(*****************************************************************************)
(* What must be reached                                                      *)
(*                                                                           *)
(* State predicates, each of which holds in some reachable state: a model in *)
(* which nothing happens satisfies everything above. TLC finds the way to    *)
(* such a state when it is told that there is none.                          *)
(*****************************************************************************)

\* The saga rests and every node has succeeded.
Success == AtRest /\ \A n \in Node : log[n] = "SUCCEEDED"

\* The saga rests, the start node is undone, and so is an action.
CleanUnwinding ==
    \E n \in Node :
        AtRest /\ log[Start] = "UNDO_FINISHED" /\ n \in IsAction /\ log[n] = "UNDO_FINISHED"

\* The saga rests, and an undo action has failed.
Stuck == AtRest /\ \E n \in Node : log[n] = "UNDO_FAILED"

\* An action took effect and was undone: its effect is gone, and the log says so.
EffectRemoved ==
    \E n \in Node : n \in HasUndo /\ log[n] = "UNDO_FINISHED" /\ ~effect[n]

\* The process may die in the middle of an action, which runs and has taken its effect.
CrashInAction ==
    \E n \in Node :
        MayCrash /\ n \in IsAction /\ work[n] = "RUN" /\ (effect[n] \/ n \notin HasUndo)

\* The process may die in the middle of an undo action, which runs and has removed the effect.
CrashInUndo ==
    \E n \in Node : MayCrash /\ n \in IsAction /\ undo_work[n] = "RUN" /\ ~effect[n]

\* A saga was recovered going forward, with an action to be run again.
RecoveryForward ==
    \E n \in Node :
        pc = "KICK_OFF" /\ phase = "RUNNING" /\ queue_todo[n] /\ log_copy[n] = "STARTED"

\* A saga was recovered unwinding, with an undo action to be run again.
RecoveryUnwinding ==
    \E n \in Node : pc = "KICK_OFF" /\ queue_undo[n] /\ log_copy[n] = "UNDO_STARTED"

\* A status query can be answered while a durable write is pending.
StatusDuringWrite == \E n \in Node : Visible /\ Writing(n)

-------------------------------------------------------------------------------
(*****************************************************************************)
(* What must happen                                                          *)
(*****************************************************************************)

\* Every saga comes to rest: done, unwound or stuck.
\* Because a saga that never ends holds on to what it has (Sagas, 1987).
Termination == <>Ended

\* A saga whose process crashed comes to rest.
\* Because recovery is there to finish what was begun (steno #460 (tests for resuming after a
\* crash)).
ResumeProgress == (pc = "DOWN") ~> Ended

===============================================================================
