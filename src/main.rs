//! The `countersign` program: all of it is in [`countersign::cli`].

fn main() -> std::process::ExitCode {
    countersign::cli::main()
}
