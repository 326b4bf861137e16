//! An authority that is known and never answers.

use super::{Answer, Authority, Context, Inquiry, Submission};
use crate::error::{Error, ErrorId, Result};
use crate::model::Certificate;

/// An authority that is declared with `kind = "down"`: every question to it ends as one to a dead server does.
#[derive(Clone, Debug)]
pub struct Down {
    config: String,
    why: String,
}

impl Down {
    /// Takes the `host\instance` under which it is known.
    pub fn new(config: impl Into<String>) -> Self {
        Self::because(config, "the RPC server is unavailable (0x800706BA)")
    }

    /// The same with another reason for the silence.
    pub fn because(config: impl Into<String>, why: impl Into<String>) -> Self {
        Self { config: config.into(), why: why.into() }
    }

    fn silence(&self) -> Error {
        Error::new(ErrorId::CaUnreachable, format!("the authority `{}` does not answer: {}", self.config, self.why))
            .about(&self.config)
            .hint("name another authority with `-CA`, or write a request file with `-Output`")
    }
}

impl Authority for Down {
    fn config(&self) -> &str {
        &self.config
    }

    fn can_issue(&self) -> bool {
        false
    }

    fn preflight(&self, _cx: &Context<'_>, _inquiry: &Inquiry<'_>) -> Result<()> {
        Err(self.silence())
    }

    fn begin(&self, _cx: &Context<'_>, _submission: &Submission) -> Result<Answer> {
        Err(self.silence())
    }

    fn advance(&self, _cx: &Context<'_>, _ticket: &str) -> Result<Answer> {
        Err(self.silence())
    }

    fn chain(&self, _cx: &Context<'_>) -> Result<Vec<Certificate>> {
        Err(self.silence())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::testing::{World, inquiry, submission};
    use crate::model::KeyAlgorithm;

    #[test]
    fn it_never_answers_and_writes_nothing() {
        let world = World::new();
        let before = world.version();
        let down = Down::new(r"offline01.contoso.net\Old-CA");
        let answers = [
            down.preflight(&world.context(), &inquiry("WebServer", KeyAlgorithm::EcdsaP256)).unwrap_err(),
            down.begin(&world.context(), &submission("WebServer", &["pool01.contoso.net"])).unwrap_err(),
            down.advance(&world.context(), "41").unwrap_err(),
            down.chain(&world.context()).unwrap_err(),
        ];
        for error in answers {
            assert_eq!(error.id(), ErrorId::CaUnreachable);
            assert!(error.message().contains("0x800706BA"), "{error}");
        }
        assert!(world.version() == before && down.as_database().is_none() && !down.is_inside());
    }
}
