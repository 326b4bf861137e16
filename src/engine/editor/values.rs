//! The values that a parameter may take: what the declaration lists and what the session knows.

use super::arguments::Given;
use super::complete::named;
use super::lexer::{Lexed, Upstream};
use super::{Candidate, Desk, begins, files, properties};
use crate::command::{ParamSpec, Values};
use crate::format::like;
use crate::session::Session;
use crate::state::{CertificateQuery, Store};

/// So many certificates are offered at most.
const MOST_CERTIFICATES: usize = 200;

/// The value at the cursor as far as it is written.
pub(super) struct Written<'a> {
    /// Without its opening quote.
    typed: &'a str,
    quote: Option<char>,
}

impl<'a> Written<'a> {
    /// Takes the word at the cursor.
    pub(super) fn of(word: &'a str) -> Self {
        let quote = word.chars().next().filter(|c| matches!(c, '"' | '\'' | '\u{2018}'..='\u{201e}'));
        Self { typed: quote.map_or(word, |quote| word.get(quote.len_utf8()..).unwrap_or_default()), quote }
    }

    /// The candidates that go on with what is typed, each in quotes where it needs them.
    fn candidates(&self, values: impl IntoIterator<Item = (String, String)>) -> Vec<Candidate> {
        values
            .into_iter()
            .filter(|(value, _)| begins(value, self.typed))
            .map(|(value, description)| Candidate { text: self.quoted(&value), shown: value, description })
            .collect()
    }

    fn quoted(&self, value: &str) -> String {
        let plain = !value.is_empty()
            && value
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '\\' | '/' | '*' | '~' | '+'))
            && !value.starts_with('-');
        match self.quote {
            None if plain => value.to_owned(),
            Some('"' | '\u{201c}'..='\u{201e}') if !value.contains(['$', '`', '"']) => format!("\"{value}\""),
            _ => format!("'{}'", value.replace('\'', "''")),
        }
    }
}

/// The values of a parameter at the cursor.
pub(super) fn values(
    desk: &Desk<'_>,
    text: &str,
    lexed: &Lexed,
    given: &Given,
    parameter: &'static ParamSpec,
    written: &Written<'_>,
) -> Vec<Candidate> {
    if parameter.secret {
        return Vec::new();
    }
    let session = &desk.state.session;
    let mut found = match parameter.values {
        Values::Choice(words) => written.candidates(words.iter().map(|word| ((*word).to_owned(), String::new()))),
        Values::Uses => written.candidates(uses(session)),
        Values::Thumbprints => written.candidates(thumbprints(session)),
        Values::Authorities => written.candidates(authorities(session)),
        Values::Sites => written.candidates(sites(session)),
        Values::Computers => written.candidates(computers(session)),
        Values::Verbs => written.candidates(verbs(desk, given)),
        Values::Files => paths(session, written),
        Values::Any => any(desk, text, lexed, given, parameter, written),
    };
    // What stands in the list already is not offered again.
    found.retain(|candidate| !given.listed.iter().any(|value| value.eq_ignore_ascii_case(&candidate.shown)));
    found
}

fn paths(session: &Session, written: &Written<'_>) -> Vec<Candidate> {
    let mut found = files::files(session, written.typed);
    for candidate in &mut found {
        let is_folder = candidate.text.ends_with(['/', '\\']);
        let quoted = written.quoted(&candidate.text);
        // A folder is gone on from: its quotes stay open.
        candidate.text = match quoted.strip_suffix(['\'', '"']) {
            Some(open) if is_folder => open.to_owned(),
            _ => quoted,
        };
    }
    found
}

/// A parameter that declares nothing: what its name and type tell.
fn any(
    desk: &Desk<'_>,
    text: &str,
    lexed: &Lexed,
    given: &Given,
    parameter: &'static ParamSpec,
    written: &Written<'_>,
) -> Vec<Candidate> {
    let upstream = lexed.stages.iter().rposition(|s| s.verb == given.spec.name).and_then(|i| lexed.stages.get(i));
    match (parameter.name, parameter.type_name) {
        (_, "Boolean" | "Nullable[Boolean]" | "SwitchParameter") => {
            let words = ["$true", "$false"].into_iter().filter(|word| begins(word, written.typed));
            words.map(|word| Candidate::new(word, "")).collect()
        }
        ("Property" | "ExpandProperty" | "MemberName" | "GroupBy", _) => {
            let upstream = upstream.map_or(Upstream::Nothing, |stage| stage.upstream);
            named(properties::of_upstream(desk, text, lexed, upstream), written.typed)
        }
        ("Template", _) => written.candidates(templates(&desk.state.session, given.value("CA"))),
        ("CA", _) => written.candidates(authorities(&desk.state.session)),
        ("Identity", _) => {
            written.candidates([("global".to_owned(), "the assignments that all computers share".to_owned())])
        }
        ("ErrorVariable" | "WarningVariable" | "OutVariable" | "Variable", _) => {
            written.candidates(desk.variables().into_iter().map(|name| (name, String::new())))
        }
        _ => Vec::new(),
    }
}

type Found = Vec<(String, String)>;

fn uses(session: &Session) -> Found {
    let Ok(topology) = session.topology() else { return Vec::new() };
    topology.uses.iter().map(|u| (u.name.as_str().to_owned(), u.purpose.clone())).collect()
}

fn thumbprints(session: &Session) -> Found {
    // A state that is not there yet is not made for the sake of completion.
    let Some(state) = session.world().existing_state() else { return Vec::new() };
    let query = CertificateQuery {
        store: Some(Store::My),
        after: Some((session.now(), crate::model::Fingerprint::from_bytes([0; 32]))),
        limit: Some(MOST_CERTIFICATES),
        ..CertificateQuery::default()
    };
    let mut rows = state.certificates(&query).unwrap_or_default();
    // The newest is what is most often meant.
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.not_after));
    let zone = session.zone();
    rows.into_iter()
        .map(|(_, row)| (row.thumbprint.to_string(), format!("{} until {}", row.subject, row.not_after.in_zone(&zone))))
        .collect()
}

fn authorities(session: &Session) -> Found {
    let Ok(authorities) = session.authorities() else { return Vec::new() };
    let says = |a: &dyn crate::ca::Authority| match (a.is_inside(), a.can_issue()) {
        (true, _) => "built in",
        (_, false) => "does not answer",
        _ => "",
    };
    authorities.iter().map(|a| (a.config().to_owned(), says(&**a).to_owned())).collect()
}

fn templates(session: &Session, authority: Option<&str>) -> Found {
    let Ok(authorities) = session.authorities() else { return Vec::new() };
    let wanted = authorities.iter().filter(|a| authority.is_none_or(|name| a.config().eq_ignore_ascii_case(name)));
    let mut found: Found = wanted
        .filter_map(|a| a.as_database())
        .flat_map(crate::ca::Database::templates)
        .map(|template| (template.name, template.display_name))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn sites(session: &Session) -> Found {
    if session.world().existing_state().is_none() {
        return Vec::new();
    }
    let Ok(sites) = session.sites() else { return Vec::new() };
    let says = |w: &crate::model::Website| format!("{} on {}", w.server.kind().name(), w.computer);
    sites.iter().map(|site| (site.website.name.clone(), says(&site.website))).collect()
}

fn computers(session: &Session) -> Found {
    let Ok(topology) = session.topology() else { return Vec::new() };
    let mut found: Found = Vec::new();
    for computer in topology.computers() {
        let pool = topology.pool_of(computer).map_or_else(String::new, |(pool, _)| format!("of {}", pool.fqdn));
        found.push((computer.to_string(), pool));
    }
    found
}

fn verbs(desk: &Desk<'_>, given: &Given) -> Found {
    let registry = &desk.state.registry;
    let mut found: Found = Vec::new();
    for verb in registry.verbs() {
        found.extend(verb.spec.names().map(|name| (name.to_owned(), verb.spec.synopsis.to_owned())));
    }
    if given.spec.name == "Get-Help" {
        found.extend(crate::cmdlets::help_topics().map(|(name, about)| (name.to_owned(), about.to_owned())));
    }
    found.sort_by_key(|(name, _)| (like(name, "about_*"), name.to_ascii_lowercase()));
    found.dedup_by(|a, b| a.0 == b.0);
    found
}
