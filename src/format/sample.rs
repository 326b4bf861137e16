//! Records for the tests of this folder.

use std::any::Any;
use std::borrow::Cow;

use crate::command::{Kind, Property, Record, Value, View};
use crate::model::Moment;

/// A record of any properties; a name that begins with `#` is hidden.
pub(super) struct Bag {
    kind: Kind,
    values: Vec<Value>,
    text: Option<String>,
}

impl Bag {
    pub(super) fn value(kind: &'static str, properties: &[(&str, Value)]) -> Value {
        Self::viewed(kind, View::ByCount, None, properties)
    }

    pub(super) fn viewed(kind: &'static str, view: View, text: Option<&str>, properties: &[(&str, Value)]) -> Value {
        let named = |name: &str| Property {
            name: Cow::Owned(name.trim_start_matches('#').to_owned()),
            hidden: name.starts_with('#'),
        };
        let kind = Kind {
            name: Cow::Borrowed(kind),
            properties: Cow::Owned(properties.iter().map(|(name, _)| named(name)).collect()),
            view,
        };
        let values = properties.iter().map(|(_, value)| value.clone()).collect();
        Value::object(Self { kind, values, text: text.map(str::to_owned) })
    }
}

impl Record for Bag {
    fn kind(&self) -> &Kind {
        &self.kind
    }

    fn value(&self, index: usize) -> Value {
        self.values.get(index).cloned().unwrap_or_default()
    }

    fn text(&self) -> Option<String> {
        self.text.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The certificate of the documented listing, under a use.
pub(super) fn certificate(use_name: &str) -> Value {
    let names =
        ["pool01.contoso.net", "fe01.contoso.net", "sip.contoso.com", "webpool01.contoso.net", "dialin.contoso.com"];
    Bag::value(
        "CertificateReference",
        &[
            ("Issuer", Value::text("CN=contoso-DC01-CA, DC=contoso, DC=net")),
            ("NotAfter", Value::Moment(Moment::from_unix(1_400_249_044))),
            ("NotBefore", Value::Moment(Moment::from_unix(1_337_177_044))),
            ("SerialNumber", Value::text("611BB01200000000000C")),
            ("Subject", Value::text("CN=pool01.contoso.net")),
            ("AlternativeNames", Value::list(names.map(Value::text))),
            ("Thumbprint", Value::text("466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D")),
            ("EffectiveDate", Value::Null),
            ("PreviousThumbprint", Value::Null),
            ("UpdateTime", Value::Null),
            ("Use", Value::text(use_name)),
            ("SourceScope", Value::text("Local")),
            ("#FriendlyName", Value::text("Front end")),
        ],
    )
}
