//! Every reader of foreign bytes, as one function: it may refuse, and must neither panic nor hang.

use super::{Bundle, RevocationList, chain, constraints, contents, crl, lint, parse, path, pfx, request};
use crate::error::Result;
use crate::model::{Certificate, Secret, parse_rdns};

/// Reads the bytes as everything that is read; what is read must be coherent.
///
/// # Panics
/// When it is not.
pub fn fuzz_one(data: &[u8]) {
    if let Ok(certificate) = parse::parse_certificate(data) {
        coherent(&certificate);
    }
    if let Ok(request) = request::parse_request(data) {
        let _ = (request.subject().to_string(), request.to_pem());
    }
    if let Ok(list) = crl::parse_crl(data) {
        let _ = (list.issuer().to_string(), RevocationList::len(&list));
    }
    let _ = pfx::read_pfx(data, &Secret::from("a"));
    if let Ok(contents) = contents::read_any(data, Some(&Secret::from("a"))) {
        contents.certificates().iter().for_each(coherent);
    }
    let mut bundle = Bundle::new(data);
    while let Ok(Some((line, _))) = bundle.next() {
        assert!(line > 0, "a block stands on a line");
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = parse_rdns(text);
    }
}

/// Reads the bytes as a PFX, and as what stands in one behind its password.
///
/// # Panics
/// When what is read is not coherent.
pub fn fuzz_pfx(data: &[u8]) {
    for password in ["a", ""].map(Secret::from) {
        for file in [data, &pfx::frame(data)] {
            let Ok(contents) = pfx::read_pfx(file, &password) else { continue };
            contents.certificates().iter().for_each(coherent);
            let named = contents.certificates().iter().filter_map(|c| contents.friendly_name(c));
            assert!(named.into_iter().all(|name| !name.is_empty()), "a name that is read is one");
        }
    }
}

/// Reads a file as operators hand it over, and says what it held: one word for each thing.
///
/// # Errors
/// What the reader refuses with.
pub fn read_one(data: &[u8], password: Option<&str>) -> Result<Vec<&'static str>> {
    let contents = contents::read_any(data, password.map(Secret::from).as_ref())?;
    let mut held = Vec::new();
    for certificate in contents.certificates() {
        coherent(certificate);
        held.push("certificate");
    }
    held.extend(contents.requests().iter().map(|request| {
        let _ = (request.subject().to_string(), request.name_space().is_ok());
        "request"
    }));
    held.extend(contents.revocation_lists().iter().map(|list| {
        let _ = (list.issuer().to_string(), list.len(), list.number());
        "revocation list"
    }));
    held.extend(contents.keys().iter().map(|_| "key"));
    Ok(held)
}

fn coherent(certificate: &Certificate) {
    let again = parse::parse_certificate(certificate.der());
    assert!(again.is_ok_and(|c| c == *certificate), "a certificate that was read reads again");
    let _ = (certificate.subject().to_string(), certificate.short_name());
    let own = std::slice::from_ref(certificate);
    let _ = chain::validate_path(certificate, own, own, certificate.not_after(), chain::Usage::Server);
    let _ = path::build_chain(certificate, own, &[]);
    let _ = chain::remarks(own, chain::Usage::Server);
    for is_public in [false, true] {
        let _ = lint::lint(certificate, lint::LintContext { is_public, wants_crl: true });
    }
    let _ = constraints::name_space(certificate).map(|space| space.map(|space| space.to_string()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::x509::key::tests::P256;
    use crate::x509::pfx::tests::materials;
    use crate::x509::testing;

    /// A small generator that gives the same bytes in every run (xorshift64*).
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
        }

        fn mutate(&mut self, seed: &[u8]) -> Vec<u8> {
            let mut bytes = seed.to_vec();
            for _ in 0..=self.roll(4) {
                let at = self.roll(bytes.len());
                match self.roll(7) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at.min(bytes.len()), self.roll(256) as u8),
                    2 if !bytes.is_empty() => {
                        bytes.remove(at);
                    }
                    3 if !bytes.is_empty() => {
                        let end = (at + self.roll(40)).min(bytes.len());
                        let copy = bytes[at..end].to_vec();
                        bytes.splice(at..at, copy);
                    }
                    4 if !bytes.is_empty() => bytes[at] ^= 1 << self.roll(8),
                    5 if !bytes.is_empty() => bytes[at] = [0, 0x7f, 0x80, 0x81, 0x84, 0xff, 0x30, 0xa0][self.roll(8)],
                    _ if !bytes.is_empty() => bytes[at] = self.roll(256) as u8,
                    _ => {}
                }
            }
            bytes
        }
    }

    #[test]
    fn mutated_files_are_read_or_refused() {
        let Some(bench) = testing::bench("mutated_files_are_read_or_refused") else { return };
        let chain = materials(&bench, &P256);
        let asked = crate::x509::issue::tests::request(&P256, "CN=a + OU=b, O=c", &["a", "10.0.0.1"]);
        let export = "pkcs12 -export -inkey key.pem -in leaf.pem -certfile ca.pem -passout pass:a -iter 1";
        bench.run(&format!("{export} -out mac.p12")).unwrap();
        bench.run(&format!("{export} -nomac -out nomac.p12")).unwrap();
        bench.run(&format!("{export} -nomac -keypbe NONE -certpbe NONE -out plain.p12")).unwrap();
        bench.run("crl2pkcs7 -nocrl -certfile leaf.pem -outform DER -out b.p7b").unwrap();
        bench.run("pkcs8 -topk8 -in key.pem -passout pass:a -iter 1 -out sealed.pem").unwrap();
        bench.write("index.txt", b"");
        bench.write("ca.cnf", b"[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=30\n");
        bench.write("p384.pem", crate::x509::key::tests::P384.to_pem().unwrap().as_bytes());
        bench.run("ca -config ca.cnf -cert ca.pem -keyfile p384.pem -revoke leaf.pem").unwrap();
        bench.run("ca -config ca.cnf -cert ca.pem -keyfile p384.pem -gencrl -out crl.pem").unwrap();
        bench.run("crl -in crl.pem -outform DER -out crl.der").unwrap();
        let mut seeds = vec![chain[0].der().to_vec(), chain[1].der().to_vec(), asked.der().to_vec()];
        seeds.push(P256.to_pkcs8_der().unwrap().to_vec());
        for file in ["leaf.pem", "mac.p12", "nomac.p12", "plain.p12", "b.p7b", "sealed.pem", "crl.der", "key.pem"] {
            seeds.push(bench.read(file));
        }
        seeds.push(super::super::ber::tests::to_ber(&bench.read("plain.p12")));
        for seed in &seeds {
            fuzz_one(seed);
            fuzz_pfx(seed);
        }
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for round in 0..2_600 {
            let seed = &seeds[round % seeds.len()];
            let mutated = dice.mutate(seed);
            fuzz_one(&mutated);
            // Half of a PFX is behind its frame, where mutations would otherwise seldom get.
            let bags = super::super::pfx::tests::bags(&mutated);
            fuzz_pfx(bags.as_deref().unwrap_or(&mutated));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            fuzz_one(&bytes);
        }
    }
}
