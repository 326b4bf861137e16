//! Scripts run from end to end with a few small verbs.

mod faults;
mod lines;
mod objects;
mod runs;
mod shell;
mod world;
