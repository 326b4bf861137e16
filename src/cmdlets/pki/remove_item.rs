//! `Remove-Item`: takes a certificate out of its store.

use crate::cmdlets::cert_drive::{DrivePath, StoreItem, StoreName, each_named};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Switch, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::state::Store;

static PATH: Param<Vec<String>> = Param::named("Path", "The path, `Cert:\\LocalMachine\\My\\` and a thumbprint")
    .at(0)
    .aliases(&["PSPath", "LiteralPath"])
    .mandatory()
    .from_pipeline(Pipeline::Both);
static DELETE_KEY: Param<Switch> = Param::named("DeleteKey", "Delete the private key too; it cannot be had back");
static FORCE: Param<Switch> = Param::named("Force", "Do not ask for confirmation");

pub(crate) static SPEC: Spec = Spec {
    name: "Remove-Item",
    twin: None,
    aliases: &["ri", "del"],
    functions: &[],
    synopsis: "Take a certificate out of its store",
    description: "Removes what no use and no binding needs: a certificate that is assigned, staged, bound, or above one that is, \
                  stays (CertificateInUse). Its private key is kept unless -DeleteKey says otherwise, and is joined again when \
                  the certificate is imported again; a key that another certificate, a request or an authority needs is never \
                  deleted. The audit log tells what was removed. Files and requests are not removed by this verb.",
    sets: &[],
    parameters: &[&PATH.spec, &DELETE_KEY.spec, &FORCE.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "New-SelfSignedCertificate -DnsName a.contoso.com | ForEach-Object { Remove-Item \"Cert:\\LocalMachine\\My\\$($_.Thumbprint)\" -DeleteKey }",
            says: "Removes a certificate with its private key",
            expect: Expect::Changes(0),
        },
        Example {
            line: "Get-ChildItem Cert:\\LocalMachine\\My | Remove-Item",
            says: "Is refused for a certificate that is assigned",
            expect: Expect::Fails(ErrorId::CertificateInUse),
        },
    ],
    related: &["Get-ChildItem", "Remove-CsCertificate", "Request-CsCertificate"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    session.policy()?.check_change()?;
    let with_key = args.on(&DELETE_KEY);
    for path in args.need(&PATH, session)? {
        let mut found: Vec<StoreItem> = Vec::new();
        match DrivePath::parse(&path)? {
            DrivePath::Item(StoreName::Of(store), word) => {
                if with_key && store != Store::My {
                    return Err(Error::new(
                        ErrorId::ParameterArgumentValidationError,
                        format!("`-DeleteKey` is for the personal store; `{path}` has no private key of its own"),
                    )
                    .about("DeleteKey"));
                }
                each_named(session, store, &word, &mut |item| {
                    found.push(item);
                    Ok(())
                })?;
            }
            DrivePath::Item(StoreName::Request, word) => {
                return Err(Error::new(ErrorId::ParameterArgumentValidationError, "a request is not removed as an item")
                    .about(path)
                    .hint(format!("`Request-CsCertificate -Clear -RequestId {word}` drops it")));
            }
            _ => {
                return Err(Error::new(ErrorId::ParameterArgumentValidationError, format!("`{path}` is a store, and is not removed"))
                    .about(path)
                    .hint("name a certificate in it, or `*` for all of them"));
            }
        }
        for item in found {
            cx.check_cancelled()?;
            remove(cx, &item, with_key, args.on(&FORCE))?;
        }
    }
    Ok(())
}

fn remove(cx: &mut Invocation<'_>, item: &StoreItem, with_key: bool, is_forced: bool) -> Result<()> {
    let action = if with_key { "Remove certificate and private key" } else { "Remove certificate" };
    let thumbprint = item.listed.thumbprint.to_string();
    let target = format!("{thumbprint} ({})", item.listed.subject);
    if cx.what_if() {
        return cx.tell_what_if(action, &target);
    }
    if !is_forced && !cx.confirm(action, &target)? {
        return Ok(());
    }
    let Some(row) = item.row() else {
        let text = format!("certificate `{thumbprint}` has been taken out of the store meanwhile");
        return Err(Error::new(ErrorId::CertificateNotFound, text).about(thumbprint));
    };
    let cancel = cx.cancel();
    cx.session().remove_certificate(SPEC.name, item.listed.fingerprint, row, with_key, &cancel)?;
    cx.verbose(format!("removed {target}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::TestWorld;
    use crate::command::Value;
    use crate::state::{CertificateQuery, RowKey, State};

    fn path(world: &TestWorld, name: &str) -> (&'static str, Value) {
        ("Path", format!(r"Cert:\LocalMachine\My\{}", world.thumbprint(name)).into())
    }

    fn is_stored(world: &TestWorld, name: &str) -> (bool, bool) {
        let leaf = world.leaf(name);
        let has = |key: RowKey| world.state.row(&key).unwrap().is_some();
        (has(RowKey::Certificate(leaf.fingerprint())), has(RowKey::Key(leaf.key_id())))
    }

    #[test]
    fn what_nobody_needs_is_removed_and_recorded() {
        let world = TestWorld::contoso().with("spare", &["a.contoso.net"]).with("other", &["b.contoso.net"]);
        world.run(&VERB, &[path(&world, "spare")]).emitted();
        assert_eq!(is_stored(&world, "spare"), (false, true), "the key is kept");
        world.run(&VERB, &[path(&world, "other"), ("DeleteKey", true.into())]).emitted();
        assert_eq!(is_stored(&world, "other"), (false, false));
        let lines = world.state.audit_after(0, 10).unwrap();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].line.contains(&world.leaf("other").fingerprint().to_string()), "{}", lines[1].line);
        assert_eq!(world.run(&VERB, &[path(&world, "spare")]).error().id(), ErrorId::PathNotFound);
    }

    #[test]
    fn what_is_needed_stays() {
        let world = TestWorld::contoso();
        let refused = |world: &TestWorld, parameters: &[(&str, Value)]| world.run(&VERB, parameters).error().id();
        assert_eq!(refused(&world, &[path(&world, "old")]), ErrorId::CertificateInUse);
        let authority = format!(r"Cert:\LocalMachine\CA\{}", world.authority.intermediate.thumbprint());
        assert_eq!(refused(&world, &[("Path", authority.clone().into())]), ErrorId::CertificateInUse);
        let key = [("Path", authority.into()), ("DeleteKey", true.into())];
        assert_eq!(refused(&world, &key), ErrorId::ParameterArgumentValidationError);
        for folder in ["Cert:", r"Cert:\LocalMachine", r"Cert:\LocalMachine\My", r"Cert:\LocalMachine\REQUEST\1"] {
            assert_eq!(refused(&world, &[("Path", folder.into())]), ErrorId::ParameterArgumentValidationError, "{folder}");
        }
        // Bound alone is enough.
        let world = world.unassigned("Default").unassigned("WebServicesInternal").unassigned("WebServicesExternal");
        assert_eq!(refused(&world, &[path(&world, "old")]), ErrorId::CertificateInUse);
        let world = world.unbound("*:443:").unbound("*:4443:").unbound("*:5061:");
        world.run(&VERB, &[path(&world, "old")]).emitted();
        assert!(!is_stored(&world, "old").0);
    }

    #[test]
    fn a_key_that_two_certificates_share_is_not_deleted() {
        let world = TestWorld::contoso().with("spare", &["a.contoso.net"]);
        let leaf = world.leaf("spare");
        let query = CertificateQuery { thumbprint: Some(leaf.thumbprint()), ..CertificateQuery::default() };
        let (_, row) = world.state.certificates(&query).unwrap().remove(0);
        let twin = crate::model::Fingerprint::of(b"a twin");
        let write = crate::state::Write::put(RowKey::Certificate(twin), crate::state::Row::Certificate(row));
        world.state.write(&[write]).unwrap();
        let sha256 = format!(r"Cert:\LocalMachine\My\{}", leaf.fingerprint());
        let both = [("Path", Value::from(sha256.clone())), ("DeleteKey", true.into())];
        assert_eq!(world.run(&VERB, &both).error().id(), ErrorId::CertificateInUse);
        assert_eq!(is_stored(&world, "spare"), (true, true), "nothing of it is done");
        world.run(&VERB, &[("Path", sha256.into())]).emitted();
        assert_eq!(is_stored(&world, "spare"), (false, true));
    }
}
