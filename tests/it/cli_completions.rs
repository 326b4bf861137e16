//! Completion scripts and the manual page: made from the declaration, and taken by those that they are for.

use std::process::{Command, Stdio};

use crate::common::Shell;

const VERBS: [&str; 7] = ["run", "init", "check", "serve", "recover", "completions", "man"];

#[test]
fn every_shell_gets_a_script_with_every_verb() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = Shell::new().args(["completions", shell]).run().exits(0);
        for word in VERBS.iter().chain(&["--home", "--no-input"]) {
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(ran.stdout.contains(word), "{shell} lacks {word}");
        }
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn bash_completes_with_it() {
    let script = Shell::new().args(["completions", "bash"]).run().exits(0).stdout;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certlet.bash");
    std::fs::write(&file, script).unwrap();
    let ask = |words: &str, at: usize| {
        let text = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={at}; _certlet certlet \"${{COMP_WORDS[{at}]}}\" \
             \"${{COMP_WORDS[{}]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            file.display(),
            at - 1
        );
        let output = Command::new("bash").args(["--norc", "-c", &text]).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ask("certlet rec", 1), ["recover"]);
    assert_eq!(ask("certlet recover --fo", 2), ["--force"]);
    assert_eq!(ask("certlet completions zs", 2), ["zsh"]);
}

#[test]
fn the_manual_page_is_roff_with_a_section_for_each_verb() {
    let page = Shell::new().arg("man").run().exits(0).stdout;
    assert!(page.lines().any(|line| line.starts_with(".TH certlet 1")), "{page}");
    for verb in VERBS {
        assert!(page.contains(&format!(".SH \"CERTLET {}\"", verb.to_uppercase())), "{verb}");
    }
    let plain = page.replace('\\', "");
    for text in ["Exit codes", "throw-away copy", "$CERTLET_HOME", "NO_COLOR"] {
        assert!(plain.contains(text), "{text}");
    }
}

#[test]
fn neither_needs_a_home_and_an_unknown_shell_is_usage() {
    let ran = Shell::new().args(["completions", "bsh"]).run().exits(2);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("bash"), "{ran:?}");
    Shell::new().arg("completions").run().exits(2);
    // As the one text of `--json`.
    let ran = Shell::new().args(["--json", "man"]).run().exits(0);
    assert_eq!(ran.objects().len(), 1);
    Shell::new().args(["--home", "/proc", "man"]).run().exits(0);
}
