//! Values as text: tables and lists, JSON, CSV, error reports and help; pure, nothing is printed here.

mod cell;
mod csv;
mod directive;
mod formatter;
mod json;
mod plan;
mod table;
mod text;

#[cfg(test)]
mod sample;

pub use csv::CsvWriter;
pub use directive::{Directive, Formatted, Pick, Shape, like};
pub use formatter::Formatter;
pub use json::{JsonArrayWriter, error_json, json_text, message_json, to_json, to_json_whole};
pub use text::{visible, width};
