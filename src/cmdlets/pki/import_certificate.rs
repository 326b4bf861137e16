//! `Import-Certificate`: certificates without keys, from files of any size.

use std::io::BufRead;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use crate::cmdlets::cert_drive::{DrivePath, STORE_ITEM, StoreItem, StoreName};
use crate::command::{Args, Example, Expect, Impact, Input, Invocation, Param, Pipeline, Spec, Value, Values, Verb};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Fingerprint};
use crate::session::{Intake, Session, open_artefact, read_artefact};
use crate::state::{CertificateRow, Store};
use crate::x509::{Bundle, Piece, read_any};

/// `-FilePath`, for the verbs that read certificates from files.
pub(super) static FILE_PATH: Param<String> = Param::named("FilePath", "The file")
    .at(0)
    .aliases(&["FullName", "Path"])
    .mandatory()
    .from_pipeline(Pipeline::ByPropertyName)
    .values(Values::Files);
/// `-CertStoreLocation`, for the verbs that store certificates.
pub(super) static LOCATION: Param<String> =
    Param::named("CertStoreLocation", "The store: `Cert:\\LocalMachine\\My`, `…\\CA` or `…\\Root`")
        .at(1)
        .default_text("Cert:\\LocalMachine\\My");

/// How many certificates are stored in one transaction.
const BATCH: usize = 10_000;
/// How long a wait for the next batch goes without a look at Ctrl-C and the time limit.
const SLICE: Duration = Duration::from_millis(50);
/// After so many certificates that are refused the file is taken for something else.
const MOST_REFUSED: usize = 20;

pub(crate) static SPEC: Spec = Spec {
    name: "Import-Certificate",
    twin: None,
    aliases: &[],
    functions: &[],
    synopsis: "Store the certificates of a file, without private keys",
    description: "Takes every certificate of a PEM bundle, a P7B or a DER file and emits each as it stands in the store. One that \
                  is stored already is left as it is, so that an import that was interrupted is simply run again. A bundle may \
                  be of any length: it is stored in batches of 10,000, each with a line in the audit log; Ctrl-C ends it between \
                  two of them.\n\nA certificate whose private key or request is here is joined to it. To import a private key \
                  use `Import-PfxCertificate`.\n\nIn Root the store only remembers a certificate: nothing trusts it for that. What \
                  this program trusts stands under `[trust] roots` in the configuration; what the operating system trusts is \
                  never touched.",
    sets: &[],
    parameters: &[&FILE_PATH.spec, &LOCATION.spec],
    input: Input::EachObject,
    emits: Some(&STORE_ITEM),
    changes: Impact::Medium,
    examples: &[
        Example {
            line: "Get-CsCertificate -Type Default | Export-Certificate -FilePath C:\\a.pem | Import-Certificate",
            says: "Finds that the certificate is stored already",
            expect: Expect::Emits(1),
        },
        Example {
            line: "Import-Certificate C:\\Certificates\\chain.pem -CertStoreLocation Cert:\\LocalMachine\\CA",
            says: "Says so when the file is not there",
            expect: Expect::Fails(ErrorId::FileNotFound),
        },
    ],
    related: &["Import-PfxCertificate", "Export-Certificate", "Get-ChildItem"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let session = cx.session();
    let shown = args.need(&FILE_PATH, session)?;
    let store = store(session, args)?;
    session.policy()?.check_change()?;
    let path = session.resolve_path(&shown)?;
    let (mut input, length) = open_artefact(&path, &shown)?;
    let target = format!(r"{shown} to Cert:\LocalMachine\{}", store.name());
    if cx.what_if() {
        return cx.tell_what_if("Import certificates", &target);
    }
    if !cx.confirm("Import certificates", &target)? {
        return Ok(());
    }
    let begin = input.fill_buf().map_err(|e| Error::new(ErrorId::FileNotFound, format!("`{shown}` cannot be read: {e}")))?;
    // DER and the wide texts of Windows editors are taken as a whole; so is base64 without its frame.
    let is_whole = matches!(begin, [0x30, ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    let mut import = Import { cx, intake: Intake::begin(session, SPEC.name, &shown)?, shown: &shown, store, tally: Tally::default() };
    if is_whole || !import.bundle(Bundle::new(input), length)? {
        let contents = read_any(&read_artefact(&path, &shown)?, None).map_err(|e| match e.id() {
            // This verb takes no password: what is protected by one holds a private key.
            ErrorId::BadPassword => Error::new(ErrorId::BadPassword, e.message())
                .about(shown.clone())
                .hint(format!("`Import-PfxCertificate -FilePath {shown} -Password …` imports it with its key")),
            _ => e.about(shown.clone()),
        })?;
        import.tally.keys += contents.keys().len();
        let row = import.intake.rows(store);
        for batch in contents.certificates().chunks(BATCH) {
            import.put(batch.iter().map(&row).collect())?;
        }
    }
    import.end()
}

/// The store that `-CertStoreLocation` names.
///
/// # Errors
/// `PathNotFound`, `ParameterArgumentValidationError` for what is no store of certificates.
pub(super) fn store(session: &Session, args: &Args) -> Result<Store> {
    let Some(given) = args.get(&LOCATION, session)? else { return Ok(Store::My) };
    match DrivePath::parse(&given)? {
        DrivePath::Store(StoreName::Of(store)) => Ok(store),
        _ => Err(Error::new(ErrorId::ParameterArgumentValidationError, format!("`{given}` is no store that a certificate can be put in"))
            .about(given)
            .hint(r"write `Cert:\LocalMachine\My`, or `CA` or `Root` in its place")),
    }
}

/// What was read since the parcel before.
#[derive(Default)]
struct Parcel {
    rows: Vec<(Fingerprint, CertificateRow)>,
    refused: Vec<(u64, Error)>,
    others: Vec<(u64, String)>,
    keys: usize,
    is_pem: bool,
    /// How much of the file was read, in octets.
    octets: u64,
    /// Why it is the last one although the file goes on.
    cut: Option<Error>,
}

/// Reads a bundle until its end, or until nobody wants it any more.
fn read(
    mut bundle: Bundle<impl BufRead>,
    row: impl Fn(&Certificate) -> (Fingerprint, CertificateRow),
    send: &SyncSender<Parcel>,
) {
    let mut parcel = Parcel::default();
    loop {
        let is_end = match bundle.next() {
            Ok(None) => true,
            Ok(Some((line, piece))) => {
                parcel.is_pem = true;
                match piece {
                    Piece::Certificates(found) => parcel.rows.extend(found.iter().map(&row)),
                    Piece::Refused(error) => parcel.refused.push((line, error)),
                    Piece::Key => parcel.keys += 1,
                    Piece::Other(label) => parcel.others.push((line, label)),
                }
                false
            }
            Err(error) => {
                parcel.cut = Some(error);
                true
            }
        };
        let is_full = parcel.rows.len() >= BATCH || parcel.refused.len() > MOST_REFUSED || parcel.others.len() >= BATCH;
        if is_end || is_full {
            parcel.octets = bundle.octets();
            if send.send(std::mem::take(&mut parcel)).is_err() || is_end {
                return;
            }
        }
    }
}

/// A file that is being taken in.
struct Import<'c, 'i, 's> {
    cx: &'c mut Invocation<'i>,
    intake: Intake<'s>,
    shown: &'c str,
    store: Store,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    found: usize,
    new: usize,
    keyless: usize,
    keys: usize,
    refused: usize,
}

impl Import<'_, '_, '_> {
    /// Takes in a PEM text; tells whether there was any block in it.
    ///
    /// It is read beside the storing, one batch ahead, and by a thread of its own, so that a pipe that gives nothing does
    /// not hold up an interruption.
    fn bundle(&mut self, bundle: Bundle<impl BufRead + Send + 'static>, length: u64) -> Result<bool> {
        let (send, parcels) = sync_channel(1);
        let row = self.intake.rows(self.store);
        std::thread::spawn(move || read(bundle, row, &send));
        let mut is_pem = false;
        loop {
            let parcel = match parcels.recv_timeout(SLICE) {
                Ok(parcel) => parcel,
                Err(RecvTimeoutError::Timeout) => {
                    self.check_cancelled()?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(is_pem),
            };
            is_pem |= parcel.is_pem;
            self.tally.keys += parcel.keys;
            for (line, label) in parcel.others {
                self.cx.verbose(format!("line {line}: `{label}` is passed over"))?;
            }
            for (line, error) in parcel.refused {
                self.refuse(line, &error)?;
            }
            self.put(parcel.rows)?;
            if let Some(error) = parcel.cut {
                return Err(Error::new(error.id(), format!("`{}`, {}", self.shown, error.message()))
                    .about(self.shown)
                    .hint(format!("{} certificates before it are stored", self.tally.found)));
            }
            if self.tally.found >= BATCH {
                let percent = parcel.octets.saturating_mul(100) / length.max(1);
                self.cx.progress(format!("{}: {} certificates, {percent} %", self.shown, self.tally.found))?;
            }
        }
    }

    fn check_cancelled(&self) -> Result<()> {
        self.cx.check_cancelled().map_err(|e| {
            let stored = self.tally.found;
            e.hint(format!("{stored} certificates of `{}` are stored; run the command again for the others", self.shown))
        })
    }

    fn put(&mut self, batch: Vec<(Fingerprint, CertificateRow)>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.check_cancelled()?;
        let session = self.cx.session();
        for taken in self.intake.store(batch)? {
            self.tally.found += 1;
            self.tally.new += usize::from(taken.is_new);
            self.tally.keyless += usize::from(!taken.has_key);
            let item = StoreItem::with_key(session, taken.fingerprint, taken.row, taken.has_key);
            self.cx.emit(Value::object(item))?;
        }
        Ok(())
    }

    fn refuse(&mut self, line: u64, error: &Error) -> Result<()> {
        self.tally.refused += 1;
        let refused = Error::new(error.id(), format!("`{}`, line {line}: {}", self.shown, error.message())).about(self.shown);
        if self.tally.refused > MOST_REFUSED {
            return Err(refused.hint(format!("{MOST_REFUSED} others were refused before it: look at the file")));
        }
        self.cx.report_error(refused)
    }

    fn end(self) -> Result<()> {
        let Self { cx, shown, store, tally, .. } = self;
        if tally.found == 0 && tally.refused == 0 {
            return Err(Error::new(ErrorId::BadCertificateFile, format!("`{shown}` holds no certificate")).about(shown));
        }
        if tally.keys > 0 {
            cx.warn_as(
                "PrivateKeyPassedOver",
                format!("`{shown}` holds a private key, which is not imported: `Import-PfxCertificate` takes it"),
            )?;
        }
        if store == Store::My && tally.keyless > 0 {
            cx.warn_as(
                "NoPrivateKey",
                format!("{} of {} certificates have no private key here and cannot be assigned", tally.keyless, tally.found),
            )?;
        }
        cx.verbose(format!("{} certificates, {} of them new", tally.found, tally.new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{Done, TestWorld, texts};
    use crate::command::Stream;
    use crate::state::{CertificateQuery, State};
    use crate::x509::{encode_pkcs7, pem};

    struct Files(tempfile::TempDir);

    impl Files {
        fn import(&self, world: &TestWorld, content: &[u8], location: Option<&str>) -> Done {
            let path = self.0.path().join("file");
            std::fs::write(&path, content).unwrap();
            let mut parameters = vec![("FilePath", Value::from(path.to_str().unwrap()))];
            parameters.extend(location.map(|l| ("CertStoreLocation", l.into())));
            world.run(&VERB, &parameters)
        }
    }

    fn stored(world: &TestWorld, store: Store) -> usize {
        world.state.certificates(&CertificateQuery { store: Some(store), ..CertificateQuery::default() }).unwrap().len()
    }

    #[test]
    fn every_certificate_of_every_kind_of_file_is_stored_once() {
        let files = Files(tempfile::tempdir().unwrap());
        let donor = TestWorld::contoso().with("a", &["a.example.com"]).with("b", &["b.example.com"]);
        let both = [donor.leaf("a").clone(), donor.leaf("b").clone()];
        let bundle = pem::encode_certificates(&both);
        let bare: String = bundle.lines().take_while(|l| !l.starts_with("-----END")).filter(|l| !l.starts_with('-')).collect();
        for (count, content) in [
            (2, bundle.clone().into_bytes()),
            (2, bundle.repeat(3).into_bytes()),
            (2, encode_pkcs7(&both)),
            (1, both[0].der().to_vec()),
            (1, bare.into_bytes()),
            (2, [0xfeff].into_iter().chain(bundle.encode_utf16()).flat_map(u16::to_le_bytes).collect()),
        ] {
            let world = TestWorld::contoso();
            for is_new in [true, false] {
                let done = files.import(&world, &content, None);
                assert_eq!(done.said(Stream::Warning).len(), 1, "no private keys");
                assert_eq!(done.emitted().len(), count);
                assert_eq!(stored(&world, Store::My), 1 + count);
                assert_eq!(world.state.audit_after(0, 10).unwrap().len(), 1, "{is_new}: one line, and none for what is known");
            }
        }
    }

    #[test]
    fn a_file_that_was_taken_in_half_adds_the_other_half() {
        let files = Files(tempfile::tempdir().unwrap());
        let donor = TestWorld::contoso().with("a", &["a.example.com"]).with("b", &["b.example.com"]);
        let both = [donor.leaf("a").clone(), donor.leaf("b").clone()];
        let world = TestWorld::contoso();
        files.import(&world, both[0].der(), None).emitted();
        let done = files.import(&world, pem::encode_certificates(&both).as_bytes(), None);
        assert_eq!(done.emitted().len(), 2);
        let lines = world.state.audit_after(0, 10).unwrap();
        assert_eq!(lines.len(), 2);
        let names = |certificate: &Certificate| lines[1].line.contains(&certificate.fingerprint().to_string());
        assert_eq!((names(&both[0]), names(&both[1])), (false, true), "{}", lines[1].line);
    }

    #[test]
    fn stores_are_chosen_and_nothing_is_trusted_for_it() {
        let files = Files(tempfile::tempdir().unwrap());
        let donor = TestWorld::contoso();
        let world = TestWorld::contoso();
        let root = donor.authority.root.clone();
        let content = root.der().to_vec();
        let done = files.import(&world, &content, Some(r"Cert:\LocalMachine\Root"));
        assert!(done.said(Stream::Warning).is_empty());
        assert_eq!(texts(&done.emitted(), "Store"), ["Root"]);
        assert_eq!(stored(&world, Store::Root), 1);
        let trusted = world.session().roots(&crate::model::ChainTo::Configured).unwrap();
        assert!(!trusted.contains(&root));
        for (place, id) in [
            (r"Cert:\CurrentUser\My", ErrorId::PathNotFound),
            (r"Cert:\LocalMachine\REQUEST", ErrorId::ParameterArgumentValidationError),
            (r"Cert:\LocalMachine", ErrorId::ParameterArgumentValidationError),
            ("My", ErrorId::PathNotFound),
        ] {
            assert_eq!(files.import(&world, &content, Some(place)).error().id(), id, "{place}");
        }
    }

    #[test]
    fn what_is_bad_is_named_and_the_rest_is_stored() {
        let files = Files(tempfile::tempdir().unwrap());
        let donor = TestWorld::contoso().with("a", &["a.example.com"]);
        let good = pem::encode(pem::CERTIFICATE, donor.leaf("a").der());
        let bad = pem::encode(pem::CERTIFICATE, &donor.leaf("a").der()[..100]);
        let world = TestWorld::contoso();
        let done = files.import(&world, format!("{}{}", *bad, *good).as_bytes(), None);
        assert_eq!(done.messages.iter().filter(|m| m.stream == Stream::Error).count(), 1);
        assert_eq!(done.emitted().len(), 1);
        let cut = files.import(&world, &good.as_bytes()[..good.len() - 8], None).error();
        assert_eq!(cut.id(), ErrorId::BadCertificateFile);
        let many = files.import(&world, bad.repeat(30).as_bytes(), None);
        assert_eq!(many.messages.iter().filter(|m| m.stream == Stream::Error).count(), MOST_REFUSED);
        assert_eq!(many.error().id(), ErrorId::BadCertificateFile);
        for nothing in [&b""[..], b"hello", b"-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n"] {
            assert_eq!(files.import(&world, nothing, None).error().id(), ErrorId::BadCertificateFile);
        }
        let missing = [("FilePath", Value::from("/nowhere/at/all.pem"))];
        assert!(matches!(world.run(&VERB, &missing).error().id(), ErrorId::FileNotFound | ErrorId::PathNotAllowed));
    }
}
