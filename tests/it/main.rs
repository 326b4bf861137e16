//! Tests of the program as it is run: one binary, one module for each subject.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cases;
mod cli;
mod cli_completions;
mod cli_home;
mod cli_run;
mod common;
mod embed;
mod examples;
mod fuzz_seeds;
mod inventory;
mod language;
mod parameters;
mod peers;
mod readme;
mod registry;
mod renewal;
mod repl;
mod tidy;
mod world;
