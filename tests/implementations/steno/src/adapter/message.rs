//! The form of messages and replies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;

/// What the driver says.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Message {
    Hello {
        #[serde(rename = "protocol")]
        _protocol: i64,
    },
    Load(Load),
    Step {
        step: String,
        node: Option<String>,
    },
    End,
}

/// A new run begins.
#[derive(Debug, Deserialize)]
pub struct Load {
    pub document: Value,
    pub labels: Vec<String>,
    pub predicates: Predicates,
    pub environment: BTreeMap<String, String>,
}

/// For each node whether it is so.
#[derive(Debug, Deserialize)]
pub struct Predicates {
    pub has_undo: Vec<bool>,
    pub may_fail: Vec<bool>,
    pub may_fail_undo: Vec<bool>,
}

impl Predicates {
    pub fn lists(&self) -> [(&'static str, &[bool]); 3] {
        [("has_undo", &self.has_undo), ("may_fail", &self.may_fail), ("may_fail_undo", &self.may_fail_undo)]
    }
}

/// What the adapter answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply {
    Hello(Hello),
    Now(Now),
    End { outcome: &'static str },
    Error { error: String },
}

/// What is declared of the implementation.
#[derive(Debug, Serialize)]
pub struct Hello {
    pub protocol: u32,
    pub implementation: &'static str,
    pub version: &'static str,
    pub language: &'static str,
    pub capabilities: &'static [&'static str],
    pub steps: &'static [&'static str],
    pub internal: &'static [&'static str],
    pub waits: &'static [&'static str],
    pub shows: &'static [&'static str],
}

/// What came of load or of a step, and what is seen now.
#[derive(Debug, Default, Serialize)]
pub struct Now {
    pub outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<Vec<Offer>>,
    pub offers: Vec<Offer>,
    pub state: BTreeMap<&'static str, Value>,
}

/// A step, and the label of its node.
#[derive(Debug, PartialEq, Serialize)]
pub struct Offer {
    pub step: &'static str,
    pub node: Option<String>,
}
