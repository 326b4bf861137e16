//! PKCS#12 files (RFC 7292), as Windows, OpenSSL, Java, NSS and `GnuTLS` write them.

use zeroize::Zeroizing;

use super::contents::Contents;
use super::der::{self, Malformed, Reader, Tlv};
use super::key::{PrivateKey, Signer};
use super::pbe::{self, Fault, Mac, Passphrase, PfxProtection, Work};
use super::{ber, parse_certificate};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Secret};

const DATA: &str = "1.2.840.113549.1.7.1";
const ENCRYPTED_DATA: &str = "1.2.840.113549.1.7.6";
const KEY_BAG: &str = "1.2.840.113549.1.12.10.1.1";
const SHROUDED_KEY_BAG: &str = "1.2.840.113549.1.12.10.1.2";
const CERTIFICATE_BAG: &str = "1.2.840.113549.1.12.10.1.3";
const SAFE_CONTENTS_BAG: &str = "1.2.840.113549.1.12.10.1.6";
const X509_CERTIFICATE: &str = "1.2.840.113549.1.9.22.1";
const FRIENDLY_NAME: &str = "1.2.840.113549.1.9.20";
const LOCAL_KEY_ID: &str = "1.2.840.113549.1.9.21";
const BMP_STRING: u8 = 0x1e;
/// How deep bags may stand in bags.
const MAX_DEPTH: usize = 4;

/// Reads keys, certificates and friendly names.
///
/// Files in BER are read, each layer made DER as it is laid open. Where a password is empty, a file may have been made
/// over an empty text or over no text at all. The integrity check comes first, so that a wrong password and a part that
/// cannot be read are told apart.
///
/// # Errors
/// `BadPassword`, or `BadCertificateFile` with the reason.
pub(crate) fn read_pfx(bytes: &[u8], password: &Secret) -> Result<Contents> {
    let mut reading = Reading {
        spellings: Passphrase::spellings(password),
        is_checked: false,
        work: Work::new(),
        contents: Contents::default(),
    };
    reading.file(bytes).map_err(|stop| match stop {
        Stop::Error(error) => error,
        Stop::Fault(fault) => reading.explain(fault),
    })?;
    if reading.contents.certificates().is_empty() && reading.contents.keys().is_empty() {
        return Err(bad("it holds neither certificate nor key"));
    }
    Ok(reading.contents)
}

/// A file under way.
struct Reading {
    spellings: Vec<Passphrase>,
    /// Whether an integrity check has confirmed the password.
    is_checked: bool,
    work: Work,
    contents: Contents,
}

/// Why reading stopped.
enum Stop {
    Error(Error),
    Fault(Fault),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Malformed> for Stop {
    fn from(reason: Malformed) -> Self {
        Self::Fault(reason.into())
    }
}

impl Reading {
    fn file(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let outer = ber::to_der(bytes)?;
        let Outer { safe, mac } = dissect(&outer)?;
        if let Some(mac) = mac {
            self.check(&mac, safe)?;
        }
        let safe = ber::to_der(safe)?;
        let mut infos = der::only(&safe, der::SEQUENCE)?.inside();
        while !infos.is_empty() {
            let mut info = infos.expect(der::SEQUENCE)?.inside();
            let kind = oid_of(&mut info)?;
            let mut content = info.expect(0xa0)?.inside();
            match kind.as_str() {
                DATA => {
                    let bags = ber::to_der(content.expect(der::OCTET_STRING)?.content)?;
                    self.bags(&bags, 0)?;
                }
                ENCRYPTED_DATA => {
                    let plain = self.encrypted(content.expect(der::SEQUENCE)?)?;
                    self.bags(&plain, 0)?;
                }
                _ => return Err(Malformed("a part of it is sealed with a certificate, not with a password").into()),
            }
        }
        Ok(())
    }

    /// Keeps the spelling of the password under which the check holds.
    fn check(&mut self, mac: &Mac, safe: &[u8]) -> Result<(), Stop> {
        for index in 0..self.spellings.len() {
            if mac.fits(safe, &self.spellings[index], &self.work)? {
                let fitting = self.spellings.swap_remove(index);
                self.spellings = vec![fitting];
                self.is_checked = true;
                return Ok(());
            }
        }
        Err(wrong_password().into())
    }

    /// Opens what is encrypted, and makes it DER.
    fn open(&self, algorithm: Tlv<'_>, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Stop> {
        let mut failed = Fault::Wrong;
        for spelling in &self.spellings {
            let opened = pbe::decrypt(algorithm, ciphertext, spelling, &self.work);
            // Padding fits by chance once in 256 wrong passwords: what comes out must be a structure.
            match opened.and_then(|plain| ber::to_der(&plain).map(Zeroizing::new).map_err(|_| Fault::Wrong)) {
                Ok(plain) => return Ok(plain),
                Err(fault) => failed = fault,
            }
        }
        Err(failed.into())
    }

    fn encrypted(&self, sealed: Tlv<'_>) -> Result<Zeroizing<Vec<u8>>, Stop> {
        let mut sealed = sealed.inside();
        sealed.expect(der::INTEGER)?;
        let mut info = sealed.expect(der::SEQUENCE)?.inside();
        info.expect(der::OID)?;
        let algorithm = info.expect(der::SEQUENCE)?;
        let ciphertext = ciphertext(&mut info)?;
        self.open(algorithm, &ciphertext)
    }

    fn bags(&mut self, safe: &[u8], depth: usize) -> Result<(), Stop> {
        if depth > MAX_DEPTH {
            return Err(Malformed("it nests too deeply").into());
        }
        let mut bags = der::only(safe, der::SEQUENCE)?.inside();
        while !bags.is_empty() {
            let mut bag = bags.expect(der::SEQUENCE)?.inside();
            let kind = oid_of(&mut bag)?;
            let value = bag.expect(0xa0)?;
            let attributes = bag.optional(der::SET)?;
            let name = attributes.and_then(|set| friendly_name(set.inside()));
            match kind.as_str() {
                KEY_BAG => self.add_key(PrivateKey::from_der(value.content)?, name),
                SHROUDED_KEY_BAG => {
                    let mut sealed = value.inside().expect(der::SEQUENCE)?.inside();
                    let algorithm = sealed.expect(der::SEQUENCE)?;
                    let plain = self.open(algorithm, sealed.expect(der::OCTET_STRING)?.content)?;
                    self.add_key(PrivateKey::from_der(&plain)?, name);
                }
                CERTIFICATE_BAG => {
                    let mut bag = value.inside().expect(der::SEQUENCE)?.inside();
                    // The other kind, SDSI, died in the 1990s.
                    if oid_of(&mut bag)? == X509_CERTIFICATE {
                        let certificate =
                            parse_certificate(bag.expect(0xa0)?.inside().expect(der::OCTET_STRING)?.content)?;
                        if let Some(name) = name {
                            self.contents.set_friendly_name(certificate.key_id(), &name);
                        }
                        self.contents.add_certificate(certificate);
                    }
                }
                SAFE_CONTENTS_BAG => self.bags(value.content, depth + 1)?,
                // Revocation lists, secrets, and what a vendor thought of.
                _ => {}
            }
        }
        Ok(())
    }

    fn add_key(&mut self, key: PrivateKey, name: Option<String>) {
        if let Some(name) = name {
            self.contents.set_friendly_name(key.key_id(), &name);
        }
        self.contents.add_key(key);
    }

    fn explain(&self, fault: Fault) -> Error {
        match fault {
            Fault::Wrong if self.is_checked => {
                bad("the password is right, and yet a part of it is encrypted with another one, or damaged")
            }
            Fault::Wrong => wrong_password(),
            Fault::Unsupported(what) => bad(&format!("its encryption is not supported: {what}"))
                .hint("convert it: `openssl pkcs12 -legacy -in OLD -out ALL.pem`, then import `ALL.pem`"),
            Fault::Costly => bad("its password derivation asks for more work than any honest file does"),
            Fault::Malformed(reason) => bad(&reason.to_string()),
        }
    }
}

struct Outer<'a> {
    safe: &'a [u8],
    mac: Option<Mac>,
}

fn dissect(pfx: &[u8]) -> Result<Outer<'_>, Fault> {
    let mut pfx = der::only(pfx, der::SEQUENCE)?.inside();
    if pfx.expect(der::INTEGER)?.content != [3] {
        return Err(Malformed("it is of another version than 3").into());
    }
    let mut info = pfx.expect(der::SEQUENCE)?.inside();
    if oid_of(&mut info)? != DATA {
        return Err(Malformed("its integrity rests on a signature, not on a password").into());
    }
    let safe = info.expect(0xa0)?.inside().expect(der::OCTET_STRING)?.content;
    let mac = pfx.optional(der::SEQUENCE)?.map(Mac::read).transpose()?;
    pfx.end()?;
    Ok(Outer { safe, mac })
}

fn oid_of(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    der::oid_text(reader.expect(der::OID)?.content).ok_or(Malformed("an object identifier is malformed"))
}

/// The implicit OCTET STRING of `EncryptedContentInfo`; in BER it may stand in pieces.
fn ciphertext(info: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let Some(pieces) = info.optional(0xa0)? else { return Ok(info.expect(0x80)?.content.to_vec()) };
    let mut pieces = pieces.inside();
    let mut joined = Vec::new();
    while !pieces.is_empty() {
        joined.extend_from_slice(pieces.expect(der::OCTET_STRING)?.content);
    }
    Ok(joined)
}

/// The friendly name among the attributes of a bag; one that is malformed is none.
fn friendly_name(mut attributes: Reader<'_>) -> Option<String> {
    while !attributes.is_empty() {
        let mut attribute = attributes.expect(der::SEQUENCE).ok()?.inside();
        if oid_of(&mut attribute).ok()? == FRIENDLY_NAME {
            let text = attribute.expect(der::SET).ok()?.inside().expect(BMP_STRING).ok()?.content;
            let (units, rest) = text.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            return String::from_utf16(&units).ok().filter(|name| rest.is_empty() && !name.is_empty());
        }
    }
    None
}

/// A key with its certificate, as a PFX carries it.
pub(crate) struct PfxIdentity<'a> {
    pub(crate) key: &'a PrivateKey,
    pub(crate) certificate: &'a Certificate,
    /// No name is written where it is empty.
    pub(crate) friendly_name: &'a str,
}

/// Writes keys with their certificates, and other certificates beside them.
///
/// # Errors
/// `KeyMismatch` when a certificate is not its key's; `BadCertificateFile` without identity.
pub(crate) fn write_pfx(
    identities: &[PfxIdentity<'_>],
    others: &[Certificate],
    password: &Secret,
    protection: PfxProtection,
) -> Result<Zeroizing<Vec<u8>>> {
    if identities.is_empty() {
        return Err(bad("a PFX needs a private key with its certificate"));
    }
    let spellings = Passphrase::spellings(password);
    write_with(identities, others, spellings.first().ok_or_else(wrong_password)?, protection)
}

fn write_with(
    identities: &[PfxIdentity<'_>],
    others: &[Certificate],
    passphrase: &Passphrase,
    protection: PfxProtection,
) -> Result<Zeroizing<Vec<u8>>> {
    let (mut certificates, mut keys) = (Vec::new(), Vec::new());
    for identity in identities {
        super::check_pair(identity.certificate, identity.key)?;
        let attributes = attributes(identity.certificate.thumbprint().as_bytes(), identity.friendly_name);
        certificates.extend(certificate_bag(identity.certificate, &attributes));
        let (algorithm, sealed) = pbe::encrypt(protection, &identity.key.to_pkcs8_der()?, passphrase)?;
        let sealed = der::sequence(&[&algorithm, &der::tlv(der::OCTET_STRING, &sealed)]);
        keys.extend(der::sequence(&[&oid(SHROUDED_KEY_BAG), &der::tlv(0xa0, &sealed), &attributes]));
    }
    let is_beside = |c: &&Certificate| !identities.iter().any(|i| i.certificate == *c);
    for certificate in others.iter().filter(is_beside) {
        certificates.extend(certificate_bag(certificate, &[]));
    }
    let (algorithm, sealed) = pbe::encrypt(protection, &der::tlv(der::SEQUENCE, &certificates), passphrase)?;
    let sealed = der::sequence(&[&oid(DATA), &algorithm, &der::tlv(0x80, &sealed)]);
    let sealed = der::sequence(&[&der::tlv(der::INTEGER, &[0]), &sealed]);
    let certificates = der::sequence(&[&oid(ENCRYPTED_DATA), &der::tlv(0xa0, &sealed)]);
    let safe = der::sequence(&[&certificates, &data(&der::tlv(der::SEQUENCE, &keys))]);
    let mac = Mac::make(protection, &safe, passphrase)?;
    Ok(Zeroizing::new(der::sequence(&[&der::tlv(der::INTEGER, &[3]), &data(&safe), &mac])))
}

/// A file around bags, neither encrypted nor checked.
pub(super) fn frame(bags: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::tlv(der::INTEGER, &[3]), &data(&der::sequence(&[&data(bags)]))])
}

/// A `ContentInfo` of plain data.
fn data(content: &[u8]) -> Vec<u8> {
    der::sequence(&[&oid(DATA), &der::tlv(0xa0, &der::tlv(der::OCTET_STRING, content))])
}

fn certificate_bag(certificate: &Certificate, attributes: &[u8]) -> Vec<u8> {
    let content = der::tlv(0xa0, &der::tlv(der::OCTET_STRING, certificate.der()));
    let bag = der::sequence(&[&oid(X509_CERTIFICATE), &content]);
    der::sequence(&[&oid(CERTIFICATE_BAG), &der::tlv(0xa0, &bag), attributes])
}

/// The attributes that tie a key to its certificate, and name them.
fn attributes(local_key_id: &[u8], friendly_name: &str) -> Vec<u8> {
    let attribute = |kind: &str, value: Vec<u8>| der::sequence(&[&oid(kind), &der::tlv(der::SET, &value)]);
    let mut all = vec![attribute(LOCAL_KEY_ID, der::tlv(der::OCTET_STRING, local_key_id))];
    if !friendly_name.is_empty() {
        let text: Vec<u8> = friendly_name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        all.push(attribute(FRIENDLY_NAME, der::tlv(BMP_STRING, &text)));
    }
    // The elements of a SET OF stand in the order of their encodings (X.690 section 11.6).
    all.sort();
    der::tlv(der::SET, &all.concat())
}

fn oid(dotted: &str) -> Vec<u8> {
    der::oid(dotted).unwrap_or_default()
}

fn wrong_password() -> Error {
    Error::new(ErrorId::BadPassword, "the password does not open the PFX file, or the file was damaged")
}

fn bad(reason: &str) -> Error {
    Error::new(ErrorId::BadCertificateFile, format!("the PFX file is refused: {reason}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::x509::issue::tests::{request, root, server};
    use crate::x509::key::tests::{P256, P384, RSA};
    use crate::x509::testing::{self, Bench};
    use crate::x509::{AuthorityProfile, Issuer, issue, pem};

    /// Puts `key.pem`, `leaf.pem` and `ca.pem` into a folder.
    pub(in crate::x509) fn materials(bench: &Bench, key: &PrivateKey) -> [Certificate; 2] {
        let authority = root(&*P384, "CN=P12 Root", AuthorityProfile::default());
        let issuer = Issuer { certificate: &authority, signer: &*P384 };
        let leaf = issue(&request(key, "CN=a.b", &["a.b"]), &issuer, &server()).unwrap();
        bench.write("key.pem", key.to_pem().unwrap().as_bytes());
        bench.write("leaf.pem", pem::encode_certificates([&leaf]).as_bytes());
        bench.write("ca.pem", pem::encode_certificates([&authority]).as_bytes());
        [leaf, authority]
    }

    /// The plain bags of a file that is framed by nothing else.
    pub(in crate::x509) fn bags(file: &[u8]) -> Option<Vec<u8>> {
        let safe = dissect(file).ok()?.safe;
        let mut info = der::only(safe, der::SEQUENCE).ok()?.inside().expect(der::SEQUENCE).ok()?.inside();
        (oid_of(&mut info).ok()? == DATA).then_some(())?;
        Some(info.expect(0xa0).ok()?.inside().expect(der::OCTET_STRING).ok()?.content.to_vec())
    }

    const EXPORT: &str = "pkcs12 -export -inkey key.pem -in leaf.pem -certfile ca.pem -out out.p12";

    /// Name, options of OpenSSL, password, whether it is read.
    const FLAVOURS: [(&str, &str, &str, bool); 13] = [
        ("modern", "-name friendly -passout pass:Passw0rd", "Passw0rd", true),
        ("legacy", "-name friendly -passout pass:Passw0rd -legacy", "Passw0rd", true),
        (
            "3des",
            "-name friendly -passout pass:Passw0rd -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1 -LMK",
            "Passw0rd",
            true,
        ),
        (
            "aes256",
            "-name friendly -passout pass:Passw0rd -keypbe AES-256-CBC -certpbe AES-256-CBC -macalg sha256 -iter 2000 -LMK",
            "Passw0rd",
            true,
        ),
        (
            "plain certificates",
            "-name friendly -passout pass:Passw0rd -keypbe AES-128-CBC -certpbe NONE -macalg sha512",
            "Passw0rd",
            true,
        ),
        ("no check", "-name friendly -passout pass:Passw0rd -nomac", "Passw0rd", true),
        ("empty password", "-name friendly -passout pass:", "", true),
        (
            "empty password 3des",
            "-name friendly -passout pass: -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1",
            "",
            true,
        ),
        ("unicode password", "-name friendly -passout pass:pässwörd€", "pässwörd€", true),
        (
            "3des in pbes2",
            "-name friendly -passout pass:Passw0rd -keypbe DES-EDE3-CBC -certpbe DES-EDE3-CBC",
            "Passw0rd",
            true,
        ),
        ("rc2-128", "-name friendly -passout pass:Passw0rd -legacy -certpbe PBE-SHA1-RC2-128", "Passw0rd", true),
        ("two keys", "-name friendly -passout pass:Passw0rd -legacy -certpbe PBE-SHA1-2DES", "Passw0rd", true),
        ("rc4", "-name friendly -passout pass:Passw0rd -legacy -certpbe PBE-SHA1-RC4-128", "Passw0rd", false),
    ];

    #[test]
    fn openssls_flavours_are_read() {
        let Some(bench) = testing::bench("openssls_flavours_are_read") else { return };
        for key in [&*RSA, &*P256] {
            let [leaf, authority] = materials(&bench, key);
            for (flavour, options, password, readable) in FLAVOURS {
                bench.run(&format!("{EXPORT} {options}")).unwrap();
                let file = bench.read("out.p12");
                let read = read_pfx(&file, &Secret::from(password));
                if !readable {
                    let error = read.unwrap_err();
                    assert_eq!(error.id(), ErrorId::BadCertificateFile, "{flavour}");
                    assert!(error.message().contains("encryption is not supported"), "{flavour}: {error}");
                    continue;
                }
                let read = read.unwrap_or_else(|e| panic!("{flavour}: {e} {e:?}"));
                assert_eq!(read.certificates().len(), 2, "{flavour}");
                assert!(read.certificates().contains(&authority), "{flavour}");
                let (found, own) = read.identity().unwrap();
                assert_eq!((found, own.key_id()), (&leaf, key.key_id()), "{flavour}");
                assert_eq!(read.friendly_name(&leaf), Some("friendly"), "{flavour}");
                let error = read_pfx(&file, &Secret::from("wrong")).unwrap_err();
                assert_eq!(error.id(), ErrorId::BadPassword, "{flavour}");
                for cut in [0, 1, 20, file.len() / 2, file.len() - 1] {
                    let error = read_pfx(&file[..cut], &Secret::from(password)).unwrap_err();
                    assert_eq!(error.id(), ErrorId::BadCertificateFile, "{flavour} cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn certificates_alone_and_ber_are_read() {
        let Some(bench) = testing::bench("certificates_alone_and_ber_are_read") else { return };
        let [leaf, _] = materials(&bench, &P256);
        bench.run("pkcs12 -export -nokeys -in leaf.pem -certfile ca.pem -passout pass:a -out only.p12").unwrap();
        let read = read_pfx(&bench.read("only.p12"), &Secret::from("a")).unwrap();
        assert_eq!((read.certificates().len(), read.keys().len()), (2, 0));
        // With a check only the layer outside of it can be rewritten; without one every layer is.
        for options in
            ["-passout pass:a", "-passout pass:a -nomac", "-passout pass:a -nomac -keypbe NONE -certpbe NONE"]
        {
            bench.run(&format!("{EXPORT} {options}")).unwrap();
            let file = bench.read("out.p12");
            let mut ber = ber::tests::to_ber(&file);
            if options.contains("nomac") {
                let safe = dissect(&file).unwrap().safe;
                let inner = der::tlv(der::OCTET_STRING, &ber::tests::to_ber(safe));
                let info = der::sequence(&[&der::oid(DATA).unwrap(), &der::tlv(0xa0, &inner)]);
                ber = ber::tests::to_ber(&der::sequence(&[&der::tlv(der::INTEGER, &[3]), &info]));
            }
            let read = read_pfx(&ber, &Secret::from("a")).unwrap_or_else(|e| panic!("{options}: {e:?}"));
            assert_eq!(read.identity().unwrap().0, &leaf, "{options}");
        }
    }

    #[test]
    fn no_password_is_an_empty_text_or_nothing() {
        let Some(bench) = testing::bench("no_password_is_an_empty_text_or_nothing") else { return };
        let [leaf, _] = materials(&bench, &P256);
        let identity = [PfxIdentity { key: &P256, certificate: &leaf, friendly_name: "" }];
        for protection in [PfxProtection::Aes256Sha256, PfxProtection::TripleDesSha1] {
            let spellings = Passphrase::spellings(&Secret::from(""));
            assert_eq!(spellings.len(), 2);
            for spelling in &spellings {
                let file = write_with(&identity, &[], spelling, protection).unwrap();
                let without_check = {
                    let plain = dissect(&file).unwrap();
                    der::sequence(&[&der::tlv(der::INTEGER, &[3]), &data(plain.safe)])
                };
                for file in [file.as_slice(), &without_check] {
                    assert_eq!(read_pfx(file, &Secret::from("")).unwrap().identity().unwrap().0, &leaf);
                    assert_eq!(read_pfx(file, &Secret::from("x")).unwrap_err().id(), ErrorId::BadPassword);
                }
            }
        }
    }

    #[test]
    fn derivations_are_bounded() {
        let Some(bench) = testing::bench("derivations_are_bounded") else { return };
        materials(&bench, &P256);
        let read = |options: &str| {
            bench.run(&format!("{EXPORT} -passout pass:a {options}")).unwrap();
            read_pfx(&bench.read("out.p12"), &Secret::from("a"))
        };
        assert!(read("-iter 600000").is_ok());
        for options in
            ["-iter 1000001", "-iter 1000001 -nomac", "-iter 1000001 -nomac -keypbe PBE-SHA1-3DES -certpbe NONE"]
        {
            let error = read(options).unwrap_err();
            assert!(
                error.id() == ErrorId::BadCertificateFile && error.message().contains("more work"),
                "{options}: {error}"
            );
        }
    }

    #[test]
    fn openssl_reads_what_is_written() {
        let Some(bench) = testing::bench("openssl_reads_what_is_written") else { return };
        let password = Secret::from("pässwörd€");
        let [leaf, authority] = materials(&bench, &RSA);
        let names = Some(vec![crate::model::AlternativeName::host("b.c")]);
        let profile = crate::x509::Profile { alternative_names: names, ..server() };
        let other = crate::x509::self_signed(&*P256, &profile).unwrap();
        for protection in [PfxProtection::Aes256Sha256, PfxProtection::TripleDesSha1] {
            let identities = [
                PfxIdentity { key: &RSA, certificate: &leaf, friendly_name: "Pool ü" },
                PfxIdentity { key: &P256, certificate: &other, friendly_name: "" },
            ];
            let file = write_pfx(&identities, &[leaf.clone(), authority.clone()], &password, protection).unwrap();
            bench.write("own.p12", &file);
            let text = bench.run("pkcs12 -in own.p12 -passin pass:pässwörd€ -nodes -info").unwrap();
            assert_eq!((text.matches("BEGIN CERTIFICATE").count(), text.matches("BEGIN PRIVATE KEY").count()), (3, 2));
            let read = read_pfx(&file, &password).unwrap();
            assert_eq!(read.friendly_name(&leaf), Some("Pool ü"));
            assert_eq!(read.friendly_name(&other), None);
            assert!(read.key_of(&leaf).is_some() && read.key_of(&other).is_some() && read.key_of(&authority).is_none());
            let wrong = [PfxIdentity { key: &P256, certificate: &leaf, friendly_name: "" }];
            assert_eq!(write_pfx(&wrong, &[], &password, protection).unwrap_err().id(), ErrorId::KeyMismatch);
        }
        assert_eq!(
            write_pfx(&[], &[leaf], &password, PfxProtection::Aes256Sha256).unwrap_err().id(),
            ErrorId::BadCertificateFile
        );
    }
}
