//! Conversations with the adapter. The name of each test is the claim.
//!
//! | tests | are about |
//! | --- | --- |
//! | `status` | what an observer is told, and when |
//! | `assertions` | how to lead steno 0.4.1 into its assertions, and into one schedule that does not |
//! | `crash` | what a crash leaves, and what recovery refuses |
//! | `bodies` | what actions and undo actions offer |
//! | `messages` | what is no message, and what is declared |

mod assertions;
mod bodies;
mod crash;
mod messages;
mod status;
mod talk;

/// Up to where a and b of [`talk::JOIN`] run.
const BOTH_RUN: &str = "start_lands(start) success_lands(start) start_lands(b) start_lands(a)";

/// On to where both are done, c has failed, and b is about to be undone.
const C_FAILS: &str = "take_effect(a) succeed(a) success_lands(a) take_effect(b) succeed(b) success_lands(b) \
                       start_lands(c) fail(c) failure_lands(c) unwinding_lands";
