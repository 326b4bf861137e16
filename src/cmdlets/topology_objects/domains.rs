//! The domains of SIP addresses.

use std::any::Any;

use crate::command::{Kind, Property, Record, Value, View};
use crate::model::SipDomain;

/// A domain of SIP addresses.
pub(in crate::cmdlets) struct Domain(pub(in crate::cmdlets) SipDomain);

pub(in crate::cmdlets) static SIP_DOMAIN: Kind = Kind::new(
    "SipDomain",
    const { &[Property::new("Identity"), Property::new("Name"), Property::new("IsDefault")] },
    View::List,
);

impl Record for Domain {
    fn kind(&self) -> &Kind {
        &SIP_DOMAIN
    }

    fn value(&self, index: usize) -> Value {
        match index {
            0 | 1 => Value::text(self.0.name.as_str()),
            2 => self.0.is_default.into(),
            _ => Value::Null,
        }
    }

    fn text(&self) -> Option<String> {
        Some(self.0.name.as_str().to_owned())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
