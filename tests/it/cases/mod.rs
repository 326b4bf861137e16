//! Acceptance cases: an operator's lines and the facts that must come of them.

mod assignment;
mod authority;
mod catalogue;
mod foreign;
mod names;
mod offline;
mod procedure;
mod shell;
