//! `Request-CACertificate`: write the request for an embedded authority's own certificate, which a parent elsewhere signs.

use std::any::Any;

use serde_json::json;

use super::approve_certificate_request::{ONE_CA, one_database};
use crate::ca::Context;
use crate::command::{
    Args, Example, Expect, Impact, Input, Invocation, Kind, Param, Property, Record, Spec, Value, Values, Verb, View,
};
use crate::error::{ErrorId, Result};
use crate::session::Artefact;
use crate::x509::{parse_request, pem};

static OUTPUT: Param<String> =
    Param::named("Output", "Write the request (PKCS#10, PEM) to this file").at(0).mandatory().values(Values::Files);

pub(crate) static SPEC: Spec = Spec {
    name: "Request-CACertificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Write the request for an authority's own certificate, for its parent to sign",
    description: "For an embedded authority with `parent = \"offline\"`: makes its key the first time, and writes a request for an \
                  authority's certificate with its name, its usages and its name constraints. The parent signs it, be it another \
                  certlet (`Submit-CertificateRequest -Template SubCA`), OpenSSL or AD CS; `Install-CACertificate` takes the \
                  answer. Until then the authority issues nothing.\n\nThe same later renews its certificate, with the same key and \
                  the names that the topology has by then: certificates that it issued stay good.",
    sets: &[],
    parameters: &[&OUTPUT.spec, &ONE_CA.spec],
    input: Input::None,
    emits: Some(&CA_CERTIFICATE_REQUEST),
    changes: Impact::Medium,
    examples: &[Example {
        line: "Request-CACertificate -Output C:\\Certificates\\ca.csr",
        says: "Is refused for an authority that signs its own certificate",
        expect: Expect::Fails(ErrorId::PolicyRefused),
    }],
    related: &["Install-CACertificate", "Submit-CertificateRequest", "Update-CACertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let policy = session.policy()?;
    policy.check_change()?;
    let authority = one_database(session, args)?;
    let Some(database) = authority.as_database() else { return Ok(()) };
    let (state, keys) = (session.state()?, session.keys()?);
    let context = Context { state: &*state, keys: &*keys, now: session.now(), cancelled: &|| false };
    let (csr, writes) = database.request_own(&context, &policy.principal)?;
    let shown = args.need(&OUTPUT, session)?;
    let target = format!("{} to {shown}", authority.config());
    if cx.what_if() {
        return cx.tell_what_if("Write the request for the authority's certificate", &target);
    }
    if !cx.confirm("Write the request for the authority's certificate", &target)? {
        return Ok(());
    }
    let file = Artefact::create(&session.resolve_path(&shown)?, &shown)?;
    let request = parse_request(&csr)?;
    let subject = request.subject().to_string();
    let change = json!([{"caRequest": subject, "authority": authority.config(), "file": shown}]);
    // The key is durable before anybody can sign for it.
    session.record(SPEC.name, "Done", change, &writes)?;
    let text = request.to_pem();
    let path = file.finish(text.as_bytes(), false)?.display().to_string();
    cx.emit(Value::object(Written { ca: authority.config().to_owned(), subject, path, csr }))
}

/// A request that was written.
struct Written {
    ca: String,
    subject: String,
    path: String,
    csr: Vec<u8>,
}

static CA_CERTIFICATE_REQUEST: Kind = Kind::new(
    "CACertificateRequest",
    const { &[Property::new("CA"), Property::new("Subject"), Property::new("Path"), Property::hidden("Request")] },
    View::List,
);

impl Record for Written {
    fn kind(&self) -> &Kind {
        &CA_CERTIFICATE_REQUEST
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::text(&self.ca),
            1 => Value::text(&self.subject),
            2 => Value::text(&self.path),
            3 => Value::text(pem::encode(pem::REQUEST, &self.csr)),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.path.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
