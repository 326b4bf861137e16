//! Records as comma-separated values.

use crate::command::Value;
use crate::model::Zone;

use super::cell::shown;

/// Turns records into CSV lines (RFC 4180); the first record's visible properties are the columns.
///
/// Every value is quoted, `$null` is nothing at all, values of a list are joined by `; `, as
/// `ConvertTo-Csv` of Windows PowerShell does for all but lists.
pub struct CsvWriter {
    delimiter: char,
    zone: Zone,
    columns: Option<Vec<String>>,
}

impl CsvWriter {
    /// A writer with a delimiter and the zone of dates.
    pub fn new(delimiter: char, zone: Zone) -> Self {
        Self { delimiter, zone, columns: None }
    }

    /// The lines for one value, without their ends: before the first one the line of headings.
    ///
    /// A quoted value may itself hold line breaks. What is neither object nor hash table is one
    /// column, `Value`.
    pub fn push(&mut self, value: &Value) -> Vec<String> {
        let mut lines = Vec::new();
        let columns = self.columns.take().unwrap_or_else(|| {
            let columns = headings(value);
            lines.push(self.joined(columns.iter().map(|c| quoted(c))));
            columns
        });
        let fields = columns.iter().map(|column| match value {
            Value::Object(_) | Value::Map(_) => value.property(column).unwrap_or_default(),
            plain => plain.clone(),
        });
        let row = self.joined(fields.map(|field| self.field(&field)));
        lines.push(row);
        self.columns = Some(columns);
        lines
    }

    fn field(&self, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::List(items) => {
                let texts: Vec<String> = items.iter().map(|item| shown(item, &self.zone)).collect();
                quoted(&texts.join("; "))
            }
            one => quoted(&shown(one, &self.zone)),
        }
    }

    fn joined(&self, fields: impl Iterator<Item = String>) -> String {
        let mut line = String::new();
        for (index, field) in fields.enumerate() {
            if index > 0 {
                line.push(self.delimiter);
            }
            line.push_str(&field);
        }
        line
    }
}

fn headings(value: &Value) -> Vec<String> {
    match value {
        Value::Object(record) => {
            record.kind().properties.iter().filter(|p| !p.hidden).map(|p| p.name.to_string()).collect()
        }
        Value::Map(entries) => entries.iter().map(|(key, _)| key.to_string()).collect(),
        _ => vec!["Value".to_owned()],
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::sample::Bag;

    #[test]
    fn quoting_follows_rfc_4180() {
        let mut csv = CsvWriter::new(',', Zone::utc());
        let names = Value::list([Value::text("a"), Value::text("b")]);
        let first = Bag::value("K", &[("x", Value::text("say \"a, b\"")), ("y", names), ("#z", Value::Int(1))]);
        assert_eq!(csv.push(&first), ["\"x\",\"y\"", "\"say \"\"a, b\"\"\",\"a; b\""]);
        let second = Bag::value("Other", &[("Y", Value::Int(7)), ("w", Value::Int(8))]);
        assert_eq!(csv.push(&second), [",\"7\""]);
        assert_eq!(CsvWriter::new(';', Zone::utc()).push(&Value::Int(3)), ["\"Value\"", "\"3\""]);
    }
}
