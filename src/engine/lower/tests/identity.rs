//! Plain Rhai comes out byte for byte.
