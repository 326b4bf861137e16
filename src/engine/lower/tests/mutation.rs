//! A bounded walk through mutated texts: the fuzzer's property without a fuzzer.

use super::super::fuzz::fuzz_one;
use super::super::sample::Sample;
use super::identity::SCRIPTS;
use super::{LINES, engine};

/// xorshift64*, so that a failure repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }
}

/// What a mutation puts in: everything that means something to the scanner.
const TOKENS: &[&str] = &[
    "Get-X",
    "Set-CsCertificate",
    " -Type ",
    "-A",
    " | ",
    "|",
    "||",
    "%{",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "#{",
    "@(",
    "@{",
    "$(",
    "${",
    "$_",
    "$x",
    "$x = ",
    "`",
    "`\n",
    "\"",
    "'",
    "\n",
    "\r\n",
    ";",
    ",",
    ", ",
    "#",
    "# c\n",
    "//",
    "/*",
    "*/",
    "<#",
    "#>",
    "-eq ",
    "-and ",
    "-not ",
    "if ",
    "else ",
    "elseif ",
    "for x in ",
    "foreach ($x in ",
    "switch ",
    "=> ",
    "try ",
    "catch ",
    "fn f(a) ",
    "return ",
    "let y = ",
    "|c| ",
    ".",
    "..",
    "::",
    "!",
    "&&",
    "=",
    "==",
    "\u{2013}",
    "\u{201c}",
    "\u{200e}",
    "\u{a0}",
    "é",
    "\0",
    "<a b>",
    ">",
    "2>",
    "@p",
    "#\"",
    "\"#",
    "\\",
    "param(#{",
    "do ",
    "while ",
    "-?",
    ":",
    "-Flag:$false",
    "@\"",
];

fn mutate(random: &mut Random, seeds: &[&str]) -> Vec<u8> {
    let mut text = seeds[random.below(seeds.len())].as_bytes().to_vec();
    for _ in 0..=random.below(6) {
        let at = random.below(text.len() + 1);
        match random.below(6) {
            0 => {
                let end = (at + random.below(8)).min(text.len());
                text.drain(at..end);
            }
            1 | 2 => {
                let token = TOKENS[random.below(TOKENS.len())].as_bytes();
                text.splice(at..at, token.iter().copied());
            }
            3 => {
                let other = seeds[random.below(seeds.len())].as_bytes();
                let from = random.below(other.len() + 1);
                let to = (from + random.below(24)).min(other.len());
                text.splice(at..at, other[from..to].iter().copied());
            }
            4 => text.truncate(at),
            _ => {
                if let Some(byte) = text.get_mut(at) {
                    *byte = random.below(256) as u8;
                }
            }
        }
    }
    text
}

#[test]
fn the_property_holds_for_the_seeds() {
    for seed in SCRIPTS.iter().chain(LINES) {
        fuzz_one(seed.as_bytes());
        for end in 0..seed.len() {
            fuzz_one(&seed.as_bytes()[..end]);
        }
    }
}

#[test]
fn the_property_holds_for_mutations() {
    let seeds: Vec<&str> = SCRIPTS.iter().chain(LINES).copied().collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let rounds = std::env::var("LOWER_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(8_000);
    for _ in 0..rounds {
        let text = mutate(&mut random, &seeds);
        let shown = String::from_utf8_lossy(&text).into_owned();
        if let Err(panic) = std::panic::catch_unwind(|| fuzz_one(&text)) {
            let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            panic!("{shown:?}: {why}");
        }
    }
}

#[test]
fn mutated_rhai_that_is_still_valid_is_still_copied() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    let engine = engine();
    let mut valid = 0;
    let rounds = std::env::var("LOWER_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(4_000);
    for _ in 0..rounds {
        let text = mutate(&mut random, SCRIPTS);
        let Ok(text) = String::from_utf8(text) else { continue };
        let lower_case = text.to_ascii_lowercase();
        let commanding = ["get-", "set-cs", "test-x", "__", "sort", "where", "select", "foreach", "eval", "elseif"];
        if engine.compile(&text).is_err() || commanding.iter().any(|word| lower_case.contains(word)) {
            continue;
        }
        valid += 1;
        match super::super::lower(&text, None, &Sample, &[]) {
            Ok(lowered) => assert_eq!(lowered.text, text),
            // Rhai takes a comment and a backtick text that are never closed; a person typing one means more to come.
            Err(super::super::LowerFailure::Incomplete(_)) => {}
            Err(failure) => panic!("{text}\n{failure:?}"),
        }
    }
    assert!(valid > 200, "{valid}");
}

#[test]
fn hostile_repetition_takes_no_more_than_its_length() {
    // A quadratic step would take minutes for these; together they take well under ten seconds even unoptimised.
    let count = 20_000;
    for unit in [
        "'a',",
        "\"a\",",
        "$x -eq ",
        "a -and ",
        "a -or b -and ",
        "<# ",
        "$a = 1\n",
        "\n# x",
        "\n",
        "Get-X -A 1 ",
        "Get-X | ",
        "Get-X\n",
        "| sort ",
        "(",
        "{",
        "@(",
        "@{a=",
        "`${",
        "\"$(",
        "-not ",
        "!",
        "a,",
        "$x.",
        "Get-X -A (",
        "if ($x) ",
        "|a|",
        "Get-X -A b,",
        "<a ",
        "#\"",
        "/*",
        "let $ = ",
        "x\n",
        "[int]",
        "$x[",
        "try { } catch { ",
        "Get-X -A `\n",
    ] {
        fuzz_lower(&unit.repeat(count));
        fuzz_lower(&format!("$y = {}", unit.repeat(count)));
        fuzz_lower(&format!("Get-X -A {}", unit.repeat(count)));
        fuzz_lower(&format!("Get-X | % {{ {}", unit.repeat(count)));
    }
}

fn fuzz_lower(text: &str) {
    if let Ok(lowered) = super::super::lower(text, None, &Sample, &[]) {
        assert_eq!(lowered.text.matches('\n').count(), text.matches('\n').count());
    }
}
