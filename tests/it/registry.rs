//! What holds for every declaration of a verb.

use std::collections::{BTreeSet, HashMap};

use certlet::command::{Impact, Mandatory, Pipeline, Spec, Values};
use certlet::{Engine, Session};

/// The approved verbs of PowerShell that are used here.
const APPROVED: [&str; 41] = [
    "Add",
    "Approve",
    "Backup",
    "Compare",
    "Complete",
    "Confirm",
    "Convert",
    "ConvertFrom",
    "ConvertTo",
    "Deny",
    "Disable",
    "Enable",
    "Export",
    "Find",
    "Format",
    "Get",
    "Group",
    "Import",
    "Install",
    "Invoke",
    "Measure",
    "New",
    "Out",
    "Publish",
    "Read",
    "Remove",
    "Repair",
    "Request",
    "Resolve",
    "Restore",
    "Revoke",
    "Select",
    "Set",
    "Start",
    "Submit",
    "Switch",
    "Test",
    "Undo",
    "Update",
    "Wait",
    "Write",
];
/// Verbs of `PowerShell`'s own pipeline whose names are not approved ones.
const OF_THE_PIPELINE: [&str; 6] =
    ["ForEach-Object", "Sort-Object", "Tee-Object", "Where-Object", "Group-Object", "Select-Object"];
/// The widest line of help.
const WIDTH: usize = 100;

/// Checks each declaration and lists every fault there is.
#[track_caller]
fn each(check: impl Fn(&'static Spec, &mut dyn FnMut(String))) {
    let engine = Engine::new(Session::builder().build());
    let mut faults = Vec::new();
    for verb in engine.registry().verbs() {
        check(verb.spec, &mut |fault| faults.push(format!("{}: {fault}", verb.spec.name)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn names_are_an_approved_verb_and_a_noun() {
    each(|spec, fault| {
        for name in spec.names() {
            let is_word = |word: &str| {
                word.starts_with(|c: char| c.is_ascii_uppercase()) && word.chars().all(|c| c.is_ascii_alphanumeric())
            };
            let is_good = name.split_once('-').is_some_and(|(verb, noun)| {
                is_word(verb) && is_word(noun) && (APPROVED.contains(&verb) || OF_THE_PIPELINE.contains(&name))
            });
            if !is_good {
                fault(format!("`{name}` is no approved verb and a noun"));
            }
        }
    });
}

#[test]
fn every_cs_certificate_verb_has_its_plain_twin() {
    each(|spec, fault| {
        let is_one = spec.name.contains("-CsCertificate");
        let wanted = is_one.then(|| spec.name.replacen("-CsCertificate", "-TlsCertificate", 1));
        if wanted.as_deref() != spec.twin {
            fault(format!("the twin is {:?}, not {wanted:?}", spec.twin));
        }
    });
}

#[test]
fn no_two_names_meet() {
    let engine = Engine::new(Session::builder().build());
    let mut owners: HashMap<String, &str> = HashMap::new();
    let mut faults = Vec::new();
    for verb in engine.registry().verbs() {
        let spec = verb.spec;
        let words = spec.names().chain(spec.aliases.iter().copied()).map(str::to_ascii_lowercase);
        let functions = spec.names().map(snake).chain(spec.functions.iter().map(|f| (*f).to_owned()));
        let mut own = BTreeSet::new();
        for name in words.chain(functions.map(|f| f + "()")) {
            if !own.insert(name.clone()) {
                faults.push(format!("{} has `{name}` twice", spec.name));
            } else if let Some(other) = owners.insert(name.clone(), spec.name) {
                faults.push(format!("`{name}` is {other} and {}", spec.name));
            }
        }
        faults.extend(
            spec.functions
                .iter()
                .filter(|f| !f.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
                .map(|f| format!("`{f}` is no snake")),
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_verb_explains_itself() {
    each(|spec, fault| {
        let one_line =
            |text: &str| !text.is_empty() && !text.ends_with('.') && !text.contains('\n') && text.len() <= WIDTH;
        if !one_line(spec.synopsis) {
            fault(format!("synopsis: {}", spec.synopsis));
        }
        if !spec.description.is_empty() && !spec.description.ends_with('.') {
            fault(format!("description: {}", spec.description));
        }
        if spec.examples.is_empty() {
            fault("there is no example".into());
        }
        for example in spec.examples {
            let mut called = spec.names().chain(spec.aliases.iter().copied());
            if !called.any(|name| example.line.contains(name)) || !one_line(example.says) {
                fault(format!("example: {} / {}", example.line, example.says));
            }
        }
        for parameter in spec.parameters {
            if !one_line(parameter.help) {
                fault(format!("-{}: {}", parameter.name, parameter.help));
            }
        }
    });
}

#[test]
fn related_verbs_exist() {
    let engine = Engine::new(Session::builder().build());
    each(|spec, fault| {
        for related in spec.related {
            if *related == spec.name {
                fault("it is related to itself".into());
            } else if !related.starts_with("about_") && engine.registry().verb(related).is_none() {
                fault(format!("`{related}` is no verb"));
            }
        }
    });
}

#[test]
fn parameters_are_declared_once_and_well() {
    each(|spec, fault| {
        let mut names = BTreeSet::new();
        for parameter in spec.parameters {
            for name in std::iter::once(&parameter.name).chain(parameter.aliases) {
                if !names.insert(name.to_ascii_lowercase()) {
                    fault(format!("-{name} stands twice"));
                }
                let is_alias = *name != parameter.name;
                let begins_well = is_alias || name.starts_with(|c: char| c.is_ascii_uppercase());
                if !begins_well || name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
                    fault(format!("-{name} is no name"));
                }
            }
            let needed_in = match parameter.mandatory {
                Mandatory::In(sets) => sets,
                Mandatory::No | Mandatory::Yes => &[],
            };
            for set in parameter.sets.iter().chain(needed_in) {
                if !spec.sets.contains(set) {
                    fault(format!("-{} names the set `{set}`, which is not declared", parameter.name));
                }
            }
            if matches!(parameter.values, Values::Choice(words) if words.is_empty()) {
                fault(format!("-{} has no values to choose from", parameter.name));
            }
            if parameter.pipeline != Pipeline::No && spec.input == certlet::command::Input::None {
                fault(format!("-{} takes from a pipeline that the verb does not read", parameter.name));
            }
        }
        for set in spec.parameter_sets() {
            let mut places: Vec<u8> =
                spec.parameters.iter().filter(|p| p.in_set(set)).filter_map(|p| p.position).collect();
            places.sort_unstable();
            if places.iter().enumerate().any(|(i, place)| usize::from(*place) != i) {
                fault(format!("the positions of the set `{set}` are {places:?}"));
            }
        }
    });
}

#[test]
fn every_set_is_told_apart() {
    each(|spec, fault| {
        // The default set is what holds where nothing tells of another one.
        for set in spec.sets.iter().skip(1) {
            if !spec.parameters.iter().any(|p| p.sets.contains(set) && p.sets.len() < spec.sets.len()) {
                fault(format!("nothing tells the set `{set}` from the others"));
            }
        }
        let needed = |set: &str| -> Vec<&str> {
            spec.parameters.iter().filter(|p| p.mandatory_in(set)).map(|p| p.name).collect()
        };
        for (i, set) in spec.sets.iter().enumerate() {
            // Sets that need nothing are told apart by what is given.
            let same = |other: &&&str| !needed(set).is_empty() && needed(other) == needed(set);
            if let Some(other) = spec.sets[..i].iter().find(same) {
                fault(format!("the sets `{other}` and `{set}` need the same"));
            }
        }
    });
}

#[test]
fn what_changes_state_can_be_tried_first() {
    each(|spec, fault| {
        let verb = spec.name.split('-').next().unwrap_or_default();
        let reads =
            ["Get", "Find", "Test", "Compare", "Measure", "Resolve", "Format", "Select", "Sort", "Where", "Group"];
        if reads.contains(&verb) && spec.changes != Impact::Reads {
            fault("its verb says that it reads, its declaration that it changes".into());
        }
        let given = [
            "WhatIf",
            "Confirm",
            "Verbose",
            "Debug",
            "ErrorAction",
            "WarningAction",
            "OutVariable",
            "ErrorVariable",
            "OutBuffer",
            "PipelineVariable",
        ];
        for parameter in spec.parameters.iter().filter(|p| given.contains(&p.name)) {
            fault(format!("-{} belongs to every verb", parameter.name));
        }
    });
}

/// The function of a verb: small letters, a bar before each word; capitals in a row are one word.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (i, letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let after = letters.get(i + 1);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|b| {
                b.is_ascii_lowercase() || (b.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        match letter {
            '-' => snake.push('_'),
            _ if begins => snake.extend(['_', letter.to_ascii_lowercase()]),
            _ => snake.push(letter.to_ascii_lowercase()),
        }
    }
    snake
}
