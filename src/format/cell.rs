//! One value as lists and tables show it.

use crate::command::{Record, Value};
use crate::model::Zone;

use super::text::ELLIPSIS;

/// How many values of a collection are shown; the original's `$FormatEnumerationLimit`.
const ENUMERATION_LIMIT: usize = 4;

/// How deep collections and objects inside one another are shown.
const DEPTH: usize = 3;

/// A property's value: `{a, b, c, d...}` for a collection, blank for `$null`, dates in the zone.
pub(super) fn shown(value: &Value, zone: &Zone) -> String {
    let mut text = String::new();
    show(value, zone, DEPTH, &mut text);
    text
}

/// An object as one piece of text: its natural one, or `@{a=1; b=2}`.
pub(super) fn object_text(record: &dyn Record, zone: &Zone) -> String {
    let mut text = String::new();
    show_object(record, zone, DEPTH, &mut text);
    text
}

fn show(value: &Value, zone: &Zone, depth: usize, text: &mut String) {
    match value {
        Value::List(_) | Value::Map(_) | Value::Object(_) if depth == 0 => text.push_str(ELLIPSIS),
        Value::List(items) => {
            text.push('{');
            for (i, item) in items.iter().take(ENUMERATION_LIMIT).enumerate() {
                if i > 0 {
                    text.push_str(", ");
                }
                show(item, zone, depth - 1, text);
            }
            text.push_str(if items.len() > ENUMERATION_LIMIT { "...}" } else { "}" });
        }
        Value::Map(entries) => show_bag(entries.iter().map(|(k, v)| (&**k, v.clone())), zone, depth, text),
        Value::Object(record) => show_object(&**record, zone, depth, text),
        plain => text.push_str(&plain.display(zone)),
    }
}

fn show_object(record: &dyn Record, zone: &Zone, depth: usize, text: &mut String) {
    if let Some(own) = record.text() {
        text.push_str(&own);
        return;
    }
    let visible = record.kind().properties.iter().enumerate().filter(|(_, p)| !p.hidden);
    show_bag(visible.map(|(i, p)| (&*p.name, record.value(i))), zone, depth, text);
}

fn show_bag<'a>(entries: impl Iterator<Item = (&'a str, Value)>, zone: &Zone, depth: usize, text: &mut String) {
    text.push_str("@{");
    for (i, (name, value)) in entries.enumerate() {
        if i > 0 {
            text.push_str("; ");
        }
        text.push_str(name);
        text.push('=');
        show(&value, zone, depth.saturating_sub(1), text);
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Moment, Secret};

    #[test]
    fn collections_show_four_values() {
        let list = |n: i64| Value::list((1..=n).map(Value::Int));
        let show = |v: &Value| shown(v, &Zone::utc());
        assert_eq!(show(&list(0)), "{}");
        assert_eq!(show(&list(4)), "{1, 2, 3, 4}");
        assert_eq!(show(&list(5)), "{1, 2, 3, 4...}");
    }

    #[test]
    fn depth_is_bounded_and_secrets_are_elided() {
        let mut deep = Value::Int(1);
        for _ in 0..1000 {
            deep = Value::list([deep]);
        }
        assert_eq!(shown(&deep, &Zone::utc()), "{{{...}}}");
        let bag = Value::Map(
            [("p".into(), Value::Secret(Secret::from("hunter2"))), ("t".into(), Value::Moment(Moment::from_unix(0)))]
                .into_iter()
                .collect(),
        );
        assert_eq!(shown(&bag, &Zone::utc()), "@{p=System.Security.SecureString; t=1/1/1970 12:00:00 AM}");
    }
}
