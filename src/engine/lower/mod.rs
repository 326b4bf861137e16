//! Source-to-source lowering of command lines to Rhai.
