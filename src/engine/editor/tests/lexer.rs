//! The parts of a text against what the lowering makes of it.

use crate::engine::Engine;
use crate::engine::bind::words::RegistryWords;
use crate::engine::editor::lexer::{Kind, lex};
use crate::engine::lower::lower;
use crate::session::Session;

/// Texts that are right: what the editor takes for commands and parameters is what the lowering does.
const TEXTS: &[&str] = &[
    "Get-CsCertificate -Type A,B | Where-Object |c| c.z < 3 | Sort-Object z -Descending",
    "if (Get-CsCertificate -Type Default).Thumbprint == \"x\" { Get-Date } else { Get-Help }",
    "for c in Get-CsCertificate | Sort-Object NotAfter { Write-Output c.Use }",
    "let m = #{ a: Get-Date -Format x, b: [Get-Help, Get-Date] }; m.a",
    "fn f(a, b) { Get-Date } f(Get-CsCertificate -Type A,B, 2)",
    "switch 1 { 1 => Get-Date, _ => Get-Help }",
    "try { Get-Date } catch { Get-Help $_.Message }",
    "`c=${(Get-CsCertificate -Type Default).Use} ${`in ${Get-Date}`}`",
    "\"Get-CsCertificate -Type A\"; /* Get-Date /* nested */ */ 5",
    "#\"Get-Date \"quoted\"\"#; Get-Help",
    "$x = Get-CsCertificate -Type \"$a $(Get-Date) b\" `\n  -Identity 'it''s'\nGet-Help",
    "Get-CsCertificate\n  | Where-Object { $_.Use -eq 'Get-Date' }\nGet-Help # Get-Date",
    "@( Get-Date; Get-Help ) | ForEach-Object { Get-Command -Name $_ }",
    "while (Get-Date) { break; }\nGet-Help",
    "let f = || Get-Date -Format x; f.call(); x - Get-Date; total-count",
    "Write-Output C:\\x\\Get-Date.pem,http://x/Get-Date,a-Get-Date",
    "5 | ForEach-Object |v| v * 2 | Out-Null; Get-Help",
    "let y = !(Get-Date) && (Get-Help) || Get-Command",
];

#[test]
fn commands_and_parameters_are_those_of_the_lowering() {
    let engine = Engine::new(Session::builder().build());
    let words = RegistryWords(engine.registry());
    let certs = include_str!("../../../../stdlib/certs.rhai");
    let script = include_str!("../../../../scripts/configure-web-services.rhai");
    for text in TEXTS.iter().copied().chain([certs, script]) {
        let known = ["a", "x", "total", "count", "f", "m"];
        let lowered = lower(text, None, &words, &known);
        let Ok(lowered) = lowered else { panic!("{text}: {:?}", lowered.err()) };
        let expected: Vec<(u32, u32)> = lowered.commands.iter().map(|c| (c.position.line, c.position.column)).collect();
        let lexed = lex(text, &words);
        let place = |at: usize| {
            let before = &text[..at];
            let line = before.matches('\n').count() as u32 + 1;
            (line, before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1)
        };
        let of = |kind: Kind| -> Vec<(u32, u32)> {
            lexed.tokens.iter().filter(|t| t.kind == kind).map(|t| place(t.start)).collect()
        };
        let sorted = |mut places: Vec<(u32, u32)>| {
            places.sort_unstable();
            places
        };
        assert_eq!(of(Kind::Verb), sorted(expected), "{text}");
        let parameters = lowered.commands.iter().flat_map(|c| &c.arguments).filter(|a| a.parameter.is_some());
        let expected = parameters.map(|a| (a.position.line, a.position.column)).collect();
        assert_eq!(of(Kind::Parameter), sorted(expected), "{text}");
    }
}

/// Pieces of which every order is a text that somebody may have typed.
const PIECES: &[&str] = &[
    "Get-CsCertificate",
    " -Type",
    " -",
    ":",
    " Default",
    ",",
    "|",
    " % ",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "$",
    "$x",
    "$(",
    "${",
    "@{",
    "@(",
    "#{",
    "#",
    "\"",
    "'",
    "`",
    "\\",
    "\n",
    "\r\n",
    ";",
    ".",
    "..",
    "=",
    "==",
    "//",
    "/*",
    "*/",
    "<#",
    "#>",
    " é",
    "\u{2013}",
    "\u{201c}",
    "\u{feff}",
    "let ",
    "if ",
    "switch ",
    "fn ",
    "for ",
    "1",
    "-eq",
    "||",
    "|a|",
    "a-b",
    "::",
    "#\"",
    "Where-Object",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]
    #[test]
    fn every_text_is_looked_at_without_a_fault(pieces in proptest::collection::vec(0..PIECES.len(), 0..24)) {
        thread_local! {
            static ENGINE: Engine = Engine::new(Session::builder().build());
        }
        let text: String = pieces.iter().map(|index| PIECES[*index]).collect();
        ENGINE.with(|engine| {
            let lexed = lex(&text, &RegistryWords(engine.registry()));
            for token in &lexed.tokens {
                assert!(text.get(token.start..token.end).is_some(), "{text:?}");
            }
            let found = engine.complete(&text, text.len());
            assert!(text.get(found.start..).is_some(), "{text:?}");
            let mut end = 0;
            for part in engine.highlight(&text) {
                assert!(part.range.start >= end && text.get(part.range.clone()).is_some(), "{text:?}");
                end = part.range.end;
            }
            engine.hint(&text, text.len(), None);
            engine.may_be_remembered(&text);
            // Cut into entries, a text comes to its end, and nothing of it is dropped.
            let mut left = text.as_str();
            while let crate::engine::Entry::Whole { text: entry, rest } = engine.next_entry(left) {
                assert!(rest.len() < left.len() && left.contains(entry), "{text:?}");
                left = rest;
            }
        });
    }
}
