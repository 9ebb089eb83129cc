//! What can be seen of a run, as variables of the specification. What cannot be seen now is null, never a guess.

use std::collections::BTreeMap;

use serde_json::{json, Value};
use steno041::SagaNodeEvent;

use super::event::{Job, Kind, NEVER_STARTED};
use super::process::Process;
use super::run::{At, Run};
use super::store::{DONE, UNWINDING};
use super::world::Inner;

/// The variables that can be seen, at least at times.
pub const SHOWS: [&str; 11] =
    ["log", "effect", "runs", "undo_runs", "work", "undo_work", "pc", "panic", "lock", "log_copy", "phase"];

type Text = Option<&'static str>;

/// The state of a run.
pub fn state(run: &Run) -> BTreeMap<&'static str, Value> {
    let world = run.world.look();
    let each = |values: Vec<Value>| Value::Object(run.saga.labels.iter().cloned().zip(values).collect());
    let texts = |values: Vec<Text>| each(values.into_iter().map(|text| json!(text)).collect());
    let mut state = BTreeMap::from([
        ("log", each(world.log.iter().map(|status| json!(status)).collect())),
        ("effect", each(world.effects.iter().map(|stands| json!(stands)).collect())),
        ("runs", texts(runs(run, &world, Job::Do))),
        ("undo_runs", texts(runs(run, &world, Job::Undo))),
    ]);
    let hidden = || vec![None; world.log.len()];
    let (work, undo_work, log_copy) = match &run.at {
        At::Alive(process) => (
            stages(process, &world, Job::Do),
            stages(process, &world, Job::Undo),
            log_copy(run, process, &world).unwrap_or_else(hidden),
        ),
        At::Crashed | At::Refused => {
            (vec![Some("NONE"); world.log.len()], vec![Some("NONE"); world.log.len()], hidden())
        }
        At::Panicked(_) => (hidden(), hidden(), hidden()),
    };
    state.extend([("work", texts(work)), ("undo_work", texts(undo_work)), ("log_copy", texts(log_copy))]);
    let panic = if let At::Panicked(name) = run.at { name } else { "NONE" };
    state.extend([
        ("panic", json!(panic)),
        ("pc", json!(pc(run, &world))),
        ("lock", json!(lock(run, &world))),
        ("phase", json!(phase(run, &world))),
    ]);
    state
}

/// How often each action, or undo action, has run. What steno does for the other nodes is not seen.
fn runs(run: &Run, world: &Inner, job: Job) -> Vec<Text> {
    let shown = |(&(runs, undo_runs), is_action): (&(u32, u32), &bool)| {
        let count = if job == Job::Do { runs } else { undo_runs };
        is_action.then_some(match count {
            0 => "NO",
            1 => "ONCE",
            _ => "TWICE",
        })
    };
    world.runs.iter().zip(&run.saga.is_action).map(shown).collect()
}

/// Where the workers are.
///
/// A worker is seen while it is held. If there are no more workers than are held, nobody else is at work, but the loop
/// may not have taken the report of a worker that has ended, so that a node has none is certain only as long as its
/// completion is not durable.
fn stages(process: &Process, world: &Inner, job: Job) -> Vec<Text> {
    let held = world.bodies.len() + world.writes.keys().filter(|(_, node)| node.is_some()).count();
    let idle = |status: &&str| match job {
        Job::Do => matches!(*status, NEVER_STARTED | "STARTED"),
        Job::Undo => !matches!(*status, "UNDO_FINISHED" | "UNDO_FAILED" | "ILLEGAL"),
    };
    let all_held = process.workers() == held;
    let mut stages: Vec<Text> = world.log.iter().map(|status| (all_held && idle(status)).then_some("NONE")).collect();
    for (n, _) in world.bodies.keys().filter(|(_, running)| *running == job) {
        stages[*n] = Some("RUN");
    }
    for (step, node) in world.writes.keys() {
        if let (Some(kind), Some(n)) = (Kind::that_lands(step), node) {
            if kind.job == job {
                stages[*n] = Some(kind.stage);
            }
        }
    }
    stages
}

/// The log in memory: when the saga has ended, as it was then; else as an observer was told during the last step, but
/// for nodes of which an event was recorded during that step, perhaps after the answer.
fn log_copy(run: &Run, process: &Process, world: &Inner) -> Option<Vec<Text>> {
    if let Some(events) = process.result() {
        return Some(replayed(events, world.log.len()));
    }
    let mut shown = replayed(&run.answer.as_ref()?.events, world.log.len());
    for n in &world.recorded {
        shown[*n] = None;
    }
    Some(shown)
}

fn replayed(events: &[SagaNodeEvent], nodes: usize) -> Vec<Text> {
    let mut log = vec![NEVER_STARTED; nodes];
    for event in events {
        Kind::of(&event.event_type).follow(&mut log[u32::from(event.node_id) as usize]);
    }
    log.into_iter().map(Some).collect()
}

/// Where the loop is, if it writes or does nothing more.
fn pc(run: &Run, world: &Inner) -> Text {
    match &run.at {
        At::Crashed => Some("DOWN"),
        At::Refused => Some("REFUSED"),
        At::Panicked(_) => None,
        At::Alive(process) if process.result().is_some() => Some("REST"),
        At::Alive(_) if world.writes.contains_key(&(UNWINDING, None)) => Some("WRITE_UNWINDING"),
        At::Alive(_) if world.writes.contains_key(&(DONE, None)) => Some("WRITE_DONE"),
        At::Alive(_) => None,
    }
}

/// The direction of the saga, as it told the store or its waiter.
fn phase(run: &Run, world: &Inner) -> Text {
    match pc(run, world) {
        Some("WRITE_UNWINDING") => Some("UNWINDING"),
        Some("WRITE_DONE" | "REST") => Some("DONE"),
        _ => None,
    }
}

/// Who holds the lock: whoever writes while an observer waits for it; nobody, when an observer has had it and nobody
/// writes.
fn lock(run: &Run, world: &Inner) -> Text {
    let At::Alive(process) = &run.at else { return None };
    if process.is_asked() {
        let (_, node) = world.writes.keys().next()?;
        return Some(if node.is_some() { "WORKER" } else { "LOOP" });
    }
    let answered = run.answer.as_ref().is_some_and(|answer| answer.locked);
    (answered && world.writes.is_empty()).then_some("FREE")
}
