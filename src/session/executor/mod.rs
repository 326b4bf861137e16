//! The executor: every change of state goes through here.

mod commit;
mod core;
#[cfg(test)]
mod core_tests;
mod drive;
mod images;
mod operation;
mod recover;

pub(super) use drive::{lease, lease_of};
pub(crate) use operation::AssignmentChange;
pub use operation::OnFailure;
pub(crate) use recover::{RecoverOrder, Recovered};
