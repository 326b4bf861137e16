//! `Import-CsCertificate`: certificates that did not come by an online request.

use crate::cmdlets::assigning::{Order, Staging, assign};
use crate::cmdlets::importing::Import;
use crate::cmdlets::params::{CertTypes, FORCE, IDENTITY, REPORT, scope};
use crate::cmdlets::records::{CERTIFICATE_REFERENCE, CertificateReference};
use crate::cmdlets::report::reported;
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Spec, Switch, Value, Values, Verb};
use crate::error::{ErrorId, Result};
use crate::model::{Moment, Secret};
use crate::session::OnFailure;

static PATH: Param<String> =
    Param::named("Path", "The file: PFX, PEM, DER or P7B").mandatory().values(Values::Files);
static PASSWORD: Param<Secret> = Param::named("Password", "The password of the file").secret();
static EXPORTABLE: Param<bool> =
    Param::named("PrivateKeyExportable", "Whether the private key may leave the store again")
        .sets(&["Local"])
        .default_text("$false");
static SCOPE: Param<String> = Param::named("Identity", IDENTITY.spec.help).at(0).sets(&["CMS"]).mandatory();
static TYPE: Param<CertTypes> = Param::named("Type", "The uses to assign it to").sets(&["CMS"]).mandatory();
static EFFECTIVE_DATE: Param<Moment> =
    Param::named("EffectiveDate", "When it takes over; a later one stages it").aliases(&["EffectiveTime"]);
static ROLL: Param<Switch> =
    Param::named("Roll", "Stage it beside the current one, with lead time; needs -EffectiveDate");

pub(crate) static SPEC: Spec = Spec {
    name: "Import-CsCertificate",
    twin: Some("Import-TlsCertificate"),
    aliases: &[],
    functions: &[],
    synopsis: "Bring a certificate from a file into the store",
    description: "Takes a PFX with its key, or the answer to a request file: a certificate whose key was made here is joined \
                  to it, and a warning says which names it has that were not asked for, and which it lacks. Authorities that \
                  come along, in any order, are kept beside it. A certificate that is stored already is left as it is.\n\n\
                  Nothing is assigned: `Set-CsCertificate` does that. With `-Identity global -Type` the certificate is \
                  assigned too, in the same change, at once or staged by `-EffectiveDate` and `-Roll`.",
    sets: &["Local", "CMS"],
    parameters: &[
        &PATH.spec, &PASSWORD.spec, &EXPORTABLE.spec, &SCOPE.spec, &TYPE.spec, &EFFECTIVE_DATE.spec, &ROLL.spec,
        &FORCE.spec, &REPORT.spec,
    ],
    input: Input::None,
    emits: Some(&CERTIFICATE_REFERENCE),
    changes: Impact::Medium,
    examples: &[Example {
        line: "Import-CsCertificate -Path C:\\Certificates\\WebServer.pfx -PrivateKeyExportable $True",
        says: "Says so when the file is not there",
        expect: Expect::Fails(ErrorId::FileNotFound),
    }],
    related: &["Set-CsCertificate", "Find-TlsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    reported(cx, args, import)
}

fn import(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let shown = args.need(&PATH, session)?;
    let staging = Staging::of(session, args.get(&EFFECTIVE_DATE, session)?, args.on(&ROLL))?;
    let scope = scope(session, args.get(&SCOPE, session)?.as_deref())?;
    session.policy()?.check_change()?;
    let exportable = args.get(&EXPORTABLE, session)?.unwrap_or(false);
    let import = Import::read(session, shown, args.get(&PASSWORD, session)?.as_ref(), exportable)?;
    staging.check(session, &import.leaf)?;
    import.say(cx)?;
    if let Some(types) = args.get(&TYPE, session)? {
        let first = Some(import.line());
        let order = Order { uses: types.0, scope, staging, on_failure: OnFailure::Undo, ban: false, first };
        return assign(cx, &import.candidate(), &order, || import.write(session, SPEC.name));
    }
    if staging != Staging::default() {
        let line = format!("`Set-CsCertificate -Thumbprint {} -Type … -EffectiveDate …`", import.row.thumbprint);
        cx.warn_as("NothingStaged", format!("nothing is assigned, and so nothing is staged: {line} does that"))?;
    }
    let (action, target) = import.line();
    if cx.what_if() {
        return cx.tell_what_if(action, &target);
    }
    if !cx.confirm(action, &target)? {
        return Ok(());
    }
    import.write(session, SPEC.name)?;
    if !import.is_known {
        cx.verbose(format!("imported {} ({})", import.row.thumbprint, import.row.subject))?;
    }
    let fingerprint = import.leaf.fingerprint();
    let Some(row) = session.stored(&fingerprint)? else { return Ok(()) };
    cx.emit(Value::object(CertificateReference::stored(session, fingerprint, &row)?))
}
