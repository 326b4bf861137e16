//! Acceptance cases: an operator's lines and the facts that must come of them.

mod assignment;
mod authority;
mod catalogue;
mod enrolment;
pub(crate) mod foreign;
mod lines;
mod names;
mod offline;
mod procedure;
mod shell;
mod topology;
mod web;
