//! A password is nowhere to be found: not in what is printed, not in the log, not in a file of the home.

use super::openssl::Authority;
use super::{PATIENT, World, has};
use crate::common::{Ran, Shell};

/// Words that occur nowhere else.
const PASSWORD: &str = "pfx-Hunter2-Zebra";
const WRONG: &str = "wrong-Hunter3-Yak";
const ACCOUNT: &str = "acct-Hunter4-Xerus";
const MISTYPED: &str = "typo-Hunter5-Wombat";

fn assert_silent(what: &str, bytes: &[u8]) {
    for secret in [PASSWORD, WRONG, ACCOUNT, MISTYPED] {
        let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let hex: String = certlet::model::hex::upper(secret.as_bytes());
        for form in [secret.as_bytes(), &utf16, hex.as_bytes()] {
            let found = bytes.windows(form.len()).any(|w| w.eq_ignore_ascii_case(form));
            assert!(!found, "{secret} stands in {what}: {}", String::from_utf8_lossy(bytes));
        }
    }
}

#[test]
fn passwords_are_nowhere_to_be_found() {
    if !has("openssl", "passwords_are_nowhere_to_be_found") {
        return;
    }
    let world = World::new(PATIENT);
    let outside = tempfile::tempdir().unwrap();
    let authority = Authority::new(outside.path());
    authority.issue("one");
    let pfx = authority.pfx("one", PASSWORD).display().to_string();
    let ca = "dc01.contoso.net\\contoso-DC01-CA";
    let guest = "contoso\\guest";
    world.configure(&[(
        "[ca.permissions]",
        "[ca.accounts]\n'contoso\\guest' = { file = \"account.txt\" }\n\n[ca.permissions]",
    )]);
    std::fs::write(world.path().join("account.txt"), "another").unwrap();
    let lines = [
        (1, format!("Import-CsCertificate -Path '{pfx}' -Password {WRONG}")),
        (1, format!("Import-CsCertificate -Path '{pfx}' -Password '{WRONG}' -ErrorAction Continue; Get-CsCertificate")),
        (
            0,
            format!(
                "Import-CsCertificate -Path '{pfx}' -Password {PASSWORD} -PrivateKeyExportable $true -Verbose -Force"
            ),
        ),
        (0, format!("Import-CsCertificate -Path '{pfx}' -Password \"{PASSWORD}\" -WhatIf -Verbose")),
        (0, format!("Import-CsCertificate -Path '{pfx}' -Password {PASSWORD} -Report report.html")),
        (
            0,
            format!(
                "$p = ConvertTo-SecureString -String {PASSWORD} -AsPlainText -Force; Import-CsCertificate -Path '{pfx}' -Password $p; $p"
            ),
        ),
        (
            5,
            format!(
                "Request-CsCertificate -New -Type Default -CA '{ca}' -CaAccount '{guest}' -CaPassword {ACCOUNT} -Verbose"
            ),
        ),
        (
            5,
            format!(
                "Request-CsCertificate -New -Type Default -CA '{ca}' -CaAccount '{guest}' -CaPassword {ACCOUNT} -Report r2.html"
            ),
        ),
        (2, format!("Import-CsCertificate -Path '{pfx}' -Pasword {MISTYPED}")),
        (2, format!("Import-CsCertificate -Path '{pfx}' -Passwrd:{MISTYPED}")),
        (2, format!("Import-CsCertificat -Path '{pfx}' -Password {MISTYPED}")),
        (2, format!("Request-CsCertificate -New -Type Default -CaPaswd {MISTYPED}")),
        (2, format!("Import-CsCertificate -Path '{pfx}' -Password {MISTYPED} -Password {MISTYPED}")),
        (2, format!("Import-CsCertificate -Path '{pfx}' -Password {MISTYPED} (")),
        (2, format!("Import-CsCertificate -Path '{pfx}' -Password \"{MISTYPED}")),
        (2, format!("Import-CsCertificate -Path '{pfx}' -Password '{MISTYPED}' > out.txt")),
        (1, format!("Import-CsCertificate -Path '{pfx}' -Password {WRONG} -ErrorAction Stop -Verbose")),
    ];
    for (code, line) in &lines {
        for more in [&["--json"][..], &["--verbose"], &["--json", "--verbose"], &[]] {
            let shell = Shell::in_folder(world.path()).arg("--home").arg(world.path());
            let ran: Ran = more.iter().fold(shell, Shell::arg).args(["-c", line]).run();
            assert_silent(
                &format!("the output of {line} {more:?}"),
                format!("{}{}", ran.stdout, ran.stderr).as_bytes(),
            );
            assert_eq!(ran.code, *code, "{line} {more:?}: {ran:#?}");
        }
        // The same from a runbook, with a fault that quotes its text.
        let runbook = outside.path().join("runbook.rhai");
        std::fs::write(&runbook, line).unwrap();
        let ran = Shell::in_folder(world.path()).arg("--home").arg(world.path()).arg("run").arg(&runbook).run();
        assert_silent(&format!("the output of the runbook {line}"), format!("{}{}", ran.stdout, ran.stderr).as_bytes());
        let ran = Shell::in_folder(world.path()).arg("check").arg(&runbook).run();
        assert_silent(
            &format!("the output of the check of {line}"),
            format!("{}{}", ran.stdout, ran.stderr).as_bytes(),
        );
    }
    for (path, (_, bytes)) in super::lease::everything(world.path()) {
        assert_silent(&path, &bytes);
    }
    assert!(!outside.path().join("out.txt").exists() && !world.path().join("out.txt").exists());
}
