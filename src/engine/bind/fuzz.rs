//! The property that holds for any words after a verb, as a target for a fuzzer.

use super::{Argument, Bound};
use crate::command::{Block, Facts, Registry, Spec, Value};
use crate::engine::Engine;
use crate::error::{ExitCode, Result};
use crate::model::{Moment, Zone};
use crate::session::Session;

thread_local! {
    static ENGINE: Engine = Engine::new(Session::builder().build());
}

/// It is always the same moment, and there are two uses.
struct Fixed;

impl Facts for Fixed {
    fn now(&self) -> Moment {
        Moment::from_unix(1_800_000_000)
    }

    fn zone(&self) -> Zone {
        Zone::utc()
    }

    fn uses(&self) -> Result<Vec<String>> {
        Ok(vec!["Default".to_owned(), "WebServicesInternal".to_owned()])
    }
}

/// Binds the words of a text to a verb and asserts what holds of every binding; then checks the text as a script.
///
/// The first line names the verb; each further line is an argument: `-Name value`, `-Switch` or a value. `{` is a
/// script block, `@` an object, a comma makes a list.
///
/// # Panics
///
/// When the property does not hold.
pub fn fuzz_one(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    ENGINE.with(|engine| {
        binds(&text, engine.registry());
        let lines: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
        for error in engine.check(&text, None).err().unwrap_or_default() {
            assert_eq!(error.exit(), ExitCode::Usage, "{error} in {text:?}");
            let Some(place) = error.position() else { continue };
            let length = lines.get((place.line as usize).wrapping_sub(1));
            assert!(
                place.column >= 1 && length.is_some_and(|length| place.column as usize <= length + 2),
                "{error} lies outside of {text:?}"
            );
        }
    });
}

fn binds(text: &str, registry: &Registry) {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let verbs = registry.verbs();
    let number = first.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let Some(verb) = registry.verb(first).or_else(|| verbs.get(number % verbs.len().max(1))) else { return };
    let arguments: Vec<Argument> = lines.take(16).map(argument).collect();
    for has_input in [false, true] {
        let (bound, faults) = Bound::gather(verb.spec, &arguments, has_input, &Fixed);
        assert_eq!(Bound::new(verb.spec, &arguments, has_input, &Fixed).is_ok(), faults.is_empty());
        let ask = |_| Ok(None);
        if faults.is_empty() && !has_input {
            holds(verb.spec, bound.finish(&ask, &Fixed));
        }
        if faults.is_empty() && has_input {
            let call = |_: &Block, item: &Value| Ok(item.clone());
            for input in [object(), Value::text("a"), Value::Int(5), Value::Null, Value::list([Value::Int(1)])] {
                holds(verb.spec, bound.with_input(&input, &ask, &call, &Fixed));
            }
        }
    }
}

/// What was bound belongs to the chosen set, and nothing that the set demands is absent.
fn holds(spec: &'static Spec, bound: Result<crate::command::Args>) {
    let Ok(args) = bound else { return };
    assert!(spec.parameter_sets().contains(&args.set), "{} has no set `{}`", spec.name, args.set);
    for parameter in spec.parameters {
        let value = args.raw(parameter.name);
        let is_off = parameter.switch && value.is_some_and(|v| !v.is_true());
        assert!(
            value.is_none() || is_off || parameter.in_set(args.set),
            "-{} of {} is not in `{}`",
            parameter.name,
            spec.name,
            args.set
        );
        assert!(
            value.is_some() || !parameter.mandatory_in(args.set),
            "-{} of {} is absent from `{}`",
            parameter.name,
            spec.name,
            args.set
        );
    }
}

fn argument(line: &str) -> Argument {
    let word = line.trim();
    let Some(named) = word.strip_prefix('-').filter(|w| w.starts_with(|c: char| c.is_ascii_alphabetic())) else {
        return Argument { name: None, value: Some(value(word)), place: None };
    };
    let (name, rest) = named.split_once([' ', ':']).map_or((named, None), |(name, rest)| (name, Some(rest)));
    Argument { name: Some(name.to_owned()), value: Some(rest.map_or(Value::Bool(true), value)), place: None }
}

fn value(word: &str) -> Value {
    match word {
        "{" => Value::Block(Block::new(())),
        "@" => object(),
        "$null" => Value::Null,
        "$true" => Value::Bool(true),
        "$false" => Value::Bool(false),
        word if word.contains(',') => Value::list(word.split(',').take(20).map(value)),
        word => word.parse().map_or_else(|_| Value::text(word), Value::Int),
    }
}

fn object() -> Value {
    Value::Map([("Name".into(), Value::text("pool01")), ("Thumbprint".into(), Value::Int(5))].into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a mutation puts in.
    const WORDS: &[&str] = &[
        "\n-Type ",
        "\n-Name ",
        "\n-Confirm",
        "\n-Force:$false",
        "\n-ErrorAction ",
        "\n-T",
        "\n-",
        "\n{",
        "\n@",
        "\n",
        ",",
        "Default",
        "466D",
        "$null",
        "$true",
        "2026-12-31",
        "13/1/2026",
        "é",
        "\u{2013}",
        "<FQDN>",
        "99999999999999999999",
        "\nGet-Date | % { $_ }",
        "\n-Property a",
        "\n-First 1",
        " ",
        "\"",
        "'",
        "(",
        ")",
        "|",
    ];

    #[test]
    fn mutated_words_bind_or_are_refused() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds/binding");
        let mut seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        seeds.sort();
        let seeds: Vec<String> = seeds.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        assert!(seeds.len() >= 5);
        let verbs: Vec<&str> = ENGINE.with(|engine| engine.registry().names().collect());
        // xorshift64*, so that a failure repeats.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut below = move |bound: usize| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
        };
        for round in 0..600 {
            let mut text: Vec<char> = seeds[round % seeds.len()].chars().collect();
            for _ in 0..=below(4) {
                let at = below(text.len() + 1);
                match below(4) {
                    0 if at < text.len() => drop(text.remove(at)),
                    1 => text.truncate(at.max(3)),
                    _ => drop(text.splice(at..at, WORDS[below(WORDS.len())].chars())),
                }
            }
            let mut text: String = text.into_iter().collect();
            if below(3) == 0 {
                let rest = text.split_once('\n').map_or("", |(_, rest)| rest).to_owned();
                text = format!("{}\n{rest}", verbs[below(verbs.len())]);
            }
            fuzz_one(text.as_bytes());
        }
    }
}
