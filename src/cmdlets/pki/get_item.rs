//! `Get-Item`: one certificate by its path on the `Cert:` drive.

use crate::cmdlets::cert_drive::{DrivePath, STORE_ITEM, StoreFolder, StoreItem, StoreName, each_named, waiting};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Value, Verb};
use crate::error::{ErrorId, Result};

static PATH: Param<Vec<String>> = Param::named("Path", "The path, `Cert:\\LocalMachine\\My\\` and a thumbprint")
    .at(0)
    .aliases(&["PSPath", "LiteralPath"])
    .mandatory()
    .from_pipeline(Pipeline::Both);

pub(crate) static SPEC: Spec = Spec {
    name: "Get-Item",
    twin: None,
    aliases: &["gi"],
    functions: &[],
    synopsis: "Show a stored certificate by its path",
    description: "Takes the SHA-1 thumbprint or the SHA-256 of a certificate behind its store; `*` stands for any digits. In \
                  REQUEST the last word is the local id of the request.",
    sets: &[],
    parameters: &[&PATH.spec],
    input: Input::EachObject,
    emits: Some(&STORE_ITEM),
    changes: Impact::Reads,
    examples: &[
        Example {
            line: "Get-Item Cert:\\LocalMachine\\My\\* | Format-List *",
            says: "Shows all that is known of the certificates of the personal store",
            expect: Expect::EmitsSome,
        },
        Example {
            line: "Get-Item Cert:\\LocalMachine\\My\\00",
            says: "Says so when there is none",
            expect: Expect::Fails(ErrorId::PathNotFound),
        },
    ],
    related: &["Get-ChildItem", "Remove-Item", "Test-Path"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    for path in args.need(&PATH, session)? {
        match DrivePath::parse(&path)? {
            DrivePath::Root | DrivePath::Machine => cx.emit(Value::object(StoreFolder::MACHINE))?,
            DrivePath::Store(store) => cx.emit(Value::object(StoreFolder::of(store)))?,
            DrivePath::Item(StoreName::Of(store), word) => {
                each_named(session, store, &word, &mut |item: StoreItem| cx.emit(Value::object(item)))?;
            }
            DrivePath::Item(StoreName::Request, word) => {
                for request in waiting(session, Some(&word))? {
                    cx.emit(Value::object(request))?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{TestWorld, texts};

    #[test]
    fn an_item_is_found_in_its_own_store_only() {
        let world = TestWorld::contoso();
        let get = |path: String| world.run(&VERB, &[("Path", path.into())]);
        let leaf = world.leaf("old");
        for digest in [leaf.thumbprint().to_string(), leaf.fingerprint().to_string().to_lowercase()] {
            let found = get(format!(r"Cert:\LocalMachine\My\{digest}")).emitted();
            assert_eq!(texts(&found, "Thumbprint"), [leaf.thumbprint().to_string()]);
            assert_eq!(get(format!(r"Cert:\LocalMachine\CA\{digest}")).error().id(), ErrorId::PathNotFound);
        }
        for wrong in [r"Cert:\LocalMachine\My\00", r"Cert:\LocalMachine\REQUEST\7", r"C:\a.pem"] {
            assert_eq!(get(wrong.to_owned()).error().id(), ErrorId::PathNotFound, "{wrong}");
        }
        assert_eq!(texts(&get(r"Cert:\LocalMachine\REQUEST".into()).emitted(), "Name"), ["REQUEST"]);
    }
}
