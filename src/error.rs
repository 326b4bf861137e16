//! The one error type of the public surface and the catalogue of its ids.

use std::fmt;

use crate::model::Position;

/// What a failed command was about, in the words PowerShell uses for `CategoryInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are PowerShell's own category names")]
pub enum Category {
    AuthenticationError,
    ConnectionError,
    InvalidArgument,
    InvalidData,
    InvalidOperation,
    InvalidResult,
    LimitsExceeded,
    NotSpecified,
    ObjectNotFound,
    OperationStopped,
    OperationTimeout,
    ParserError,
    PermissionDenied,
    ResourceBusy,
    ResourceExists,
    ResourceUnavailable,
    SecurityError,
    WriteError,
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How a run ended, as its process exit code (README, "Exit codes").
///
/// Several outcomes in one run are folded with [`ExitCode::gravest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Done, or nothing to do.
    Done = 0,
    /// A command or the script failed.
    Failed = 1,
    /// Usage, syntax, configuration or no home: nothing was run.
    Usage = 2,
    /// A proof is contradicted or a step failed, and whatever was changed is put back.
    PutBack = 3,
    /// A person must look: putting back failed, or the object is contested.
    Contested = 4,
    /// Refused by rights, policy or a plan that no longer fits.
    Refused = 5,
    /// Done, but the proof is partial or could not be had.
    Unproven = 6,
    /// Interrupted by the operator.
    Interrupted = 130,
}

impl ExitCode {
    /// Returns the graver of two outcomes: 4, 3, 5, 6, 130, 1, then 2 and 0.
    #[must_use]
    pub fn gravest(self, other: Self) -> Self {
        if other.gravity() > self.gravity() { other } else { self }
    }

    /// The number the process ends with.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    fn gravity(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Usage => 1,
            Self::Failed => 2,
            Self::Interrupted => 3,
            Self::Unproven => 4,
            Self::Refused => 5,
            Self::PutBack => 6,
            Self::Contested => 7,
        }
    }
}

macro_rules! catalogue {
    ($( $(#[$doc:meta])* $id:ident, $category:ident, $exit:ident, $hint:literal; )*) => {
        /// The stable id of an error; scripts compare it as text (`e.id == "CertificateNotFound"`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorId { $( $(#[$doc])* $id, )* }

        impl ErrorId {
            /// Every id of the catalogue, in its order.
            pub const ALL: &'static [Self] = &[$(Self::$id,)*];

            /// The id as scripts and `--json` see it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$id => stringify!($id),)* }
            }

            /// The category shown in `CategoryInfo`.
            #[must_use]
            pub fn category(self) -> Category {
                match self { $(Self::$id => Category::$category,)* }
            }

            /// The exit code of a run that ends with this error.
            #[must_use]
            pub fn exit(self) -> ExitCode {
                match self { $(Self::$id => ExitCode::$exit,)* }
            }

            /// The hint given when the place that raised the error has no better one; may be empty.
            #[must_use]
            pub fn default_hint(self) -> &'static str {
                match self { $(Self::$id => $hint,)* }
            }
        }
    };
}

catalogue! {
    /// No stored certificate has this thumbprint.
    CertificateNotFound, ObjectNotFound, Failed, "`Find-TlsCertificate` lists the stored certificates and what they fit";
    /// Neither 40 nor 64 hexadecimal digits after normalising.
    InvalidThumbprint, InvalidArgument, Failed, "a thumbprint is 40 hexadecimal digits (SHA-1) or 64 (SHA-256): `Get-CsCertificate` shows those in use";
    /// Several stored certificates share this SHA-1 thumbprint.
    AmbiguousThumbprint, InvalidArgument, Failed, "name the certificate by its SHA-256: 64 hexadecimal digits";
    /// The certificate has no private key here.
    NoPrivateKey, InvalidData, Failed, "import the PFX that holds the key: `Import-CsCertificate -Path FILE.pfx -Password …`";
    /// The private key may not leave the store.
    PrivateKeyNotExportable, PermissionDenied, Failed, "";
    /// The certificate, or its private key, is needed and may not be removed.
    CertificateInUse, ResourceBusy, Failed, "`Get-CsCertificate` lists what is assigned; `Set-CsCertificate` puts another certificate in its place";
    /// The certificate has ended.
    CertificateExpired, InvalidData, Failed, "request a new one: `Request-CsCertificate -New -Type …`";
    /// The certificate has not begun.
    CertificateNotYetValid, InvalidData, Failed, "";
    /// An extended key usage is present and lacks server authentication.
    MissingServerAuthEku, InvalidData, Failed, "`Find-TlsCertificate` shows the stored certificates that fit";
    /// The certificate does not meet a need of the use (key, wildcard, roots…).
    UseNeedNotMet, InvalidData, Failed, "`Find-TlsCertificate` shows, for each stored certificate, what it lacks";
    /// The chain ends at an unknown root, or nowhere.
    UntrustedChain, SecurityError, Failed, "add the root to `[trust] roots` in `certlet.toml`";
    /// The use does not exist on this role.
    UseNotValidForRole, InvalidArgument, Failed, "";
    /// The use exists in the hosted product only.
    OnlineOnlyUse, InvalidArgument, Failed, "";
    /// `-Roll` was given without `-EffectiveDate`.
    RollNeedsEffectiveDate, InvalidArgument, Failed, "add `-EffectiveDate`, the moment at which the new certificate takes over";
    /// The effective date is past, or outside the certificate's validity.
    EffectiveDateOutOfRange, InvalidArgument, Failed, "";
    /// No such computer in the topology, or a pool's name was given.
    ComputerNotInTopology, ObjectNotFound, Failed, "";
    /// No such pool, site, SIP domain, service or collection of simple URLs in the topology.
    NotInTopology, ObjectNotFound, Failed, "`Get-CsTopology` shows what the topology holds";
    /// Neither `-CA` nor `-Output`, and no single authority is configured.
    CaNotSpecified, InvalidArgument, Failed, "";
    /// Both `-CA` and `-Output`.
    CaAndOutput, InvalidArgument, Failed, "give `-CA` to ask an authority now, or `-Output` to write a request file";
    /// `-CA` is not `host\instance`.
    CaConfigMalformed, InvalidArgument, Failed, "write it as `host\\instance`, for example `dc01.contoso.net\\contoso-DC01-CA`";
    /// The authority does not answer, or is not configured (0x800706BA).
    CaUnreachable, ConnectionError, Failed, "";
    /// No right to read the authority or to enroll there (0x80070005, 0x80094011).
    CaAccessDenied, PermissionDenied, Refused, "ask the authority's administrator for the right `Enroll`, or write a request file with `-Output`";
    /// The authority does not publish this template (0x80094800).
    TemplateNotFound, ObjectNotFound, Failed, "";
    /// No right to enroll for the template (0x80094012).
    TemplateAccessDenied, PermissionDenied, Refused, "";
    /// The key is shorter than the template allows (0x80094811).
    KeyTooSmall, InvalidArgument, Failed, "";
    /// The authority refused (0x80094014).
    RequestDenied, InvalidResult, Failed, "";
    /// The authority keeps the request until somebody approves it.
    RequestPending, InvalidResult, Failed, "`Request-CsCertificate -Retrieve` asks again";
    /// Nobody here knows whether the authority has received the request.
    SubmissionUnknown, InvalidResult, Failed, "";
    /// The request was revoked at the authority.
    RequestRevoked, InvalidResult, Failed, "`Request-CsCertificate -Clear -RequestId N` drops it";
    /// No request has this id.
    RequestNotFound, ObjectNotFound, Failed, "`Request-CsCertificate -List` lists the requests";
    /// Several authorities have a request with this number.
    AmbiguousRequest, InvalidArgument, Failed, "say which authority: `-CA host\\instance`";
    /// The file is not there.
    FileNotFound, ObjectNotFound, Failed, "";
    /// The file is no certificate, request or PFX that can be read.
    BadCertificateFile, ParserError, Failed, "";
    /// The password does not open the file (0x80070056).
    BadPassword, AuthenticationError, Failed, "";
    /// Another certificate bears this friendly name.
    FriendlyNameInUse, ResourceExists, Failed, "";
    /// The site has no binding for this use.
    BindingNotFound, ObjectNotFound, Failed, "";
    /// No such site.
    SiteNotFound, ObjectNotFound, Failed, "`Get-Website` lists the sites";
    /// Nothing is assigned for the use.
    NotAssigned, ObjectNotFound, Failed, "`Get-CsCertificate` lists what is assigned";
    /// The operator is no administrator of this computer.
    NotAdministrator, PermissionDenied, Refused, "`administrators` in `certlet.toml` names who may change this computer";
    /// A confirmation is needed and nobody can be asked.
    NonInteractivePrompt, InvalidOperation, Failed, "add `-Confirm:$false`, or `-Force` where the verb has it";

    /// `certlet.toml` cannot be used.
    ConfigInvalid, InvalidData, Usage, "";
    /// The topology cannot be used.
    TopologyInvalid, InvalidData, Usage, "";
    /// No home folder with a configuration.
    NoHome, ObjectNotFound, Usage, "`certlet init` writes a first configuration; `--home DIR` names another folder; `--sample` runs in a throw-away sample world";
    /// The home folder belongs to somebody else, or cannot be made private.
    HomeNotPrivate, SecurityError, Usage, "";
    /// The state cannot be opened, read or written.
    StoreUnavailable, ResourceUnavailable, Failed, "";
    /// The state was written by a newer certlet.
    StoreTooNew, ResourceUnavailable, Usage, "";
    /// The passphrase does not open the sealed keys.
    StoreLocked, AuthenticationError, Usage, "set the passphrase that `[state] passphrase` in `certlet.toml` names";
    /// No space left.
    DiskFull, ResourceUnavailable, Failed, "free some space, then run `certlet recover`";
    /// Another process holds the change lease.
    Busy, ResourceBusy, Failed, "";
    /// A listener's port is held by another program.
    EndpointInUse, ResourceUnavailable, Failed, "";
    /// An endpoint did not answer before the change.
    EndpointDown, ConnectionError, Failed, "start the server first, or say `state = \"Stopped\"` for its site in `certlet.toml`";
    /// Private key and certificate do not belong together.
    KeyMismatch, InvalidData, Failed, "";
    /// The server's test command refused the new configuration.
    TestCommandFailed, InvalidResult, PutBack, "";
    /// The server's reload command failed.
    ReloadFailed, InvalidResult, PutBack, "";
    /// A step failed, for example a command that shows control over a name; what was changed is put back.
    StepFailed, InvalidResult, PutBack, "";
    /// The handshakes contradict what was to be proven.
    ProofFailed, InvalidResult, PutBack, "`Test-TlsBinding` shows what each endpoint serves";
    /// Putting back failed.
    UndoFailed, InvalidResult, Contested, "`certlet recover` shows what is open";
    /// Something was changed by another hand and is left alone.
    Contested, InvalidResult, Contested, "look at what is there, then run `certlet recover`";
    /// What is observed differs from what the plan expects.
    PlanStale, InvalidOperation, Refused, "";
    /// A policy of the topology or the configuration refuses.
    PolicyRefused, PermissionDenied, Refused, "";
    /// The certificate is banned after a key compromise.
    CertificateBanned, SecurityError, Refused, "";
    /// A name that a public authority may not certify.
    NameNotPublic, InvalidArgument, Failed, "";
    /// No way to reach the computer.
    NoTransport, ConnectionError, Failed, "";
    /// The session only reads.
    ReadOnlySession, InvalidOperation, Refused, "";
    /// Ctrl-C.
    Interrupted, OperationStopped, Interrupted, "";
    /// The time limit of the run is over.
    TimedOut, OperationTimeout, Failed, "";
    /// A name that is no host name.
    InvalidName, InvalidArgument, Failed, "";
    /// A date that is neither ISO 8601 nor month/day/year.
    InvalidDate, InvalidArgument, Failed, "write it as `2026-12-31` or `12/31/2026 6:00 PM`";
    /// A `<…>` of the manual still stands in the line.
    PlaceholderNotReplaced, InvalidArgument, Failed, "";
    /// A path outside the allowed folders.
    PathNotAllowed, PermissionDenied, Failed, "";
    /// A file that cannot be written.
    FileNotWritable, WriteError, Failed, "";
    /// A limit of the script engine.
    LimitExceeded, LimitsExceeded, Failed, "";
    /// The text is no script.
    ParseError, ParserError, Failed, "";
    /// The script raised an error of its own.
    ScriptError, NotSpecified, Failed, "";

    /// No such verb.
    CommandNotFoundException, ObjectNotFound, Failed, "`Get-Command` lists the verbs";
    /// The verb has no such parameter.
    NamedParameterNotFound, InvalidArgument, Failed, "";
    /// The abbreviation fits several parameters.
    AmbiguousParameter, InvalidArgument, Failed, "";
    /// The parameters given fit no set, or several.
    AmbiguousParameterSet, InvalidArgument, Failed, "";
    /// A parameter that needs a value has none.
    MissingArgument, InvalidArgument, Failed, "";
    /// A mandatory parameter is absent.
    MissingMandatoryParameter, InvalidArgument, Failed, "";
    /// A value that no position takes.
    PositionalParameterNotFound, InvalidArgument, Failed, "";
    /// A parameter given twice.
    ParameterAlreadyBound, InvalidArgument, Failed, "";
    /// A value that does not convert to the parameter's type.
    CannotConvertArgument, InvalidArgument, Failed, "";
    /// A value that the parameter does not take.
    ParameterArgumentValidationError, InvalidData, Failed, "";
    /// A piped object that no parameter takes.
    InputObjectNotBound, InvalidArgument, Failed, "";
    /// No such item, property or path.
    PathNotFound, ObjectNotFound, Failed, "";
}

impl fmt::Display for ErrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Shorthand for the library's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed command: a stable id, a sentence, what it is about, and what to type next.
///
/// Carries no secret: whoever builds one names things, never their protected content.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    id: ErrorId,
    message: String,
    target: Option<String>,
    hints: Vec<String>,
    position: Option<Position>,
    verb: Option<&'static str>,
    exit: Option<ExitCode>,
    source: Option<std::sync::Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error with the catalogue's own hint.
    #[must_use]
    pub fn new(id: ErrorId, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            id,
            message: message.into(),
            target: None,
            hints: Vec::new(),
            position: None,
            verb: None,
            exit: None,
            source: None,
        }))
    }

    /// Names the word or object that the error is about.
    #[must_use]
    pub fn about(mut self, target: impl Into<String>) -> Self {
        self.0.target = Some(target.into());
        self
    }

    /// Adds a hint: the next command to type, or what would mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// Says where in which text the word stands.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.0.position = Some(position);
        self
    }

    /// Says which verb failed, once; an inner verb keeps its name.
    #[must_use]
    pub fn in_verb(mut self, verb: &'static str) -> Self {
        self.0.verb.get_or_insert(verb);
        self
    }

    /// Ends the run with another code than the catalogue's (a reload that could not be put back: 4).
    #[must_use]
    pub fn exits(mut self, exit: ExitCode) -> Self {
        self.0.exit = Some(exit);
        self
    }

    /// Keeps the error underneath.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(std::sync::Arc::new(source));
        self
    }

    /// The stable id.
    #[must_use]
    pub fn id(&self) -> ErrorId {
        self.0.id
    }

    /// The sentence, without hints.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the error is about.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.0.target.as_deref()
    }

    /// The hints; the catalogue's own when none was given.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        if !self.0.hints.is_empty() {
            return self.0.hints.clone();
        }
        let hint = self.0.id.default_hint();
        if hint.is_empty() { Vec::new() } else { vec![hint.to_owned()] }
    }

    /// Where in the operator's text, when known.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.0.position.as_ref()
    }

    /// The verb that failed, `Set-CsCertificate`.
    #[must_use]
    pub fn verb(&self) -> Option<&'static str> {
        self.0.verb
    }

    /// PowerShell's `FullyQualifiedErrorId`: `InvalidThumbprint,Set-CsCertificate`.
    #[must_use]
    pub fn fully_qualified_id(&self) -> String {
        match self.0.verb {
            Some(verb) => format!("{},{verb}", self.0.id),
            None => self.0.id.to_string(),
        }
    }

    /// The exit code of a run that ends with this error.
    #[must_use]
    pub fn exit(&self) -> ExitCode {
        self.0.exit.unwrap_or_else(|| self.0.id.exit())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_outcome_wins() {
        use ExitCode::*;
        let order = [Contested, PutBack, Refused, Unproven, Interrupted, Failed, Usage, Done];
        for (i, grave) in order.iter().enumerate() {
            for light in &order[i..] {
                assert_eq!(light.gravest(*grave), *grave);
                assert_eq!(grave.gravest(*light), *grave);
            }
        }
    }

    #[test]
    fn the_first_verb_is_kept() {
        let error = Error::new(ErrorId::InvalidThumbprint, "x").in_verb("Set-CsCertificate").in_verb("Outer");
        assert_eq!(error.fully_qualified_id(), "InvalidThumbprint,Set-CsCertificate");
    }
}
