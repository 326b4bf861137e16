//! The executor: every change of state goes through here.

mod core;
#[cfg(test)]
mod core_tests;
mod operation;

pub(crate) use operation::{ActivationStep, Entry, Goal, ObjectStep, OnFailure, Operation};
