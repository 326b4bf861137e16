//! The `certlet` program.

fn main() -> std::process::ExitCode {
    certlet::cli::main()
}
