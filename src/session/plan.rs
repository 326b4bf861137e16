//! What a verb wants changed, before anything is.

use super::executor::OnFailure;
use crate::error::ExitCode;
use crate::model::{EndpointProof, Fingerprint, Verdict};
use crate::state::{BindingKey, Write};

/// Steps that belong together: all of them happen, or none.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What `-WhatIf` shows and `-Confirm` asks about, one entry each: operation and target.
    pub lines: Vec<(String, String)>,
    /// The bindings that are to serve something else.
    pub deployments: Vec<Deployment>,
    /// The rows that go with it, written together with the commit mark.
    pub rows: Vec<Write>,
    /// What becomes of a failure.
    pub on_failure: OnFailure,
}

impl Default for Plan {
    fn default() -> Self {
        Self { lines: Vec::new(), deployments: Vec::new(), rows: Vec::new(), on_failure: OnFailure::Undo }
    }
}

impl Plan {
    /// Adds a line for `-WhatIf` and `-Confirm`.
    pub fn line(&mut self, operation: impl Into<String>, target: impl Into<String>) {
        self.lines.push((operation.into(), target.into()));
    }
}

/// A binding that is to serve a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The binding and slot.
    pub binding: BindingKey,
    /// The use it is for.
    pub use_name: String,
    /// The certificate; `None` takes away what is there.
    pub certificate: Option<Fingerprint>,
}

/// What came of a plan.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// Whether the plan was carried out; false under `-WhatIf` and when the operator said no.
    pub done: bool,
    /// Whether anything was written.
    pub changed: bool,
    /// The proof of every endpoint of every deployment.
    pub proofs: Vec<EndpointProof>,
}

impl Receipt {
    /// The exit code that the proofs come to.
    pub fn exit(&self) -> ExitCode {
        self.proofs.iter().map(|p| exit_of(p.verdict)).fold(ExitCode::Done, ExitCode::gravest)
    }
}

/// The exit code that a verdict comes to.
pub fn exit_of(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Proven | Verdict::NotApplicable => ExitCode::Done,
        Verdict::Partial | Verdict::Unproven => ExitCode::Unproven,
        Verdict::Contradicted => ExitCode::PutBack,
    }
}
