//! Which panics a piece of code met, and where.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{catch_unwind, resume_unwind, set_hook, take_hook, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// A panic: the place in the source, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    pub file: String,
    pub line: u32,
    pub message: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

thread_local! {
    /// The panics of this thread while it listens, the oldest first.
    static HEARD: RefCell<Option<Vec<Panic>>> = const { RefCell::new(None) };
}

/// Runs `code` and returns what it returned, with every panic on this thread that something in it (a runtime's task,
/// say) caught, the oldest first. They are not printed. A panic that leaves `code` leaves this function too.
pub fn heard<T>(code: impl FnOnce() -> T) -> (T, Vec<Panic>) {
    listen();
    HEARD.set(Some(Vec::new()));
    let result = catch_unwind(AssertUnwindSafe(code));
    let panics = HEARD.take().expect("nobody else stops listening on this thread");
    match result {
        Ok(value) => (value, panics),
        Err(payload) => {
            panics.iter().for_each(|panic| eprintln!("panicked at {panic}"));
            resume_unwind(payload)
        }
    }
}

/// Puts our hook before the one that is there, once for all threads.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let otherwise = take_hook();
        set_hook(Box::new(move |info| {
            if !HEARD.with_borrow_mut(|heard| heard.as_mut().map(|panics| panics.push(panic(info))).is_some()) {
                otherwise(info);
            }
        }));
    });
}

fn panic(info: &PanicHookInfo<'_>) -> Panic {
    let (file, line) = info.location().map_or((String::new(), 0), |place| (place.file().to_owned(), place.line()));
    Panic { file, line, message: message(info.payload()) }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let fixed = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    fixed.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}
