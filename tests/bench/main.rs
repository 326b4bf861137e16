//! How fast it is; `cargo bench`, or `cargo bench -- start` for one subject.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a measurement is for the eye")]

mod engine;
mod executor;
mod inventory;
mod lower;
mod start;
mod state;
mod world;

fn main() {
    if std::env::args().any(|word| word == "--bench") {
        start::tell_peak_memory();
        state::tell_rsa_overhead();
    }
    // `cargo bench -- pipelines`.
    if std::env::args().any(|word| word == "pipelines") {
        engine::tell_pipelines();
        return;
    }
    divan::main();
}
