//! From the word after a dash to the parameter that is meant.

use super::common::common_parameters;
use crate::command::{ParamSpec, Spec};
use crate::error::{Error, ErrorId, Result};

/// What a parameter word means.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// This parameter.
    One(&'static ParamSpec),
    /// None; the nearest ones, best first.
    Unknown(Vec<&'static str>),
    /// Several.
    Several(Vec<&'static str>),
}

/// Finds a parameter of a verb by exact name or alias, else by unique prefix, without regard to case.
///
/// Where a prefix fits several, one that the verb itself declares beats the common ones.
pub(crate) fn find(spec: &'static Spec, word: &str) -> Found {
    let own = || spec.parameters.iter().copied();
    let common = || common_parameters(spec);
    if let Some(found) = exact(spec, word) {
        return Found::One(found);
    }
    if word.is_empty() {
        return Found::Unknown(Vec::new());
    }
    let by_name = |p: &&'static ParamSpec| begins(p.name, word);
    let by_alias = |p: &&'static ParamSpec| p.aliases.iter().any(|a| begins(a, word));
    for candidates in [
        own().filter(by_name).collect::<Vec<_>>(),
        own().filter(by_alias).collect(),
        common().filter(by_name).collect(),
    ] {
        match candidates.as_slice() {
            [] => {}
            [one] => return Found::One(one),
            several => return Found::Several(several.iter().map(|p| p.name).collect()),
        }
    }
    let names: Vec<&'static str> = own().chain(common()).map(|p| p.name).collect();
    Found::Unknown(super::super::members::nearest(word, names).into_iter().collect())
}

/// Finds a parameter by its full name or alias, in any case.
pub(crate) fn exact(spec: &'static Spec, word: &str) -> Option<&'static ParamSpec> {
    let fits = |p: &&'static ParamSpec| {
        p.name.eq_ignore_ascii_case(word) || p.aliases.iter().any(|a| a.eq_ignore_ascii_case(word))
    };
    spec.parameters.iter().copied().find(fits).or_else(|| common_parameters(spec).find(fits))
}

/// Finds a parameter or says why there is none.
///
/// # Errors
/// `NamedParameterNotFound`, `AmbiguousParameter`.
pub(crate) fn resolve(spec: &'static Spec, word: &str) -> Result<&'static ParamSpec> {
    match find(spec, word) {
        Found::One(parameter) => Ok(parameter),
        Found::Several(names) => {
            let names: Vec<String> = names.iter().map(|n| format!("`-{n}`")).collect();
            Err(Error::new(
                ErrorId::AmbiguousParameter,
                format!("`-{word}` is ambiguous: it may be {}", names.join(", ")),
            )
            .about(word)
            .in_verb(spec.name))
        }
        Found::Unknown(near) => {
            let error =
                Error::new(ErrorId::NamedParameterNotFound, format!("`{}` has no parameter `-{word}`", spec.name))
                    .about(word)
                    .in_verb(spec.name);
            Err(match near.first() {
                Some(near) => error.hint(format!("did you mean `-{near}`?")),
                None => error.hint(format!("`Get-Help {}` lists its parameters", spec.name)),
            })
        }
    }
}

fn begins(name: &str, word: &str) -> bool {
    name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Registry;

    /// The common parameters as the original documents them, each with its alias.
    const COMMON: [(&str, &str); 11] = [
        ("Verbose", "vb"),
        ("Debug", "db"),
        ("ErrorAction", "ea"),
        ("WarningAction", "wa"),
        ("InformationAction", "infa"),
        ("ErrorVariable", "ev"),
        ("WarningVariable", "wv"),
        ("InformationVariable", "iv"),
        ("OutVariable", "ov"),
        ("OutBuffer", "ob"),
        ("PipelineVariable", "pv"),
    ];
    const RISK: [(&str, &str); 2] = [("WhatIf", "wi"), ("Confirm", "cf")];

    fn registry() -> Registry {
        let engine = crate::Engine::new(crate::Session::builder().build());
        engine.registry().clone()
    }

    fn common(spec: &Spec) -> Vec<(&'static str, &'static str)> {
        let risk = if spec.changes == crate::command::Impact::Reads { &[][..] } else { &RISK };
        COMMON.iter().chain(risk).copied().collect()
    }

    /// What a word must come to: one name, or the names among which it is ambiguous.
    fn expected(spec: &'static Spec, word: &str) -> Vec<&'static str> {
        let is = |name: &str| name.eq_ignore_ascii_case(word);
        let begins = |name: &str| name.to_lowercase().starts_with(&word.to_lowercase());
        let own = spec.parameters;
        if let Some(exact) = own.iter().find(|p| is(p.name) || p.aliases.iter().any(|a| is(a))) {
            return vec![exact.name];
        }
        if let Some((name, _)) = common(spec).into_iter().find(|(name, alias)| is(name) || is(alias)) {
            return vec![name];
        }
        let by_name: Vec<&str> = own.iter().filter(|p| begins(p.name)).map(|p| p.name).collect();
        if !by_name.is_empty() {
            return by_name;
        }
        let by_alias: Vec<&str> = own.iter().filter(|p| p.aliases.iter().any(|a| begins(a))).map(|p| p.name).collect();
        if !by_alias.is_empty() {
            return by_alias;
        }
        common(spec).into_iter().filter(|(name, _)| begins(name)).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_prefix_of_every_parameter_of_every_verb() {
        let (mut unique, mut ambiguous) = (0, 0);
        for verb in registry().verbs() {
            let spec = verb.spec;
            let own = spec.parameters.iter().flat_map(|p| std::iter::once(p.name).chain(p.aliases.iter().copied()));
            let words: Vec<&str> =
                own.chain(common(spec).into_iter().flat_map(|(name, alias)| [name, alias])).collect();
            for name in words {
                for end in 1..=name.len() {
                    for word in [name[..end].to_lowercase(), name[..end].to_uppercase()] {
                        let wanted = expected(spec, &word);
                        let found = match find(spec, &word) {
                            Found::One(parameter) => vec![parameter.name],
                            Found::Several(names) => names,
                            Found::Unknown(_) => Vec::new(),
                        };
                        assert_eq!(found, wanted, "{} -{word}", spec.name);
                        if let [_] = wanted.as_slice() {
                            unique += 1;
                            continue;
                        }
                        ambiguous += 1;
                        let error = resolve(spec, &word).unwrap_err();
                        assert_eq!(error.id(), ErrorId::AmbiguousParameter, "{} -{word}", spec.name);
                        for name in wanted {
                            assert!(error.message().contains(&format!("`-{name}`")), "{}", error.message());
                        }
                    }
                }
            }
        }
        assert!(unique > 5000 && ambiguous > 300, "{unique} {ambiguous}");
    }

    #[test]
    fn the_abbreviations_of_the_manuals() {
        let registry = registry();
        for (verb, word, wanted) in [
            ("Request-CsCertificate", "CA", &["CA"][..]),
            ("Request-CsCertificate", "Ca", &["CA"]),
            ("Request-CsCertificate", "Do", &["DomainName"]),
            ("Request-CsCertificate", "P", &["PrivateKeyExportable"]),
            ("Request-CsCertificate", "O", &["OU", "Organization", "Output"]),
            ("Request-CsCertificate", "ClientEku", &["ClientEKU"]),
            ("Set-CsCertificate", "Th", &["Thumbprint"]),
            ("Set-CsCertificate", "T", &["Thumbprint", "Type"]),
            ("Set-CsCertificate", "E", &["EffectiveDate"]),
            ("Set-CsCertificate", "EffectiveTime", &["EffectiveDate"]),
            ("Get-CsCertificate", "Ty", &["Type"]),
            ("Get-CsCertificate", "v", &["Verbose"]),
            ("Get-CsCertificate", "Foo", &[]),
        ] {
            let mut found = match find(registry.verb(verb).unwrap().spec, word) {
                Found::One(parameter) => vec![parameter.name],
                Found::Several(names) => names,
                Found::Unknown(_) => Vec::new(),
            };
            found.sort_unstable();
            let mut wanted = wanted.to_vec();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{verb} -{word}");
        }
        let Found::Several(names) = find(registry.verb("Request-CsCertificate").unwrap().spec, "C") else { panic!() };
        assert!(names.contains(&"CA") && names.contains(&"City") && !names.contains(&"Confirm"), "{names:?}");
    }
}
