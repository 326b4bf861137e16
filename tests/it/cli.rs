//! The command line: options, streams, exit codes.

use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use crate::common::{Ran, Shell, signal};

#[test]
fn version_and_help() {
    let ran = Shell::new().arg("--version").run().exits(0);
    assert_eq!(ran.stdout, format!("certlet {}\n", env!("CARGO_PKG_VERSION")));
    let ran = Shell::new().arg("--help").run().exits(0);
    for word in ["init", "run", "check", "serve", "recover", "--sample", "--no-input", "Exit codes"] {
        assert!(ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
}

#[test]
fn nonsense_is_usage() {
    for words in
        [["--frobnicate", "-q"], ["frobnicate", "-q"], ["--timeout", "soon"], ["run", "-q"], ["recover", "now"]]
    {
        let ran = Shell::new().args(words).run().exits(2);
        assert!(ran.stdout.is_empty() && ran.stderr.contains("error:"), "{ran:?}");
    }
    Shell::new().args(["-c", "1", "serve"]).run().exits(2);
    let ran = Shell::new().args(["--json", "--frobnicate"]).run().exits(2);
    assert!(ran.objects().is_empty());
    assert_eq!(ran.messages()[0]["id"], "NamedParameterNotFound");
}

#[test]
fn a_text_needs_no_home() {
    let ran = Shell::new().args(["-c", "1+1"]).run().exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("2\n", ""));
    // Not even one that could not be used.
    let ran = Shell::new().args(["--home", "/proc", "-c", "-5"]).run().exits(0);
    assert_eq!(ran.stdout, "-5\n");
}

#[test]
fn without_a_home_nothing_is_guessed() {
    let set = "Set-CsCertificate -Type Default -Thumbprint 466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D";
    let ran = Shell::new().args(["--no-input", "-c", set]).run().exits(2);
    assert!(ran.stderr.contains("[NoHome]") && ran.stderr.contains("certlet init"), "{}", ran.stderr);
    let ran = Shell::new().env("HOME", "/nowhere").args(["-c", set]).run().exits(2);
    assert!(ran.stderr.contains("`/nowhere/.local/share/certlet`"), "{}", ran.stderr);
    let ran = Shell::new().env("HOME", "/nowhere").env("XDG_DATA_HOME", "/data").args(["-c", set]).run().exits(2);
    assert!(ran.stderr.contains("`/data/certlet`"), "{}", ran.stderr);
    let ran = Shell::new().env("XDG_DATA_HOME", "/data").env("CERTLET_HOME", "/mine").args(["recover"]).run().exits(2);
    assert!(ran.stderr.contains("`/mine`"), "{}", ran.stderr);
    let ran = Shell::new().env("CERTLET_HOME", "/mine").args(["--home", "/other", "serve"]).run().exits(2);
    assert!(ran.stderr.contains("`/other`"), "{}", ran.stderr);
}

#[test]
fn a_syntax_error_runs_nothing_and_points() {
    let ran = Shell::new().args(["-c", "print(\"ran\");\nlet x = (1 +"]).run().exits(2);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("[ParseError]") && ran.stderr.contains("line 2, column 9"), "{}", ran.stderr);
    assert!(ran.stderr.contains(" 2 | let x = (1 +\n   |         ^\n"), "{}", ran.stderr);
    Shell::new().args(["-c", "Get-CsCertificate -Typ"]).run().exits(2);
}

#[test]
fn standard_input_is_a_script() {
    let ran = Shell::new().stdin("let x = 40;\nprint(\"said\");\nx + 2\n").run().exits(0);
    assert_eq!(ran.stdout, "said\n42\n");
    Shell::new().stdin(b"\xff\xfe").run().exits(2);
    assert_eq!(Shell::new().run().exits(0).stdout, "");
}

#[test]
fn json_is_one_array_and_lines() {
    let script = "1; \"a\" | ForEach-Object |x| x; Write-Warning careful; print(\"said\"); throw \"enough\"";
    let ran = Shell::new().args(["--json", "-c", script]).run().exits(1);
    assert_eq!(ran.objects(), ["a", "said"]);
    let messages = ran.messages();
    assert_eq!((messages[0]["stream"].as_str(), messages[0]["message"].as_str()), (Some("warning"), Some("careful")));
    assert_eq!((messages[1]["stream"].as_str(), messages[1]["id"].as_str()), (Some("error"), Some("ScriptError")));
    let ran = Shell::new().args(["--json", "-c", "Get-CsCertificate -Type Default"]).run().exits(2);
    assert_eq!(ran.messages()[0]["fullyQualifiedErrorId"], "NoHome,Get-CsCertificate");
    assert!(ran.objects().is_empty());
}

#[test]
fn verbose_and_quiet() {
    let script = "Write-Verbose detail; Write-Warning careful";
    let stderr = |options: &[&str]| {
        let shell = options.iter().fold(Shell::new(), Shell::arg);
        shell.args(["-c", script]).run().exits(0).stderr
    };
    assert_eq!(stderr(&[]), "WARNING: careful\n");
    assert_eq!(stderr(&["-v"]), "VERBOSE: detail\nWARNING: careful\n");
    assert_eq!(stderr(&["-q"]), "");
    assert_eq!(stderr(&["--color", "always"]), "\u{1b}[33mWARNING: careful\u{1b}[0m\n");
}

#[test]
fn nobody_is_asked_through_a_pipe() {
    let ran = Shell::new().args(["-c", "Read-Host 'Name'"]).stdin("ken\n").run().exits(1);
    assert!(ran.stderr.contains("[NonInteractivePrompt]"), "{}", ran.stderr);
}

#[test]
fn whoever_has_enough_closes_the_pipe() {
    let mut child = Shell::new().args(["-c", "let n = 0; loop { n += 1; n | ForEach-Object |x| x }"]).start();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    drop(lines);
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(0);
    assert_eq!((line.as_str(), ran.stderr.as_str()), ("1\n", ""));
}

#[test]
fn a_full_disk_is_told() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let child = Shell::new().args(["-c", "1"]).command().stdout(full).spawn().unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(1);
    assert!(ran.stderr.contains("[DiskFull]"), "{}", ran.stderr);
}

#[test]
fn interruptions_end_the_run() {
    for name in ["INT", "TERM"] {
        let mut child =
            Shell::new().args(["-c", "print(\"begun\"); try { loop {} } catch { }; print(\"caught\")"]).start();
        let mut begun = [0; 6];
        child.stdout.as_mut().unwrap().read_exact(&mut begun).unwrap();
        signal(&child, name);
        let ran = Ran::of(child.wait_with_output().unwrap()).exits(130);
        assert!(ran.stderr.contains("[Interrupted]") && !ran.stdout.contains("caught"), "{ran:?}");
    }
}

#[test]
fn the_time_limit_ends_the_run() {
    let begun = Instant::now();
    let ran = Shell::new().args(["--timeout", "200ms", "-c", "loop { Get-Date | Out-Null }"]).run().exits(1);
    assert!(ran.stderr.contains("[TimedOut]"), "{}", ran.stderr);
    // Standard input that never ends is no way round it.
    let child = Shell::new().args(["--timeout", "200ms"]).command().spawn().unwrap();
    let mut child = child;
    let open = child.stdin.take();
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(1);
    assert!(ran.stderr.contains("[TimedOut]"), "{}", ran.stderr);
    drop(open);
    assert!(begun.elapsed() < Duration::from_secs(20));
}
