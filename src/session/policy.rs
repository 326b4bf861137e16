//! Who acts, and what they may do here: guard rails against mistakes, not the boundary.

use crate::error::{Error, ErrorId, Result};

/// Who acts, and what is allowed.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The operating-system user.
    pub user: String,
    /// The principal that is asserted; the user where none is.
    pub principal: String,
    /// Who may change this computer; compared without case.
    pub administrators: Vec<String>,
    /// A name of this machine that stays the same over reboots.
    pub machine: String,
    /// Whether nothing at all may be changed.
    pub read_only: bool,
}

impl Policy {
    /// A user who may change everything, on a machine called `localhost`.
    pub fn everything(user: impl Into<String>) -> Self {
        let user = user.into();
        Self {
            principal: user.clone(),
            administrators: vec![user.clone()],
            user,
            machine: "localhost".to_owned(),
            read_only: false,
        }
    }

    /// Refuses who may not change this computer.
    ///
    /// # Errors
    /// `ReadOnlySession`, `NotAdministrator`.
    pub fn check_change(&self) -> Result<()> {
        if self.read_only {
            return Err(Error::new(ErrorId::ReadOnlySession, "this session only reads"));
        }
        if self.administrators.iter().any(|a| a.eq_ignore_ascii_case(&self.principal)) {
            return Ok(());
        }
        Err(Error::new(ErrorId::NotAdministrator, format!("`{}` is no administrator of this computer", self.principal))
            .about(self.principal.clone()))
    }
}
