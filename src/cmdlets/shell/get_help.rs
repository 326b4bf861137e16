//! `Get-Help`: help of verbs, compiled in, and the topics.

use std::any::Any;
use std::fmt::Write;

use crate::cmdlets::lookup::is_pattern;
use crate::command::{
    Args, Column, Example, Expect, Impact, Input, Invocation, Kind, Param, Pipeline, Property, Record, Registry, Spec, Switch, Value,
    Values, Verb, View,
};
use crate::error::{Error, ErrorId, Result};
use crate::format::{HelpView, like, render_help, render_parameters};
use crate::model::nearest;

/// How wide help is.
const WIDTH: usize = 79;

/// The topics: name and text, whose first line says what it is about.
static TOPICS: &[(&str, &str)] = &[
    ("about_command_mode", include_str!("topics/about_command_mode.txt")),
    ("about_exit_codes", include_str!("topics/about_exit_codes.txt")),
    ("about_functions", include_str!("topics/about_functions.txt")),
    ("about_limits", include_str!("topics/about_limits.txt")),
    ("about_proof", include_str!("topics/about_proof.txt")),
    ("about_renewal", include_str!("topics/about_renewal.txt")),
    ("about_sites", include_str!("topics/about_sites.txt")),
    ("about_staging", include_str!("topics/about_staging.txt")),
    ("about_uses", include_str!("topics/about_uses.txt")),
];

static NAME: Param<String> = Param::named("Name", "A verb, alias, function or topic").wildcards()
    .at(0)
    .mandatory_in(&["Examples", "DetailedView", "Full", "Parameters", "Online"])
    .from_pipeline(Pipeline::ByPropertyName)
    .values(Values::Verbs);
static EXAMPLES: Param<Switch> =
    Param::named("Examples", "Show the examples alone").sets(&["Examples"]).mandatory();
static DETAILED: Param<Switch> =
    Param::named("Detailed", "Show parameters and examples too").sets(&["DetailedView"]).mandatory();
static FULL: Param<Switch> = Param::named("Full", "Show all that is known").sets(&["Full"]).mandatory();
static PARAMETER: Param<String> =
    Param::named("Parameter", "Show these parameters alone").wildcards().sets(&["Parameters"]).mandatory();

static ONLINE: Param<Switch> =
    Param::named("Online", "Say where the help is: there is no page on the web").sets(&["Online"]).mandatory();

pub(crate) static SPEC: Spec = Spec {
    name: "Get-Help",
    twin: None,
    aliases: &["help", "man"],
    functions: &[],
    synopsis: "Show the help of a verb or a topic",
    description: "Shows the help of the verb with this name, alias or function, or of a topic; without a name, what there is. \
                  A wildcard, or a word that is no name, lists what fits. `Verb-Noun -?` is the same as `Get-Help Verb-Noun`. \
                  All help is compiled in; nothing is downloaded.",
    sets: &["AllUsersView", "Examples", "DetailedView", "Full", "Parameters", "Online"],
    parameters: &[&NAME.spec, &EXAMPLES.spec, &DETAILED.spec, &FULL.spec, &PARAMETER.spec, &ONLINE.spec],
    input: Input::EachObject,
    emits: Some(&HELP_PAGE),
    changes: Impact::Reads,
    examples: &[
        Example { line: "Get-Help Test-TlsBinding", says: "Shows what a verb does and how it is called", expect: Expect::Emits(1) },
        Example {
            line: "Get-Help Test-TlsBinding -Parameter Name",
            says: "Shows one parameter",
            expect: Expect::Emits(1),
        },
        Example { line: "Get-Help about_proof", says: "Shows a topic", expect: Expect::Emits(1) },
        Example { line: "Get-Help *-TlsName", says: "Lists the verbs that fit", expect: Expect::Emits(2) },
        Example {
            line: "Get-Help Get-CsCertificat",
            says: "Names the nearest verb when there is none of that name",
            expect: Expect::Fails(ErrorId::CommandNotFoundException),
        },
    ],
    related: &["Get-Command", "about_command_mode"],
};

pub(crate) static VERB: Verb = Verb::new(&SPEC, run);

fn run(cx: &mut Invocation<'_>, args: &Args) -> Result<()> {
    let registry = cx.registry();
    let Some(name) = args.get(&NAME, cx)? else {
        return cx.emit(Value::object(HelpPage { name: "certlet".into(), category: "Overview", synopsis: OVERVIEW.into(), text: overview(&registry) }));
    };
    let name = name.trim();
    if let Some((spec, shown)) = find_verb(&registry, name) {
        return cx.emit(Value::object(page(cx, args, spec, shown)?));
    }
    if let Some((topic, text)) = topic(name) {
        return cx.emit(Value::object(topic_page(topic, text)));
    }
    let entries = search(&registry, name);
    match entries.as_slice() {
        [] if is_pattern(name) => Ok(()),
        [] => Err(unknown(&registry, name)),
        [one] => match find_verb(&registry, one.name) {
            Some((spec, shown)) => cx.emit(Value::object(page(cx, args, spec, shown)?)),
            None => topic(one.name).map_or(Ok(()), |(name, text)| cx.emit(Value::object(topic_page(name, text)))),
        },
        _ => entries.into_iter().try_for_each(|entry| cx.emit(Value::object(entry))),
    }
}

/// The verb of a name, twin, alias or function, and the name to show it under.
fn find_verb(registry: &Registry, name: &str) -> Option<(&'static Spec, &'static str)> {
    if let (Some(verb), Some(spelling)) = (registry.verb(name), registry.spelling(name)) {
        return Some((verb.spec, spelling));
    }
    if let Some(verb) = registry.alias(name) {
        return Some((verb.spec, verb.spec.name));
    }
    if !name.contains('_') {
        return None;
    }
    // A function is the verb's name in snake case.
    let bare = name.replace('_', "");
    registry.verbs().iter().find_map(|verb| {
        let full = verb.spec.names().find(|n| n.replace('-', "").eq_ignore_ascii_case(&bare));
        let declared = || verb.spec.functions.iter().any(|f| f.eq_ignore_ascii_case(name)).then_some(verb.spec.name);
        full.or_else(declared).map(|shown| (verb.spec, shown))
    })
}

fn topic(name: &str) -> Option<(&'static str, &'static str)> {
    let whole = format!("about_{name}");
    TOPICS.iter().find(|(topic, _)| topic.eq_ignore_ascii_case(name) || topic.eq_ignore_ascii_case(&whole)).copied()
}

/// The topics: name and what each is about.
pub(in crate::cmdlets) fn topics() -> impl Iterator<Item = (&'static str, &'static str)> {
    TOPICS.iter().map(|(name, text)| (*name, first_line(text)))
}

fn page(cx: &Invocation<'_>, args: &Args, spec: &'static Spec, shown: &'static str) -> Result<HelpPage> {
    let view = match (args.on(&FULL), args.on(&DETAILED), args.on(&EXAMPLES)) {
        (true, ..) => HelpView::Full,
        (_, true, _) => HelpView::Detailed,
        (_, _, true) => HelpView::Examples,
        _ => HelpView::Short,
    };
    if args.on(&ONLINE) {
        let text = format!(
            "\nAll help of `{shown}` is compiled into this program; there is no page to open.\n`Get-Help {shown} -Full` shows all of it.\n"
        );
        return Ok(HelpPage { name: shown.to_owned(), category: "Cmdlet", synopsis: spec.synopsis.to_owned(), text });
    }
    let text = match args.get(&PARAMETER, cx)? {
        Some(pattern) => parameters(spec, shown, &pattern)?,
        None => render_help(spec, shown, view, WIDTH),
    };
    Ok(HelpPage { name: shown.to_owned(), category: "Cmdlet", synopsis: spec.synopsis.to_owned(), text })
}

fn parameters(spec: &'static Spec, shown: &str, pattern: &str) -> Result<String> {
    if let Some(text) = render_parameters(spec, pattern, WIDTH) {
        return Ok(text);
    }
    let error = Error::new(ErrorId::NamedParameterNotFound, format!("`{shown}` has no parameter `{pattern}`")).about(pattern);
    Err(match nearest(pattern, spec.parameters.iter().map(|p| p.name)) {
        Some(near) => error.hint(format!("did you mean `-{near}`?")),
        None => error.hint(format!("`Get-Help {shown} -Parameter *` shows them all")),
    })
}

fn topic_page(name: &str, text: &'static str) -> HelpPage {
    HelpPage { name: name.to_owned(), category: "HelpFile", synopsis: first_line(text).to_owned(), text: format!("\n{text}") }
}

/// What fits a wildcard, or has the word in its name.
fn search(registry: &Registry, word: &str) -> Vec<HelpEntry> {
    let pattern = match (is_pattern(word), word.len() >= 3 && !word.contains('-')) {
        (true, _) => word.to_owned(),
        (false, true) => format!("*{word}*"),
        (false, false) => return Vec::new(),
    };
    let verbs = names(registry).into_iter().map(|(name, spec)| HelpEntry { name, category: "Cmdlet", synopsis: spec.synopsis });
    let topics = TOPICS.iter().map(|(name, text)| HelpEntry { name, category: "HelpFile", synopsis: first_line(text) });
    verbs.chain(topics).filter(|entry| like(entry.name, &pattern)).collect()
}

fn unknown(registry: &Registry, name: &str) -> Error {
    let is_topic = name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("about_"));
    let topics = TOPICS.iter().map(|(name, _)| *name);
    let (id, what, known): (ErrorId, &str, Vec<&str>) = if is_topic {
        (ErrorId::PathNotFound, "topic", topics.collect())
    } else {
        (ErrorId::CommandNotFoundException, "verb and no topic", registry.names().chain(topics).collect())
    };
    let error = Error::new(id, format!("`{name}` is no {what}")).about(name);
    match nearest(name, known) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`Get-Help` lists the verbs and topics"),
    }
}

/// Every name that is called, with the verb that answers to it, sorted.
pub(super) fn names(registry: &Registry) -> Vec<(&'static str, &'static Spec)> {
    let mut names: Vec<(&'static str, &'static Spec)> = Vec::new();
    for verb in registry.verbs() {
        // A later verb of the same name hides an earlier one.
        let own = verb.spec.names().filter(|n| registry.verb(n).is_some_and(|v| std::ptr::eq(v.spec, verb.spec)));
        names.extend(own.map(|name| (name, verb.spec)));
    }
    names.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    names.dedup_by_key(|(name, _)| *name);
    names
}

const OVERVIEW: &str = "PowerShell-like certificate operations that prove by handshake what they changed";

/// The families of the overview: heading, and whether a noun belongs to it; the first that fits counts.
type Family = (&'static str, fn(&str) -> bool);
const FAMILIES: [Family; 5] = [
    ("CERTIFICATES OF LYNC SERVER AND SKYPE FOR BUSINESS SERVER", |noun| noun.starts_with("Cs")),
    ("BINDINGS, NAMES, PROOFS, CHANGES", |noun| noun.starts_with("Tls")),
    ("WEB SITES", |noun| noun.starts_with("Web") || noun.starts_with("IIS")),
    ("CERTIFICATES AND AUTHORITIES", |noun| {
        ["Certificate", "Certification", "CATemplate", "Pfx"].iter().any(|word| noun.contains(word))
    }),
    ("SHELL", |_| true),
];

fn overview(registry: &Registry) -> String {
    let mut text = format!("\n{OVERVIEW}\n");
    let mut groups: Vec<Vec<(&str, &str)>> = vec![Vec::new(); FAMILIES.len()];
    for (name, spec) in names(registry) {
        // A twin is listed with its verb.
        if name != spec.name {
            continue;
        }
        let noun = name.split_once('-').map_or("", |(_, noun)| noun);
        if let Some(group) = FAMILIES.iter().position(|(_, has)| has(noun)).and_then(|i| groups.get_mut(i)) {
            group.push((name, spec.synopsis));
        }
    }
    for ((heading, _), group) in FAMILIES.iter().zip(groups) {
        section(&mut text, heading, &group);
    }
    let topics: Vec<(&str, &str)> = TOPICS.iter().map(|(name, topic)| (*name, first_line(topic))).collect();
    section(&mut text, "TOPICS", &topics);
    text.push_str("\n`Get-Help NAME` shows a verb or topic, `Get-Help NAME -Examples` its examples.\n");
    text
}

fn section(text: &mut String, heading: &str, lines: &[(&str, &str)]) {
    let Some(longest) = lines.iter().map(|(name, _)| name.len()).max() else { return };
    // Writing to a String does not fail.
    let _ = writeln!(text, "\n{heading}");
    for (name, synopsis) in lines {
        let mut line = format!("    {name:longest$} ");
        let indent = line.len();
        for word in synopsis.split(' ') {
            if line.len() + 1 + word.len() > WIDTH && line.len() > indent {
                let _ = writeln!(text, "{line}");
                line = " ".repeat(indent);
            }
            let _ = write!(line, " {word}");
        }
        let _ = writeln!(text, "{line}");
    }
}

fn first_line(text: &'static str) -> &'static str {
    text.lines().next().unwrap_or_default()
}

/// A page of help; shown as its text.
struct HelpPage {
    name: String,
    category: &'static str,
    synopsis: String,
    text: String,
}

static HELP_PAGE: Kind = Kind::new(
    "HelpPage",
    const { &[Property::new("Name"), Property::new("Category"), Property::new("Synopsis"), Property::new("Text")] },
    View::Text,
);

impl Record for HelpPage {
    fn kind(&self) -> &Kind {
        &HELP_PAGE
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::text(&self.name),
            1 => self.category.into(),
            2 => Value::text(&self.synopsis),
            3 => Value::text(&self.text),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.text.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A line of a list of help pages.
struct HelpEntry {
    name: &'static str,
    category: &'static str,
    synopsis: &'static str,
}

static HELP_ENTRY: Kind = Kind::new(
    "HelpEntry",
    const { &[Property::new("Name"), Property::new("Category"), Property::new("Synopsis")] },
    View::Table(const { &[Column::of("Name"), Column::of("Category"), Column::of("Synopsis")] }),
);

impl Record for HelpEntry {
    fn kind(&self) -> &Kind {
        &HELP_ENTRY
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => self.name.into(),
            1 => self.category.into(),
            2 => self.synopsis.into(),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.name.to_owned())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::testing::{Done, TestWorld, run as run_in, texts};
    use crate::session::Session;

    fn help(parameters: &[(&str, Value)]) -> Done {
        run_in(&Session::builder().build(), &crate::cmdlets::registry(), &VERB, parameters, Vec::new())
    }

    fn text(parameters: &[(&str, Value)]) -> String {
        let found = help(parameters).emitted();
        assert_eq!(found.len(), 1);
        texts(&found, "Text").remove(0)
    }

    #[test]
    fn a_verb_is_found_by_every_name() {
        for name in ["Test-TlsBinding", "test-tlsbinding", "test_tls_binding"] {
            let page = text(&[("Name", name.into())]);
            let order: Vec<usize> = ["NAME\n    Test-TlsBinding", "SYNOPSIS", "SYNTAX", "DESCRIPTION", "RELATED LINKS", "REMARKS"]
                .iter()
                .map(|heading| page.find(heading).unwrap_or_else(|| panic!("{heading} is not in {page}")))
                .collect();
            assert!(order.is_sorted());
        }
        for (name, shown) in [
            ("get-tlscertificate", "NAME\n    Get-TlsCertificate"),
            ("get_certificate", "NAME\n    Get-CsCertificate"),
            ("man", "NAME\n    Get-Help"),
        ] {
            assert!(text(&[("Name", name.into())]).contains(shown), "{name}");
        }
    }

    #[test]
    fn views_show_more_or_less() {
        let of = |view: &str| text(&[("Name", "Get-WebBinding".into()), (view, Value::Bool(true))]);
        assert!(of("Examples").contains("EXAMPLE 1") && !of("Examples").contains("SYNTAX"));
        assert!(of("Detailed").contains("PARAMETERS") && !of("Detailed").contains("Required?"));
        assert!(of("Full").contains("Required?") && of("Full").contains("OUTPUTS") && of("Full").contains("NOTES"));
        assert!(of("Full").contains("Accept wildcard characters?  true"));
        assert!(of("Online").contains("Get-Help Get-WebBinding -Full"));
        let port = text(&[("Name", "Get-WebBinding".into()), ("Parameter", "port".into())]);
        assert!(port.contains("-Port <String>") && !port.contains("-Protocol"), "{port}");
        let error = help(&[("Name", "Get-WebBinding".into()), ("Parameter", "Prot".into())]).error();
        assert_eq!(error.id(), ErrorId::NamedParameterNotFound);
        assert_eq!(error.hints(), ["did you mean `-Protocol`?"]);
    }

    #[test]
    fn the_overview_names_every_verb_and_topic() {
        let overview = text(&[]);
        for (name, _) in TOPICS {
            assert!(overview.contains(name), "{name}");
        }
        for verb in crate::cmdlets::registry().verbs() {
            assert!(overview.contains(verb.spec.name), "{}", verb.spec.name);
        }
        assert!(overview.find("WEB SITES") < overview.find("Get-WebBinding"));
        let wide: Vec<&str> = overview.lines().filter(|line| line.chars().count() > WIDTH + 1).collect();
        assert!(wide.is_empty(), "{wide:?}");
    }

    #[test]
    fn words_and_wildcards_list_what_fits() {
        let found = help(&[("Name", "*-TlsName".into())]).emitted();
        assert_eq!(texts(&found, "Name"), ["Compare-TlsName", "Get-TlsName"]);
        let found = help(&[("Name", "binding".into())]).emitted();
        assert_eq!(texts(&found, "Name"), ["Get-IISSiteBinding", "Get-WebBinding", "Test-TlsBinding"]);
        assert!(text(&[("Name", "about_pr*".into())]).contains("VERDICTS"), "one hit is shown");
        assert!(help(&[("Name", "No*".into())]).emitted().is_empty());
    }

    #[test]
    fn topics_stand_on_their_own() {
        assert!(text(&[("Name", "proof".into())]).contains("VERDICTS"));
        let registry = crate::cmdlets::registry();
        for (name, topic) in TOPICS {
            assert!(topic.lines().all(|line| line.chars().count() <= WIDTH), "{name} is too wide");
            assert!(!first_line(topic).is_empty() && topic.lines().nth(1) == Some(""), "{name} begins with a line of its own");
            let links = topic.split("SEE ALSO").nth(1).unwrap_or_default().split([',', '\n']).map(str::trim).filter(|w| !w.is_empty());
            for link in links {
                let known = TOPICS.iter().any(|(topic, _)| *topic == link) || registry.verb(link).is_some();
                assert!(known, "{name} points to `{link}`");
            }
        }
    }

    #[test]
    fn unknown_names_are_answered_with_the_nearest() {
        for (name, id, near) in [
            ("Get-CsCertificat", ErrorId::CommandNotFoundException, "did you mean `Get-CsCertificate`?"),
            ("about_prof", ErrorId::PathNotFound, "did you mean `about_proof`?"),
        ] {
            let error = help(&[("Name", name.into())]).error();
            assert_eq!((error.id(), error.hints()), (id, vec![near.to_owned()]));
        }
        let error = help(&[("Name", "Frobnicate-Widget".into())]).error();
        assert_eq!(error.hints(), ["`Get-Help` lists the verbs and topics"]);
    }

    #[test]
    fn a_hosts_own_verb_is_seen() {
        static OWN: Spec = Spec {
            name: "Get-Weather",
            twin: None,
            aliases: &[],
            functions: &[],
            synopsis: "Look out of the window",
            description: "Looks.",
            sets: &[],
            parameters: &[],
            input: Input::None,
            emits: None,
            changes: Impact::Reads,
            examples: &[],
            related: &[],
        };
        let registry = crate::cmdlets::registry().with(Verb::new(&OWN, |_, _| Ok(())));
        let world = TestWorld::contoso().with_registry(registry);
        let page = texts(&world.run(&VERB, &[("Name", "get-weather".into())]).emitted(), "Synopsis");
        assert_eq!(page, ["Look out of the window"]);
        assert!(texts(&world.run(&VERB, &[]).emitted(), "Text")[0].contains("Get-Weather"));
    }
}
