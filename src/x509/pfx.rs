//! PKCS#12 files (RFC 7292), as Windows, OpenSSL, Java, NSS and `GnuTLS` write them.

use aws_lc_rs::{digest, hmac};
use p12_keystore::error::Error as KeyStoreError;
use p12_keystore::{Certificate as Bag, KeyStore, KeyStoreEntry, Pkcs12Archive, PrivateKeyChain};
use zeroize::Zeroizing;

use super::contents::Contents;
use super::der::{self, Malformed};
use super::key::{PrivateKey, Signer};
use super::{ber, parse_certificate};
use crate::error::{Error, ErrorId, Result};
use crate::model::{Certificate, Secret};

const DATA: &str = "1.2.840.113549.1.7.1";
const ENCRYPTED_DATA: &str = "1.2.840.113549.1.7.6";
/// Most rounds of a password derivation that are carried out; NSS and `GnuTLS` use 600,000.
const MAX_ROUNDS: u32 = 1_000_000;

/// Reads keys, certificates and friendly names.
///
/// The integrity check is ours, so that a wrong password and a damaged file can be told apart, files in BER are read,
/// and a file without password may have it made over an empty or over no text at all.
///
/// # Errors
/// `BadPassword`, or `BadCertificateFile` with the reason.
pub(crate) fn read_pfx(bytes: &[u8], password: &Secret) -> Result<Contents> {
    let refused = |e: Malformed| bad(&e.to_string());
    let outer = ber::to_der(bytes).map_err(refused)?;
    let Outer { safe, mac } = dissect(&outer).map_err(refused)?;
    let has_mac = mac.is_some();
    if let Some(mac) = mac {
        check_mac(&mac, &safe, password)?;
    }
    let plain = without_mac(&safe).map_err(refused)?;
    let archive = Pkcs12Archive::from_pkcs12(&plain, password.expose()).map_err(|e| explain(e, has_mac))?;
    let mut contents = Contents::default();
    for bag in archive.keys {
        let der = Zeroizing::new(bag.key.as_der().to_vec());
        let key = PrivateKey::from_der(&der)?;
        if let Some(name) = bag.friendly_name {
            contents.set_friendly_name(key.key_id(), &name);
        }
        contents.add_key(key);
    }
    for bag in archive.certs {
        let certificate = parse_certificate(bag.cert.as_der())?;
        if let Some(name) = bag.friendly_name {
            contents.set_friendly_name(certificate.key_id(), &name);
        }
        contents.add_certificate(certificate);
    }
    if contents.certificates().is_empty() && contents.keys().is_empty() {
        return Err(bad("it holds neither certificate nor key"));
    }
    Ok(contents)
}

/// Writes a key with its certificate and the rest of the chain: PBES2 with AES-256, PBKDF2 and HMAC of SHA-256.
///
/// # Errors
/// `KeyMismatch` when the first certificate is not the key's; `BadCertificateFile` without certificate.
pub(crate) fn write_pfx(
    key: &PrivateKey,
    chain: &[Certificate],
    friendly_name: &str,
    password: &Secret,
) -> Result<Zeroizing<Vec<u8>>> {
    let leaf = chain.first().ok_or_else(|| bad("a PFX needs the certificate of its key"))?;
    super::check_pair(leaf, key)?;
    let failed = |e: KeyStoreError| bad("it could not be encoded").because(e);
    let plain = key.to_pkcs8_der()?;
    let bags = chain.iter().map(|c| Bag::from_der(c.der())).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let sealed = p12_keystore::PrivateKey::from_der(&plain).map_err(failed)?;
    let mut store = KeyStore::new();
    let id = leaf.thumbprint().as_bytes().to_vec();
    store.add_entry(friendly_name, KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(id, sealed, bags)));
    // As many rounds as GnuTLS and NSS; the rounds of the check cost a third of those of the encryption.
    let written = store
        .writer(password.expose())
        .encryption_iterations(600_000)
        .mac_iterations(100_000)
        .write()
        .map_err(failed)?;
    Ok(Zeroizing::new(written))
}

struct Outer {
    safe: Vec<u8>,
    mac: Option<Mac>,
}

struct Mac {
    digest: String,
    value: Vec<u8>,
    salt: Vec<u8>,
    rounds: u32,
}

fn dissect(pfx: &[u8]) -> Result<Outer, Malformed> {
    let mut pfx = der::only(pfx, der::SEQUENCE)?.inside();
    if pfx.expect(der::INTEGER)?.content != [3] {
        return Err(Malformed("it is of another version than 3"));
    }
    let mut info = pfx.expect(der::SEQUENCE)?.inside();
    if der::oid_text(info.expect(der::OID)?.content).as_deref() != Some(DATA) {
        return Err(Malformed("its integrity rests on a signature, not on a password"));
    }
    let mut content = info.expect(0xa0)?.inside();
    let safe = content.expect(der::OCTET_STRING)?.content.to_vec();
    let mac = match pfx.optional(der::SEQUENCE)? {
        Some(data) => Some(read_mac(data)?),
        None => None,
    };
    pfx.end()?;
    Ok(Outer { safe, mac })
}

fn read_mac(data: der::Tlv<'_>) -> Result<Mac, Malformed> {
    let mut data = data.inside();
    let mut info = data.expect(der::SEQUENCE)?.inside();
    let mut algorithm = info.expect(der::SEQUENCE)?.inside();
    let digest = der::oid_text(algorithm.expect(der::OID)?.content).ok_or(Malformed("its check is malformed"))?;
    let value = info.expect(der::OCTET_STRING)?.content.to_vec();
    let salt = data.expect(der::OCTET_STRING)?.content.to_vec();
    let rounds = match data.optional(der::INTEGER)? {
        None => 1,
        Some(rounds) if rounds.content.len() <= 4 => rounds.content.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)),
        Some(_) => u32::MAX,
    };
    if !(1..=MAX_ROUNDS).contains(&rounds) {
        return Err(Malformed("its password derivation asks for more work than any honest file does"));
    }
    Ok(Mac { digest, value, salt, rounds })
}

fn check_mac(mac: &Mac, safe: &[u8], password: &Secret) -> Result<()> {
    let (digest, hmac): (&'static digest::Algorithm, _) = match mac.digest.as_str() {
        "1.3.14.3.2.26" => (&digest::SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        "2.16.840.1.101.3.4.2.4" => (&digest::SHA224, hmac::HMAC_SHA224),
        "2.16.840.1.101.3.4.2.1" => (&digest::SHA256, hmac::HMAC_SHA256),
        "2.16.840.1.101.3.4.2.2" => (&digest::SHA384, hmac::HMAC_SHA384),
        "2.16.840.1.101.3.4.2.3" => (&digest::SHA512, hmac::HMAC_SHA512),
        "1.2.840.113549.1.5.14" => return Err(bad("its integrity check is PBMAC1 (RFC 9579), which is not supported")),
        other => return Err(bad(&format!("its integrity check `{other}` is not supported"))),
    };
    let fits = |password: &[u8]| {
        let key = derive_mac_key(digest, password, &mac.salt, mac.rounds);
        hmac::verify(&hmac::Key::new(hmac, &key), safe, &mac.value).is_ok()
    };
    let mut text: Zeroizing<Vec<u8>> =
        Zeroizing::new(password.expose().encode_utf16().flat_map(u16::to_be_bytes).collect());
    text.extend([0, 0]);
    if fits(&text) || (password.is_empty() && fits(&[])) {
        return Ok(());
    }
    Err(Error::new(ErrorId::BadPassword, "the password does not open the PFX file, or the file was damaged"))
}

/// The key of the integrity check (RFC 7292 appendix B.2, purpose 3); shorter than one digest's output never occurs.
fn derive_mac_key(
    algorithm: &'static digest::Algorithm,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
) -> Zeroizing<Vec<u8>> {
    let block = algorithm.block_len();
    let fill = |bytes: &[u8]| -> Zeroizing<Vec<u8>> {
        let length = bytes.len().div_ceil(block) * block;
        Zeroizing::new(bytes.iter().copied().cycle().take(length).collect())
    };
    let mut context = digest::Context::new(algorithm);
    context.update(&vec![3; block]);
    context.update(&fill(salt));
    context.update(&fill(password));
    let mut key = context.finish();
    for _ in 1..rounds {
        key = digest::digest(algorithm, key.as_ref());
    }
    Zeroizing::new(key.as_ref().to_vec())
}

/// Writes the file anew without its check, every readable layer in DER.
fn without_mac(safe: &[u8]) -> Result<Vec<u8>, Malformed> {
    let data = der::oid(DATA).ok_or(Malformed("it is malformed"))?;
    let safe = ber::to_der(safe)?;
    let mut infos = der::only(&safe, der::SEQUENCE)?.inside();
    let mut rewritten = Vec::new();
    while !infos.is_empty() {
        let info = infos.expect(der::SEQUENCE)?;
        let mut reader = info.inside();
        let kind = reader.expect(der::OID)?;
        let mut content = reader.expect(0xa0)?.inside();
        match der::oid_text(kind.content).as_deref() {
            Some(DATA) => {
                let bags = ber::to_der(content.expect(der::OCTET_STRING)?.content)?;
                let bags = der::tlv(0xa0, &der::tlv(der::OCTET_STRING, &bags));
                rewritten.push(der::sequence(&[kind.whole, &bags]));
            }
            Some(ENCRYPTED_DATA) => {
                let sealed = join_ciphertext(content.expect(der::SEQUENCE)?)?;
                rewritten.push(der::sequence(&[kind.whole, &der::tlv(0xa0, &sealed)]));
            }
            _ => return Err(Malformed("a part of it is sealed with a certificate, not with a password")),
        }
    }
    let safe = der::tlv(der::OCTET_STRING, &der::tlv(der::SEQUENCE, &rewritten.concat()));
    let info = der::sequence(&[&data, &der::tlv(0xa0, &safe)]);
    Ok(der::sequence(&[&der::tlv(der::INTEGER, &[3]), &info]))
}

/// In BER the implicit OCTET STRING of `EncryptedContentInfo` may stand in pieces.
fn join_ciphertext(sealed: der::Tlv<'_>) -> Result<Vec<u8>, Malformed> {
    let mut reader = sealed.inside();
    let version = reader.expect(der::INTEGER)?.whole;
    let mut info = reader.expect(der::SEQUENCE)?.inside();
    let kind = info.expect(der::OID)?.whole;
    let algorithm = info.expect(der::SEQUENCE)?.whole;
    let ciphertext = match info.optional(0xa0)? {
        None => info.expect(0x80)?.content.to_vec(),
        Some(pieces) => {
            let mut pieces = pieces.inside();
            let mut joined = Vec::new();
            while !pieces.is_empty() {
                joined.extend_from_slice(pieces.expect(der::OCTET_STRING)?.content);
            }
            joined
        }
    };
    Ok(der::sequence(&[version, &der::sequence(&[kind, algorithm, &der::tlv(0x80, &ciphertext)])]))
}

fn explain(error: KeyStoreError, has_mac: bool) -> Error {
    match &error {
        KeyStoreError::UnpadError | KeyStoreError::Pkcs5Error(_) | KeyStoreError::DerError(_) if !has_mac => {
            Error::new(ErrorId::BadPassword, "the password does not open the PFX file, or the file was damaged")
        }
        KeyStoreError::UnsupportedEncryptionScheme => bad("its encryption is not supported")
            .hint("convert it: `openssl pkcs12 -legacy -in OLD -out ALL.pem`, then import `ALL.pem`"),
        KeyStoreError::InvalidParameters => {
            bad("its password derivation asks for more work than any honest file does, or its parameters are malformed")
        }
        _ => bad("a part of it cannot be read"),
    }
    .because(error)
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

    const EXPORT: &str = "pkcs12 -export -inkey key.pem -in leaf.pem -certfile ca.pem -out out.p12";

    /// Name, options of OpenSSL, password, whether it is read.
    const FLAVOURS: [(&str, &str, &str, bool); 11] = [
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
        ("rc2-128", "-name friendly -passout pass:Passw0rd -legacy -certpbe PBE-SHA1-RC2-128", "Passw0rd", false),
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
                let inner = der::tlv(der::OCTET_STRING, &ber::tests::to_ber(&safe));
                let info = der::sequence(&[&der::oid(DATA).unwrap(), &der::tlv(0xa0, &inner)]);
                ber = ber::tests::to_ber(&der::sequence(&[&der::tlv(der::INTEGER, &[3]), &info]));
            }
            let read = read_pfx(&ber, &Secret::from("a")).unwrap_or_else(|e| panic!("{options}: {e:?}"));
            assert_eq!(read.identity().unwrap().0, &leaf, "{options}");
        }
    }

    #[test]
    fn a_check_over_no_password_is_accepted() {
        let Some(bench) = testing::bench("a_check_over_no_password_is_accepted") else { return };
        let [leaf, _] = materials(&bench, &P256);
        bench.run(&format!("{EXPORT} -passout pass: -nomac")).unwrap();
        let Outer { safe, .. } = dissect(&bench.read("out.p12")).unwrap();
        let key = derive_mac_key(&digest::SHA256, &[], b"saltsalt", 10);
        let value = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &safe);
        let sha256 = der::sequence(&[&der::oid("2.16.840.1.101.3.4.2.1").unwrap()]);
        let check = der::sequence(&[
            &der::sequence(&[&sha256, &der::tlv(der::OCTET_STRING, value.as_ref())]),
            &der::tlv(der::OCTET_STRING, b"saltsalt"),
            &der::tlv(der::INTEGER, &[10]),
        ]);
        let info = der::sequence(&[&der::oid(DATA).unwrap(), &der::tlv(0xa0, &der::tlv(der::OCTET_STRING, &safe))]);
        let file = der::sequence(&[&der::tlv(der::INTEGER, &[3]), &info, &check]);
        assert_eq!(read_pfx(&file, &Secret::from("")).unwrap().identity().unwrap().0, &leaf);
        assert_eq!(read_pfx(&file, &Secret::from("x")).unwrap_err().id(), ErrorId::BadPassword);
    }

    #[test]
    fn openssl_reads_what_is_written() {
        let Some(bench) = testing::bench("openssl_reads_what_is_written") else { return };
        let chain = materials(&bench, &RSA);
        let password = Secret::from("pässwörd€");
        let file = write_pfx(&RSA, &chain, "Pool ü", &password).unwrap();
        bench.write("own.p12", &file);
        let text = bench.run("pkcs12 -in own.p12 -passin pass:pässwörd€ -nodes -info").unwrap();
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2);
        let read = read_pfx(&file, &password).unwrap();
        assert_eq!((read.identity().unwrap().0, read.friendly_name(&chain[0])), (&chain[0], Some("Pool ü")));
        assert_eq!(write_pfx(&P256, &chain, "x", &password).unwrap_err().id(), ErrorId::KeyMismatch);
    }
}
