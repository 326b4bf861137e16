//! certlet: PowerShell-like certificate operations in an embeddable script engine.

pub mod error;
pub mod model;

pub(crate) mod ca;
pub mod command;
pub mod config;
pub(crate) mod cmdlets;
pub(crate) mod engine;
pub(crate) mod format;
pub(crate) mod probe;
pub(crate) mod servers;
pub(crate) mod session;
pub(crate) mod state;
pub(crate) mod x509;

pub use error::{Error, ErrorId, ExitCode, Result};
