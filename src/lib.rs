//! certlet: PowerShell-like certificate operations in an embeddable script engine.

pub mod error;
pub mod model;

pub mod ca;
pub mod command;
pub mod config;
pub(crate) mod cmdlets;
pub(crate) mod engine;
pub mod format;
pub mod probe;
pub mod servers;
pub mod session;
pub mod state;
pub(crate) mod x509;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "cli")]
pub(crate) mod repl;

pub use engine::{Completeness, Engine, EngineBuilder, Failure, Library, Limits, Literal, Outcome, Output, ScriptParameter};
pub use error::{Error, ErrorId, ExitCode, Result};
pub use session::Session;

/// What must hold for any bytes, for a fuzzer: each function returns, or the property is broken.
#[doc(hidden)]
pub mod fuzz {
    pub use crate::config::fuzz::fuzz_one as configuration;
    pub use crate::engine::lower::fuzz::fuzz_one as lowering;
    pub use crate::x509::fuzz::fuzz_one as certificates;
}
