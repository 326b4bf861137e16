//! The simple URLs, scope by scope.

use std::any::Any;

use crate::command::{Kind, Property, Record, Value, View};
use crate::model::{SimpleUrl, SimpleUrlScope, Topology};

/// The simple URLs of a scope.
pub(in crate::cmdlets) struct SimpleUrlConfiguration {
    scope: SimpleUrlScope,
    urls: Vec<SimpleUrl>,
}

pub(in crate::cmdlets) static SIMPLE_URL_CONFIGURATION: Kind =
    Kind::new("SimpleUrlConfiguration", const { &[Property::new("Identity"), Property::new("SimpleUrl")] }, View::List);

static SIMPLE_URL: Kind = Kind::new(
    "SimpleUrl",
    const {
        &[
            Property::new("SimpleUrlEntry"),
            Property::new("Component"),
            Property::new("Domain"),
            Property::new("ActiveUrl"),
        ]
    },
    View::List,
);

static SIMPLE_URL_ENTRY: Kind = Kind::new("SimpleUrlEntry", const { &[Property::new("Url")] }, View::List);

impl SimpleUrlConfiguration {
    /// The global collection first, then those of sites in the order of their first URL.
    pub(in crate::cmdlets) fn all(topology: &Topology) -> Vec<Self> {
        let mut all: Vec<Self> = vec![Self { scope: SimpleUrlScope::Global, urls: Vec::new() }];
        for url in &topology.simple_urls {
            match all.iter_mut().find(|c| same_scope(&c.scope, &url.scope)) {
                Some(known) => known.urls.push(url.clone()),
                None => all.push(Self { scope: url.scope.clone(), urls: vec![url.clone()] }),
            }
        }
        all
    }

    /// `Global` or `Site:Redmond`.
    pub(in crate::cmdlets) fn identity(&self) -> String {
        match &self.scope {
            SimpleUrlScope::Global => "Global".to_owned(),
            SimpleUrlScope::Site(name) => format!("Site:{name}"),
        }
    }
}

fn same_scope(a: &SimpleUrlScope, b: &SimpleUrlScope) -> bool {
    match (a, b) {
        (SimpleUrlScope::Site(a), SimpleUrlScope::Site(b)) => a.eq_ignore_ascii_case(b),
        (a, b) => a == b,
    }
}

impl Record for SimpleUrlConfiguration {
    fn kind(&self) -> &Kind {
        &SIMPLE_URL_CONFIGURATION
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::from(self.identity()),
            1 => Value::list(self.urls.iter().map(|url| Value::object(ShownUrl(url.clone())))),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.identity())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct ShownUrl(SimpleUrl);

impl Record for ShownUrl {
    fn kind(&self) -> &Kind {
        &SIMPLE_URL
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 => Value::list(self.0.entries.iter().map(|url| Value::object(ShownEntry(url.clone())))),
            1 => self.0.component.name().into(),
            2 => Value::text(self.0.domain.as_ref().map_or("*", |d| d.as_str())),
            3 => Value::text(&self.0.active),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        let domain = self.0.domain.as_ref().map_or("*", |d| d.as_str());
        Some(format!("Component={};Domain={domain};ActiveUrl={}", self.0.component.name(), self.0.active))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct ShownEntry(String);

impl Record for ShownEntry {
    fn kind(&self) -> &Kind {
        &SIMPLE_URL_ENTRY
    }

    fn value(&self, index: usize) -> Value {
        if index == 0 { Value::text(&self.0) } else { Value::Null }
    }

    fn text(&self) -> Option<String> {
        Some(self.0.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
