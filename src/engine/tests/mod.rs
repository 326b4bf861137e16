//! Scripts run from end to end with a few small verbs.

mod binding;
mod faults;
mod lines;
mod objects;
mod runs;
mod scopes;
mod shell;
mod streams;
mod world;
