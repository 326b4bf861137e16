//! Values as text: tables and lists, JSON, CSV, error reports and help; pure, nothing is printed here.

mod cell;
mod csv;
mod diagnostic;
mod directive;
mod formatter;
mod help;
mod help_outputs;
mod help_parameter;
mod json;
mod message;
mod plan;
mod snippet;
mod table;
mod text;

#[cfg(test)]
mod sample;

pub use csv::CsvWriter;
pub use diagnostic::{ErrorView, Frame, SourceText, render_error};
pub use directive::{Directive, Formatted, Pick, Shape, like};
pub use formatter::Formatter;
pub use help::{HelpView, render_help, syntax};
pub use help_parameter::render_parameters;
pub use json::{JsonArrayWriter, error_json, json_text, message_json, to_json, to_json_whole};
pub use message::render_message;
pub use text::{visible, width};
