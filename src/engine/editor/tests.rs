//! The decisions of the editor, as plain functions of a text.
