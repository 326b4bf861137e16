//! Acceptance cases: an operator's lines and the facts that must come of them.

mod assignment;
mod authority;
pub(crate) mod foreign;
mod names;
mod offline;
mod procedure;
mod shell;
mod web;
