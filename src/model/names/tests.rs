//! The worked examples of name computation, and what holds for every query.
