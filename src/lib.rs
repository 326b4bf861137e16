//! certlet: PowerShell-like certificate operations in an embeddable script engine.
//!
//! A [`Session`] is everything that a verb may touch; an [`Engine`] runs command lines and Rhai scripts
//! against it. The library never prints, never prompts, never exits and never reads the environment: the
//! host brings a clock, a console, authorities, server programs and state, or leaves the defaults.
//!
//! ```
//! use certlet::session::Policy;
//! use certlet::{Engine, Session};
//!
//! let topology = certlet::config::topology_of_text("topology.toml", r#"
//!     version = 1
//!     [forest]
//!     local_computer = "web1.example.net"
//!     [[use]]
//!     name = "Shop"
//!     names = ["shop.example.com", "www.shop.example.com"]
//!     [[pool]]
//!     fqdn = "shop.example.com"
//!     role = "Service"
//!     uses = ["Shop"]
//!     computers = ["web1.example.net"]
//! "#)?;
//! let policy = Policy::everything("operator");
//! let engine = Engine::new(Session::builder().topology(topology).policy(policy).build());
//! let names = engine.eval("Get-TlsName -Type Shop | Select-Object -ExpandProperty Name")?;
//! assert_eq!(names.objects.len(), 2);
//! # Ok::<(), certlet::Error>(())
//! ```

#![cfg_attr(
    not(feature = "cli"),
    allow(dead_code, unused_imports, reason = "the program uses what the library alone does not")
)]

pub mod ca;
pub(crate) mod cmdlets;
pub mod command;
pub mod config;
pub(crate) mod engine;
pub mod error;
pub mod format;
pub mod model;
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

pub use engine::{
    Candidate, Completeness, Completions, Engine, EngineBuilder, Entry, Expiry, Failure, Hint, Library, Limits,
    Literal, Outcome, Output, Painted, Prompt, ScriptParameter, Style,
};
pub use error::{Error, ErrorId, ExitCode, Result};
pub use session::Session;
pub use x509::{PrivateKey, parse_certificate};

/// What must hold for any bytes, for a fuzzer: each function returns, or the property is broken.
#[doc(hidden)]
pub mod fuzz {
    pub use crate::config::fuzz::fuzz_one as configuration;
    pub use crate::config::fuzz::topology_xml;
    pub use crate::engine::bind::fuzz::fuzz_one as binding;
    pub use crate::engine::lower::fuzz::fuzz_one as lowering;
    pub use crate::x509::fuzz::{fuzz_one as certificates, fuzz_pfx as pfx, read_one as file};
}
