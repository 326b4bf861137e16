//! `Test-Path`: whether something is there, on the `Cert:` drive or in the file system.

use crate::cmdlets::cert_drive::{DrivePath, StoreName, each_named, on_drive, waiting};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Verb};
use crate::error::{ErrorId, Result};
use crate::session::Session;

static PATH: Param<Vec<String>> = Param::named("Path", "A path on the drive `Cert:`, or a file or folder")
    .at(0)
    .aliases(&["PSPath", "LiteralPath"])
    .mandatory()
    .from_pipeline(Pipeline::Both);

pub(crate) static SPEC: Spec = Spec {
    name: "Test-Path",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Tell whether a certificate or a file is there",
    description: "Emits $true or $false for each path; a path that nothing can stand at is $false.",
    sets: &[],
    parameters: &[&PATH.spec],
    input: Input::EachObject,
    emits: None,
    changes: Impact::Reads,
    examples: &[Example {
        line: "Test-Path Cert:\\LocalMachine\\My\\466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D",
        says: "Tells whether a certificate is in the personal store",
        expect: Expect::Emits(1),
    }],
    related: &["Get-Item", "Get-ChildItem"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    for path in args.need(&PATH, session)? {
        let is_there = if on_drive(&path).is_some() { stands(session, &path) } else { Ok(session.resolve_path(&path)?.exists()) };
        match is_there {
            Err(error) if matches!(error.id(), ErrorId::PathNotFound) => cx.emit(false)?,
            other => cx.emit(other?)?,
        }
    }
    Ok(())
}

fn stands(session: &Session, path: &str) -> Result<bool> {
    match DrivePath::parse(path)? {
        DrivePath::Root | DrivePath::Machine | DrivePath::Store(_) => Ok(true),
        DrivePath::Item(StoreName::Of(store), word) => {
            let mut any = false;
            each_named(session, store, &word, &mut |_| {
                any = true;
                Ok(())
            })?;
            Ok(any)
        }
        DrivePath::Item(StoreName::Request, word) => Ok(!waiting(session, Some(&word))?.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{TestWorld, texts};
    use crate::command::Value;

    #[test]
    fn what_is_there_is_true() {
        let world = TestWorld::contoso();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.pem");
        std::fs::write(&file, "x").unwrap();
        let test = |path: &str| match world.run(&VERB, &[("Path", path.into())]).emitted().as_slice() {
            [Value::Bool(answer)] => *answer,
            other => panic!("{:?}", texts(other, "x")),
        };
        assert!(test(&format!(r"Cert:\LocalMachine\My\{}", world.thumbprint("old"))));
        assert!(test(r"Cert:\LocalMachine\My\*") && test(r"Cert:\LocalMachine\Root") && test(file.to_str().unwrap()));
        for wrong in [r"Cert:\LocalMachine\CA\00", r"Cert:\CurrentUser\My", r"Cert:\LocalMachine\Root\*", r"Cert:\LocalMachine\REQUEST\1"] {
            assert!(!test(wrong), "{wrong}");
        }
        assert!(!test(folder.path().join("b.pem").to_str().unwrap()));
    }
}
