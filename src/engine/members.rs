//! Properties and PowerShell's methods of values: `$c.Thumbprint`, `$certs.NotAfter`, `$date.AddDays(30)`, `$x.ToString()`.

use super::civil::Civil;
use crate::command::Value;
use crate::error::{Error, ErrorId, Result};
use crate::model::{Moment, Zone};

/// Names that a message lists at most.
const MAX_LISTED: usize = 20;

/// A property of a value, in any case.
///
/// A list without such a property of its own gives those of its elements; `$null` gives `$null`.
///
/// # Errors
/// `PathNotFound` that lists the properties there are.
pub(super) fn property(value: &Value, name: &str, zone: &Zone) -> Result<Value> {
    if let Some(found) = value.property(name) {
        return Ok(found);
    }
    let lower = name.to_ascii_lowercase();
    match value {
        Value::Null => {
            return Ok(if matches!(lower.as_str(), "count" | "length") { Value::Int(0) } else { Value::Null });
        }
        Value::Moment(moment) => {
            if let Some(found) = Civil::of(*moment, zone).and_then(|civil| civil.property(&lower, zone)) {
                return Ok(found);
            }
        }
        Value::Span(seconds) => {
            if let Some(found) = span_property(*seconds, &lower) {
                return Ok(found);
            }
        }
        // What `throw 'text'` throws is asked for as errors are: `$_.Exception.Message`.
        Value::Text(_) if matches!(lower.as_str(), "exception" | "message") => return Ok(value.clone()),
        Value::List(items) => return enumerate(items, name, zone),
        _ => {}
    }
    if matches!(lower.as_str(), "count" | "length") {
        return Ok(Value::Int(1));
    }
    Err(missing(value, name))
}

/// The property of each element that has it; the values of a list of lists are joined.
fn enumerate(items: &[Value], name: &str, zone: &Zone) -> Result<Value> {
    let mut found = Vec::new();
    let mut has = items.is_empty();
    let mut failure = None;
    for item in items {
        if matches!(item, Value::List(_)) {
            failure = Some(missing(item, name));
            continue;
        }
        match property(item, name, zone) {
            Ok(Value::List(inner)) => {
                has = true;
                found.extend(inner.iter().cloned());
            }
            Ok(one) => {
                has = true;
                found.push(one);
            }
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if !has => Err(error),
        _ => Ok(super::values::collected(found)),
    }
}

/// Says that a value has no such property, and which it has.
pub(super) fn missing(value: &Value, name: &str) -> Error {
    let names = property_names(value);
    let error =
        Error::new(ErrorId::PathNotFound, format!("`{}` has no property `{name}`", value.type_name())).about(name);
    if names.is_empty() {
        return error;
    }
    let near = nearest(name, names.iter().map(String::as_str));
    let more = names.len().saturating_sub(MAX_LISTED);
    let mut listed = names.iter().take(MAX_LISTED).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    if more > 0 {
        listed = format!("{listed} and {more} more");
    }
    let error = match near {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    };
    error.hint(format!("it has {listed}"))
}

/// The names of a value's properties, in order.
pub(super) fn property_names(value: &Value) -> Vec<String> {
    match value {
        Value::Object(record) => record.kind().properties.iter().map(|p| p.name.to_string()).collect(),
        Value::Map(entries) => entries.iter().map(|(key, _)| key.to_string()).collect(),
        Value::Moment(_) => super::civil::PROPERTIES.iter().map(|n| (*n).to_owned()).collect(),
        Value::Span(_) => SPAN_PROPERTIES.iter().map(|n| (*n).to_owned()).collect(),
        Value::Text(_) => vec!["Length".to_owned()],
        _ => Vec::new(),
    }
}

const SPAN_PROPERTIES: &[&str] =
    &["Days", "Hours", "Minutes", "Seconds", "TotalDays", "TotalHours", "TotalMinutes", "TotalSeconds"];

fn span_property(seconds: i64, name: &str) -> Option<Value> {
    Some(match name {
        "days" => Value::Int(seconds / 86_400),
        "hours" => Value::Int(seconds / 3600 % 24),
        "minutes" => Value::Int(seconds / 60 % 60),
        "seconds" => Value::Int(seconds % 60),
        "totaldays" => Value::Float(seconds as f64 / 86_400.0),
        "totalhours" => Value::Float(seconds as f64 / 3600.0),
        "totalminutes" => Value::Float(seconds as f64 / 60.0),
        "totalseconds" => Value::Float(seconds as f64),
        _ => return None,
    })
}

/// A method of PowerShell's that Rhai does not know under this name; `None` when there is none.
///
/// # Errors
/// `CannotConvertArgument` for arguments that do not fit.
pub(super) fn method(value: &Value, name: &str, arguments: &[Value], zone: &Zone) -> Option<Result<Value>> {
    let lower = name.to_ascii_lowercase();
    if let (Value::Moment(moment), Some(result)) = (value, moment_method(value, &lower, arguments, zone)) {
        let _ = moment;
        return Some(result);
    }
    match (lower.as_str(), arguments) {
        ("tostring", []) => return Some(Ok(Value::from(value.display(zone)))),
        ("equals", [other]) => return Some(Ok(Value::Bool(super::operators::equal(value, other, true, zone)))),
        ("gettype", []) => return Some(Ok(Value::text(value.type_name()))),
        _ => {}
    }
    match value {
        // Rhai has methods of its own under these names, with its own meaning of an argument.
        Value::Text(text) if !matches!(name, "split" | "trim" | "contains" | "replace" | "index_of" | "sub_string") => {
            text_method(text, &lower, arguments, zone).map(Ok)
        }
        Value::List(items) => match (lower.as_str(), arguments) {
            ("contains", [one]) if name != "contains" => {
                Some(Ok(Value::Bool(items.iter().any(|item| super::operators::equal(item, one, true, zone)))))
            }
            _ => None,
        },
        _ => None,
    }
}

fn moment_method(value: &Value, name: &str, arguments: &[Value], zone: &Zone) -> Option<Result<Value>> {
    let Value::Moment(moment) = value else { return None };
    let unit = match name {
        "adddays" => 86_400.0,
        "addhours" => 3600.0,
        "addminutes" => 60.0,
        "addseconds" => 1.0,
        "addmonths" | "addyears" => {
            let [count] = arguments else { return None };
            let months = if name == "addyears" { 12 } else { 1 };
            return Some(whole(count).and_then(|n| add_months(*moment, n.saturating_mul(months), zone)));
        }
        "subtract" => {
            let [other] = arguments else { return None };
            return match other {
                Value::Moment(earlier) => Some(Ok(Value::Span(moment.since(*earlier)))),
                Value::Span(seconds) => Some(Ok(Value::Moment(moment.plus_seconds(seconds.saturating_neg())))),
                other => Some(Err(crate::command::cannot_convert(other, "DateTime"))),
            };
        }
        "touniversaltime" | "tolocaltime" if arguments.is_empty() => return Some(Ok(value.clone())),
        "toshortdatestring" if arguments.is_empty() => {
            let text = moment.in_zone(zone);
            return Some(Ok(Value::text(text.split(' ').next().unwrap_or_default())));
        }
        "tostring" if arguments.len() == 1 => {
            let format = arguments[0].display(zone);
            return Civil::of(*moment, zone).map(|civil| Ok(Value::from(civil.format(&format))));
        }
        _ => return None,
    };
    let [count] = arguments else { return None };
    Some(number(count).map(|n| Value::Moment(moment.plus_seconds((n * unit).round() as i64))))
}

fn add_months(moment: Moment, months: i64, zone: &Zone) -> Result<Value> {
    let unable = || Error::new(ErrorId::InvalidDate, "the date lies outside the calendar");
    let civil = Civil::of(moment, zone).ok_or_else(unable)?;
    civil.plus_months(months).and_then(|c| c.moment(zone)).map(Value::Moment).ok_or_else(unable)
}

fn number(value: &Value) -> Result<f64> {
    match value {
        Value::Int(i) => Ok(*i as f64),
        Value::Float(f) => Ok(*f),
        Value::Text(t) => t.trim().parse().map_err(|_| crate::command::cannot_convert(value, "Double")),
        other => Err(crate::command::cannot_convert(other, "Double")),
    }
}

fn whole(value: &Value) -> Result<i64> {
    match value {
        Value::Int(i) => Ok(*i),
        other => number(other).map(|n| n as i64),
    }
}

fn text_method(text: &str, name: &str, arguments: &[Value], zone: &Zone) -> Option<Value> {
    let arg = |i: usize| arguments.get(i).map(|v| v.display(zone));
    let sizes = |i: usize| match arguments.get(i) {
        Some(Value::Int(n)) => usize::try_from(*n).ok(),
        _ => None,
    };
    Some(match (name, arguments.len()) {
        ("toupper" | "toupperinvariant", 0) => Value::from(text.to_uppercase()),
        ("tolower" | "tolowerinvariant", 0) => Value::from(text.to_lowercase()),
        ("trim", 0) => Value::text(text.trim()),
        ("trimstart", 0) => Value::text(text.trim_start()),
        ("trimend", 0) => Value::text(text.trim_end()),
        ("trim" | "trimstart" | "trimend", 1) => {
            let letters: Vec<char> = arg(0)?.chars().collect();
            Value::text(match name {
                "trim" => text.trim_matches(letters.as_slice()),
                "trimstart" => text.trim_start_matches(letters.as_slice()),
                _ => text.trim_end_matches(letters.as_slice()),
            })
        }
        ("startswith", 1) => Value::Bool(text.starts_with(&arg(0)?)),
        ("endswith", 1) => Value::Bool(text.ends_with(&arg(0)?)),
        ("contains", 1) => Value::Bool(text.contains(&arg(0)?)),
        ("replace", 2) => Value::from(text.replace(&arg(0)?, &arg(1)?)),
        ("split", 1) => {
            let letters: Vec<char> = arg(0)?.chars().collect();
            Value::list(text.split(letters.as_slice()).map(Value::text))
        }
        ("indexof", 1) => {
            let at = text.find(&arg(0)?);
            Value::Int(at.map_or(-1, |byte| text[..byte].chars().count() as i64))
        }
        ("substring", 1) => Value::from(text.chars().skip(sizes(0)?).collect::<String>()),
        ("substring", 2) => Value::from(text.chars().skip(sizes(0)?).take(sizes(1)?).collect::<String>()),
        ("padleft" | "padright", 1) => {
            let width = sizes(0)?.min(10_000);
            let fill = " ".repeat(width.saturating_sub(text.chars().count()));
            Value::from(if name == "padleft" { format!("{fill}{text}") } else { format!("{text}{fill}") })
        }
        _ => return None,
    })
}

/// The name that a misspelt one most likely means.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_ascii_lowercase();
    let limit = (wanted.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|c| (distance(&wanted, &c.to_ascii_lowercase(), limit + 1), c))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// Edit distance with exchanged neighbours as one step; `cap` and more are alike.
fn distance(a: &str, b: &str, cap: usize) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    if a.len().abs_diff(b.len()) >= cap {
        return cap;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_are_recognised() {
        let names = ["Get-CsCertificate", "Set-CsCertificate", "Thumbprint", "NotAfter"];
        assert_eq!(nearest("Get-CsCertifcate", names), Some("Get-CsCertificate"));
        assert_eq!(nearest("thumprint", names), Some("Thumbprint"));
        assert_eq!(nearest("NotAftre", names), Some("NotAfter"));
        assert_eq!(nearest("Elephant", names), None);
    }

    #[test]
    fn texts_and_dates_have_powershells_methods() {
        let zone = Zone::utc();
        let run = |value: &Value, name: &str, arguments: &[Value]| {
            method(value, name, arguments, &zone).unwrap().unwrap().display(&zone)
        };
        let text = Value::text(" a,b ");
        assert_eq!(run(&text, "ToUpper", &[]), " A,B ");
        assert_eq!(run(&text, "Trim", &[]), "a,b");
        assert_eq!(run(&text, "Split", &[Value::text(",")]), " a b ");
        assert_eq!(run(&Value::text("abc"), "Substring", &[Value::Int(1)]), "bc");
        let date = Value::Moment(Moment::parse("2026-01-31", &zone).unwrap());
        assert_eq!(run(&date, "adddays", &[Value::Int(1)]), "2/1/2026 12:00:00 AM");
        assert_eq!(run(&date, "AddMonths", &[Value::Int(1)]), "2/28/2026 12:00:00 AM");
        assert_eq!(run(&date, "ToString", &[Value::text("yyyy-MM-dd")]), "2026-01-31");
        assert!(method(&text, "split", &[], &zone).is_none());
    }

    #[test]
    fn a_list_gives_the_properties_of_its_elements() {
        let zone = Zone::utc();
        let map = |n: i64| Value::Map(std::sync::Arc::from([(std::sync::Arc::from("N"), Value::Int(n))]));
        let list = Value::list([map(1), map(2)]);
        assert_eq!(property(&list, "n", &zone).unwrap().items().len(), 2);
        assert_eq!(property(&list, "Count", &zone).unwrap().display(&zone), "2");
        let error = property(&list, "M", &zone).unwrap_err();
        assert_eq!(error.id(), ErrorId::PathNotFound);
        assert!(error.hints().iter().any(|h| h.contains("`N`")));
    }
}
