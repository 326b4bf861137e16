//! The contract of [`Server`], run on files and on the built-in listener.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Children, FilesServer, Image, ListenerServer, Material, ObjectId, ObjectState, Server};
use crate::error::ErrorId;
use crate::model::{CertificateFiles, Clock, FileServer, ServerKind, Slot, SlotFiles};
use crate::probe::testing::{Authority, Issued, WallClock};
use crate::state::{BindingKey, CertificateRow, MemoryState, Row, RowKey, State, Store, Write};

pub(super) fn binding() -> BindingKey {
    BindingKey {
        computer: "fe01".to_owned(),
        site: "Site".to_owned(),
        information: "*:443:".to_owned(),
        slot: Slot::Any,
    }
}

pub(super) fn material(issued: &Issued) -> Material<'_> {
    Material { leaf: &issued.leaf, chain: &issued.chain, key: &issued.key }
}

pub(super) fn children() -> Children {
    Children::new(Duration::from_secs(20), Arc::new(|| false))
}

pub(super) fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

pub(super) fn files(dir: &Path, key: Option<&str>, chain: Option<&str>) -> FileServer {
    let files = CertificateFiles {
        certificate: dir.join("site.pem"),
        key: key.map(|name| dir.join(name)),
        chain: chain.map(|name| dir.join(name)),
    };
    FileServer {
        preset: ServerKind::Files,
        slots: vec![SlotFiles { slot: Slot::Any, files }],
        owner: None,
        mode: None,
        test: words("true"),
        reload: words("true"),
    }
}

pub(super) fn put_all(server: &dyn Server, images: &[(ObjectId, Image)]) {
    for (object, image) in images {
        server.put(object, Some(image)).unwrap();
    }
}

/// A state that holds these certificates, and a source of their keys.
pub(super) fn world(issued: &[&Issued]) -> (Arc<dyn State>, super::listener::KeySource) {
    let state = MemoryState::new();
    let now = WallClock::new().now();
    for one in issued {
        let mut row = CertificateRow::of(&one.leaf, Store::My, "test", now);
        row.chain = one.chain.iter().map(crate::model::Certificate::fingerprint).collect();
        let mut batch = vec![Write::put(RowKey::Certificate(one.leaf.fingerprint()), Row::Certificate(row))];
        for above in &one.chain {
            let row = CertificateRow::of(above, Store::Ca, "test", now);
            batch.push(Write::put(RowKey::Certificate(above.fingerprint()), Row::Certificate(row)));
        }
        state.write(&batch).unwrap();
    }
    let keys: Vec<_> = issued.iter().map(|one| (one.leaf.key_id(), one.key.clone())).collect();
    let source = move |wanted: &crate::model::KeyId| {
        let found = keys.iter().find(|(id, _)| id == wanted).map(|(_, key)| key.clone());
        found.ok_or_else(|| crate::error::Error::new(ErrorId::NoPrivateKey, "no such key"))
    };
    (Arc::new(state), Arc::new(source))
}

fn listener_server(issued: &[&Issued]) -> ListenerServer {
    let (state, keys) = world(issued);
    ListenerServer::new(state, keys, Arc::new(WallClock::new()), vec![binding()], true, Arc::new(|| Ok(())))
}

fn assert_contract(server: &dyn Server, a: &Issued, b: &Issued) {
    let binding = binding();
    let objects = server.objects(&binding);
    assert!(!objects.is_empty());
    let observe = || objects.iter().map(|o| server.observe(o).unwrap()).collect::<Vec<_>>();
    assert!(observe().iter().all(|s| *s == ObjectState::Absent));
    assert!(objects.iter().all(|o| server.read(o).unwrap().is_none()));
    server.check().unwrap();

    let first = server.images(&binding, &material(a)).unwrap();
    assert!(observe().iter().all(|s| *s == ObjectState::Absent), "images change nothing");
    assert_eq!(first.iter().map(|(o, _)| o.clone()).collect::<Vec<_>>(), objects);
    for _ in 0..2 {
        put_all(server, &first);
        assert_eq!(observe(), first.iter().map(|(_, i)| i.state()).collect::<Vec<_>>());
        server.check().unwrap();
        server.activate().unwrap();
    }
    let before: Vec<_> = objects.iter().map(|o| server.read(o).unwrap().unwrap()).collect();
    let states = observe();

    let second = server.images(&binding, &material(b)).unwrap();
    put_all(server, &second);
    assert_eq!(observe(), second.iter().map(|(_, i)| i.state()).collect::<Vec<_>>());
    assert_ne!(observe(), states);
    server.check().unwrap();

    for (object, image) in objects.iter().zip(&before).rev() {
        server.put(object, Some(image)).unwrap();
    }
    assert_eq!(observe(), states, "put back as it was");
    for object in objects.iter().chain(&objects) {
        server.put(object, None).unwrap();
    }
    assert!(observe().iter().all(|s| *s == ObjectState::Absent));

    let crossed = Material { key: &b.key, ..material(a) };
    assert_eq!(server.images(&binding, &crossed).unwrap_err().id(), ErrorId::KeyMismatch);
    assert!(server.read(&ObjectId("nonsense".to_owned())).is_err());
}

#[test]
fn files_keep_the_contract() {
    let authority = Authority::new("Files");
    let (a, b) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    for (key, chain) in [(None, None), (Some("site.key"), None), (Some("site.key"), Some("chain.pem"))] {
        let dir = tempfile::tempdir().unwrap();
        assert_contract(&FilesServer::new(files(dir.path(), key, chain), children()).unwrap(), &a, &b);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    }
}

#[test]
fn the_listener_keeps_the_contract() {
    let authority = Authority::new("Rows");
    let (a, b) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    assert_contract(&listener_server(&[&a, &b]), &a, &b);
}

#[test]
fn files_hold_what_servers_read() {
    let authority = Authority::new("Content");
    let issued = authority.issue(&["a.example"]);
    let dir = tempfile::tempdir().unwrap();
    let server = FilesServer::new(files(dir.path(), None, None), children()).unwrap();
    put_all(&server, &server.images(&binding(), &material(&issued)).unwrap());
    let text = std::fs::read_to_string(dir.path().join("site.pem")).unwrap();
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2, "leaf and chain");
    assert!(text.ends_with("-----END PRIVATE KEY-----\n") && !text.contains("\n\n"));
    assert_eq!(std::fs::metadata(dir.path().join("site.pem")).unwrap().mode() & 0o7777, 0o600);
    let image = server.read(&server.objects(&binding())[0]).unwrap().unwrap();
    assert!(image.secret && !format!("{image:?}").contains("PRIVATE"));

    let dir = tempfile::tempdir().unwrap();
    let server = FilesServer::new(files(dir.path(), Some("k.pem"), Some("c.pem")), children()).unwrap();
    put_all(&server, &server.images(&binding(), &material(&issued)).unwrap());
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read("site.pem").matches("BEGIN CERTIFICATE").count(), 1);
    assert_eq!(read("c.pem").matches("BEGIN CERTIFICATE").count(), 1);
    assert!(read("k.pem").starts_with("-----BEGIN PRIVATE KEY"));
    let mode = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().mode() & 0o7777;
    assert_eq!((mode("site.pem"), mode("k.pem")), (0o644, 0o600));
}

#[test]
fn links_modes_and_owners_stay() {
    let authority = Authority::new("Links");
    let (a, b) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("real");
    std::fs::create_dir(&real).unwrap();
    symlink("real/current.pem", dir.path().join("site.pem")).unwrap();
    symlink("v1.pem", real.join("current.pem")).unwrap();
    std::fs::write(real.join("v1.pem"), "old").unwrap();
    std::fs::set_permissions(real.join("v1.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let server = FilesServer::new(files(dir.path(), Some("site.key"), None), children()).unwrap();
    let images = server.images(&binding(), &material(&a)).unwrap();
    put_all(&server, &images);
    assert!(std::fs::read_to_string(real.join("v1.pem")).unwrap().starts_with("-----BEGIN"));
    assert_eq!(std::fs::read_link(dir.path().join("site.pem")).unwrap(), Path::new("real/current.pem"));
    assert_eq!(images[1].1.target.as_deref(), Some("real/current.pem"));
    assert_eq!(server.observe(&images[1].0).unwrap(), images[1].1.state());

    // A key that its group may read stays so; one that everybody may read does not.
    let key = dir.path().join("site.key");
    for (mode, after) in [(0o640, 0o640), (0o644, 0o640), (0o400, 0o400)] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        put_all(&server, &server.images(&binding(), &material(&b)).unwrap());
        assert_eq!(std::fs::metadata(&key).unwrap().mode() & 0o7777, after);
    }
    let declared =
        FileServer { mode: Some(0o660), owner: Some("0:0".to_owned()), ..files(dir.path(), Some("site.key"), None) };
    let server = FilesServer::new(declared, children()).unwrap();
    let images = server.images(&binding(), &material(&a)).unwrap();
    assert_eq!((images[0].1.mode, images[0].1.owner), (Some(0o660), Some((0, 0))));
    // A link that was lost comes back with the image that had it.
    let (object, with_link) = &images[1];
    std::fs::remove_file(dir.path().join("site.pem")).unwrap();
    server.put(object, Some(with_link)).unwrap();
    assert_eq!(server.observe(object).unwrap(), with_link.state());
}

#[test]
fn a_pair_that_does_not_fit_and_commands_that_fail_are_named() {
    let authority = Authority::new("Pairs");
    let (a, b) = (authority.issue(&["a.example"]), authority.issue(&["a.example"]));
    let dir = tempfile::tempdir().unwrap();
    let server = FilesServer::new(files(dir.path(), Some("site.key"), None), children()).unwrap();
    put_all(&server, &server.images(&binding(), &material(&a)).unwrap());
    let key = server.images(&binding(), &material(&b)).unwrap().remove(0);
    put_all(&server, &[key]);
    assert_eq!(server.check().unwrap_err().id(), ErrorId::KeyMismatch);
    std::fs::remove_file(dir.path().join("site.key")).unwrap();
    assert_eq!(server.check().unwrap_err().id(), ErrorId::KeyMismatch);
    std::fs::write(dir.path().join("site.pem"), "garbage").unwrap();
    assert_eq!(server.check().unwrap_err().id(), ErrorId::BadCertificateFile);

    let failing =
        FileServer { test: words("false"), reload: words("/no/such/program x"), ..files(dir.path(), None, None) };
    let server = FilesServer::new(failing, children()).unwrap();
    assert_eq!(server.check().unwrap_err().id(), ErrorId::TestCommandFailed);
    let error = server.activate().unwrap_err();
    assert!(error.id() == ErrorId::ReloadFailed && error.message().contains("/no/such/program"), "{error}");

    let listener = listener_server(&[&a]);
    let stranger = listener.images(&binding(), &material(&b)).unwrap();
    put_all(&listener, &stranger);
    assert_eq!(listener.check().unwrap_err().id(), ErrorId::CertificateNotFound);
}
