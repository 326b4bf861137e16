//! The script engine: Rhai lives here only.

pub mod lower;
