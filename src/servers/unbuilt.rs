//! Server programs that the configuration may name and that nobody here can change.

use super::{Image, Material, ObjectId, ObjectState, Server};
use crate::error::{Error, ErrorId, Result};
use crate::state::BindingKey;

/// A site of a program that can be declared, listed and probed, and not changed from here.
pub struct Unbuilt {
    program: String,
}

impl Unbuilt {
    /// Takes the program's name.
    pub fn new(program: impl Into<String>) -> Self {
        Self { program: program.into() }
    }

    fn refuse<T>(&self) -> Result<T> {
        Err(Error::new(
            ErrorId::NoTransport,
            format!("a site with `host = \"{}\"` can be probed here and not changed", self.program),
        )
        .about(self.program.clone())
        .hint(
            "`host = \"files\"` with the program's own `test` and `reload` commands works for programs that read files",
        ))
    }
}

impl Server for Unbuilt {
    fn images(&self, _: &BindingKey, _: &Material<'_>) -> Result<Vec<(ObjectId, Image)>> {
        self.refuse()
    }

    fn objects(&self, _: &BindingKey) -> Vec<ObjectId> {
        Vec::new()
    }

    fn observe(&self, _: &ObjectId) -> Result<ObjectState> {
        self.refuse()
    }

    fn read(&self, _: &ObjectId) -> Result<Option<Image>> {
        self.refuse()
    }

    fn put(&self, _: &ObjectId, _: Option<&Image>) -> Result<()> {
        self.refuse()
    }

    fn activation(&self) -> String {
        String::new()
    }

    fn check(&self) -> Result<()> {
        self.refuse()
    }

    fn activate(&self) -> Result<()> {
        self.refuse()
    }
}
