//! Values and messages as JSON, the machine's view of both streams.

use std::fmt::{self, Write};

use serde_json::{Map, Number, Value as Json};

use crate::command::{Message, Stream, Value};
use crate::error::Error;
use crate::model::Zone;

use super::directive::Formatted;
use super::formatter::Formatter;
use super::text::is_harmful;

/// How deep values inside one another are written; what lies deeper becomes `null`.
const DEPTH: usize = 64;

/// How deep lists inside lists are taken apart into elements of the stream.
const LIST_DEPTH: usize = 16;

/// A value as JSON: an object's visible properties under the names that operators see, dates as
/// RFC 3339 UTC, spans as seconds, lists whole, secrets and `$null` as `null`.
pub fn to_json(value: &Value) -> Json {
    convert(value, false, DEPTH)
}

/// As [`to_json`], with the hidden properties.
pub fn to_json_whole(value: &Value) -> Json {
    convert(value, true, DEPTH)
}

/// JSON on one line; characters that could drive a terminal are written as `\uXXXX`.
pub fn json_text(json: &Json) -> String {
    let text = json.to_string();
    if !text.chars().any(is_harmful) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmful(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

fn convert(value: &Value, hidden: bool, depth: usize) -> Json {
    match value {
        Value::Null | Value::Secret(_) => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(i) | Value::Span(i) => Json::Number((*i).into()),
        Value::Float(f) => Number::from_f64(*f).map_or_else(|| Json::String(f.to_string()), Json::Number),
        Value::Text(text) => Json::String(text.to_string()),
        Value::Moment(moment) => Json::String(moment.rfc3339()),
        Value::Block(_) => Json::String(value.display(&Zone::utc())),
        Value::List(_) | Value::Map(_) | Value::Object(_) if depth == 0 => Json::Null,
        Value::List(items) => items.iter().map(|item| convert(item, hidden, depth - 1)).collect(),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|(k, v)| (k.to_string(), convert(v, hidden, depth - 1))).collect())
        }
        Value::Object(record) => {
            if let Some(formatted) = record.as_any().downcast_ref::<Formatted>() {
                return convert(&formatted.value, hidden, depth - 1);
            }
            let properties = &record.kind().properties;
            if properties.is_empty() {
                return record.text().map_or_else(|| Json::Object(Map::new()), Json::String);
            }
            let shown = properties.iter().enumerate().filter(|(_, p)| hidden || !p.hidden);
            let entries = shown.map(|(i, p)| (p.name.to_string(), convert(&record.value(i), hidden, depth - 1)));
            Json::Object(entries.collect())
        }
    }
}

/// One JSON array over a whole run, written element by element, each on its own line.
///
/// Formatted output becomes strings, one for each line of it. [`JsonArrayWriter::finish`] closes
/// the array and is to be called after an error too.
pub struct JsonArrayWriter {
    begun: bool,
    layout: Formatter,
    laid_out: bool,
}

impl JsonArrayWriter {
    /// An array that has not begun; width and zone are those of formatted text.
    pub fn new(width: usize, zone: Zone) -> Self {
        Self { begun: false, layout: Formatter::new(width, zone), laid_out: false }
    }

    /// Writes a value; the values of a list become elements of their own, `$null` none.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn push(&mut self, value: &Value, out: &mut dyn Write) -> fmt::Result {
        self.push_at(value, LIST_DEPTH, out)
    }

    /// Writes what `print` and its like write, as one string.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn text(&mut self, text: &str, out: &mut dyn Write) -> fmt::Result {
        self.end_layout(out)?;
        self.element(&Json::String(text.to_owned()), out)
    }

    /// Closes the array.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(&mut self, out: &mut dyn Write) -> fmt::Result {
        self.end_layout(out)?;
        let end = if self.begun { "\n]\n" } else { "[]\n" };
        self.begun = false;
        out.write_str(end)
    }

    fn push_at(&mut self, value: &Value, depth: usize, out: &mut dyn Write) -> fmt::Result {
        match value {
            Value::Null => Ok(()),
            Value::List(items) if depth > 0 => items.iter().try_for_each(|item| self.push_at(item, depth - 1, out)),
            Value::Object(record) if record.as_any().is::<Formatted>() => {
                let mut text = String::new();
                self.layout.push(value, &mut text)?;
                self.laid_out = true;
                self.strings(&text, out)
            }
            other => {
                self.end_layout(out)?;
                self.element(&to_json(other), out)
            }
        }
    }

    fn end_layout(&mut self, out: &mut dyn Write) -> fmt::Result {
        if !std::mem::take(&mut self.laid_out) {
            return Ok(());
        }
        let mut text = String::new();
        self.layout.finish(&mut text)?;
        self.strings(&text, out)
    }

    fn strings(&mut self, text: &str, out: &mut dyn Write) -> fmt::Result {
        text.lines().try_for_each(|line| self.element(&Json::String(line.to_owned()), out))
    }

    fn element(&mut self, json: &Json, out: &mut dyn Write) -> fmt::Result {
        out.write_str(if self.begun { ",\n" } else { "[\n" })?;
        self.begun = true;
        out.write_str(&json_text(json))
    }
}

/// A message as one JSON object on one line, without its line end; an error as [`error_json`].
pub fn message_json(message: &Message) -> String {
    if let Some(error) = &message.error {
        return error_json(error);
    }
    let mut line = Map::new();
    line.insert("stream".into(), message.stream.name().into());
    line.insert("id".into(), message.id.into());
    line.insert("message".into(), message.text.as_str().into());
    if let Some(verb) = message.verb {
        line.insert("verb".into(), verb.into());
    }
    json_text(&Json::Object(line))
}

/// An error as one JSON object on one line, without its line end; target, verb and place where known.
pub fn error_json(error: &Error) -> String {
    let mut line = Map::new();
    line.insert("stream".into(), Stream::Error.name().into());
    line.insert("id".into(), error.id().name().into());
    line.insert("fullyQualifiedErrorId".into(), error.fully_qualified_id().into());
    line.insert("category".into(), error.id().category().to_string().into());
    line.insert("message".into(), error.message().into());
    if let Some(target) = error.target() {
        line.insert("target".into(), target.into());
    }
    line.insert("hints".into(), error.hints().into());
    if let Some(verb) = error.verb() {
        line.insert("verb".into(), verb.into());
    }
    if let Some(position) = error.position() {
        line.insert("line".into(), position.line.into());
        line.insert("column".into(), position.column.into());
        if let Some(file) = &position.file {
            line.insert("file".into(), (&**file).into());
        }
    }
    json_text(&Json::Object(line))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use insta::assert_snapshot;

    use super::*;
    use crate::error::ErrorId;
    use crate::format::sample::{Bag, certificate};
    use crate::format::{Directive, Pick, Shape};
    use crate::model::{Position, Secret};

    #[test]
    fn records_have_the_operators_names() {
        assert_snapshot!(json_text(&to_json(&certificate("Default"))), @r#"{"Issuer":"CN=contoso-DC01-CA, DC=contoso, DC=net","NotAfter":"2014-05-16T14:04:04Z","NotBefore":"2012-05-16T14:04:04Z","SerialNumber":"611BB01200000000000C","Subject":"CN=pool01.contoso.net","AlternativeNames":["pool01.contoso.net","fe01.contoso.net","sip.contoso.com","webpool01.contoso.net","dialin.contoso.com"],"Thumbprint":"466D9BB0E8B928B65AF38FA2D9F41E1B301ECE9D","EffectiveDate":null,"PreviousThumbprint":null,"UpdateTime":null,"Use":"Default","SourceScope":"Local"}"#);
    }

    #[test]
    fn hidden_properties_only_when_asked_for() {
        let bag = Bag::value("K", &[("a", Value::Float(f64::NAN)), ("#b", Value::Span(90))]);
        assert_eq!(json_text(&to_json(&bag)), r#"{"a":"NaN"}"#);
        assert_eq!(json_text(&to_json_whole(&bag)), r#"{"a":"NaN","b":90}"#);
    }

    #[test]
    fn secrets_and_depth() {
        assert_eq!(to_json(&Value::Secret(Secret::from("hunter2"))), Json::Null);
        let mut deep = Value::Int(1);
        for _ in 0..1000 {
            deep = Value::list([deep]);
        }
        assert_eq!(json_text(&to_json(&deep)), format!("{}null{}", "[".repeat(DEPTH), "]".repeat(DEPTH)));
    }

    #[test]
    fn an_array_is_streamed_and_closed() {
        let mut out = String::new();
        let mut writer = JsonArrayWriter::new(80, Zone::utc());
        let use_only = Arc::new(Directive {
            shape: Shape::Table { autosize: false, wrap: false },
            properties: vec![Pick::Property("Use".into())],
            group_by: None,
        });
        writer.push(&Value::list([Value::Int(1), Value::Null, Value::text("a\u{9b}b")]), &mut out).unwrap();
        let value =
            Value::object(Formatted { value: certificate("Default"), computed: [].into(), directive: use_only });
        writer.push(&value, &mut out).unwrap();
        writer.text("said", &mut out).unwrap();
        writer.finish(&mut out).unwrap();
        assert_snapshot!(out, @r#"
        [
        1,
        "a\u009bb",
        "",
        "Use",
        "---",
        "Default",
        "",
        "said"
        ]
        "#);
        let parsed: Vec<Json> = serde_json::from_str(&out).unwrap();
        assert_eq!(parsed.len(), 8);
        let mut empty = String::new();
        JsonArrayWriter::new(80, Zone::utc()).finish(&mut empty).unwrap();
        assert_eq!(empty, "[]\n");
    }

    #[test]
    fn messages_are_lines() {
        let mut warning = Message::new(Stream::Warning, "two names\ndiffer");
        assert_snapshot!(message_json(&warning), @r#"{"stream":"warning","id":null,"message":"two names\ndiffer"}"#);
        warning.id = Some("NamesDiffer");
        warning.verb = Some("Set-CsCertificate");
        assert_snapshot!(message_json(&warning), @r#"{"stream":"warning","id":"NamesDiffer","message":"two names\ndiffer","verb":"Set-CsCertificate"}"#);
        let error = Error::new(ErrorId::InvalidThumbprint, "`00` is no thumbprint")
            .about("00")
            .in_verb("Set-CsCertificate")
            .at(Position::new(Some("a.rhai".into()), 1, 40, 2));
        assert_snapshot!(error_json(&error), @r#"{"stream":"error","id":"InvalidThumbprint","fullyQualifiedErrorId":"InvalidThumbprint,Set-CsCertificate","category":"InvalidArgument","message":"`00` is no thumbprint","target":"00","hints":["a thumbprint is 40 hexadecimal digits (SHA-1) or 64 (SHA-256): `Get-CsCertificate` shows those in use"],"verb":"Set-CsCertificate","line":1,"column":40,"file":"a.rhai"}"#);
        assert_snapshot!(error_json(&Error::new(ErrorId::Busy, "b")), @r#"{"stream":"error","id":"Busy","fullyQualifiedErrorId":"Busy","category":"ResourceBusy","message":"b","hints":[]}"#);
    }
}
