//! The command line: one file per command. The only place that knows arguments, and that decides how a process ends.

/// As `print!`, but that nobody reads standard output any more is no trouble of ours.
macro_rules! tell {
    ($($part:tt)*) => { $crate::cli::print(&format!($($part)*)) };
}

/// As `println!`, in the same way.
macro_rules! say {
    ($($part:tt)*) => { $crate::cli::print(&(format!($($part)*) + "\n")) };
}

mod cases;
mod certify;
mod check;
mod explain;
mod init;
mod kill;
mod output;
mod run;
mod serve;
mod shell;
mod subject;
mod suite;
mod trusted;
mod verify;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// A failure before anything could be judged: a sentence with advice, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub text: String,
    pub code: u8,
}

impl Failure {
    /// A wrong argument or file: exit code 2.
    pub fn usage(text: impl Into<String>) -> Self {
        Failure { text: text.into(), code: 2 }
    }

    /// The environment is to blame: exit code 5.
    pub fn blocked(text: impl Into<String>) -> Self {
        Failure { text: text.into(), code: 5 }
    }
}

const EXIT_CODES: &str = "Exit codes, the first that applies:
  2  wrong arguments or a bad file (a known failure that is not true any more, too)
  5  blocked: the partner or an address is not there
  1  a requirement failed
  6  nothing failed, but about something nothing can be said
  3  only snapshots changed
  4  no case matched
  0  nothing failed (warnings and known failures included)";

/// Proves that a site's \"Log in with X\" really works: plays the identity provider and the person with the browser.
#[derive(Parser)]
#[command(name = "countersign", version, about, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Drive, judge, report (the default). Compares snapshots where they exist, writes none.
    #[command(after_help = EXIT_CODES)]
    Run(Box<run::RunArgs>),
    /// Look at a project and write its manifest, from a template for the framework that is found.
    Init(init::InitArgs),
    /// The smoke check alone, with advice: is the manifest true, and does a plain login work?
    Check(check::CheckArgs),
    /// As run; a changed, missing or orphaned snapshot fails too.
    #[command(after_help = EXIT_CODES)]
    Guard(Box<run::RunArgs>),
    /// As run, and writes the snapshots of everything that did not fail.
    #[command(after_help = EXIT_CODES)]
    Accept(Box<run::RunArgs>),
    /// Judge a partner by every case of a tier, from a clean start, and sign a certificate of it.
    #[command(after_help = EXIT_CODES)]
    Certify(Box<certify::CertifyArgs>),
    /// Check a certificate: its signature, its suite, whether it is complete and still good.
    Verify(verify::VerifyArgs),
    /// The mock provider alone, for people and other test suites.
    Serve(serve::ServeArgs),
    /// The reference partner alone, with whatever flaws.
    Partner(serve::PartnerArgs),
    /// Every flaw of the reference partner against the cases that name it.
    KillMatrix(kill::KillArgs),
    /// The author's desk: list, show, lint and try cases.
    Cases(cases::CasesArgs),
    /// A case in words, what to do where it fails, and how to play it.
    Explain(explain::ExplainArgs),
    /// Completions for a shell, to standard output.
    Completions(shell::CompletionsArgs),
    /// A manual page, to standard output: of the program, or of one command.
    Man(shell::ManArgs),
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => run::run(&cli.run, run::Mode::Run),
        Some(Command::Run(args)) => run::run(&args, run::Mode::Run),
        Some(Command::Guard(args)) => run::run(&args, run::Mode::Guard),
        Some(Command::Accept(args)) => run::run(&args, run::Mode::Accept),
        Some(Command::Certify(args)) => certify::certify(&args),
        Some(Command::Verify(args)) => verify::verify(&args),
        Some(Command::Init(args)) => init::init(&args),
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Serve(args)) => serve::serve(&args),
        Some(Command::Partner(args)) => serve::partner(&args),
        Some(Command::KillMatrix(args)) => kill::kill_matrix(&args),
        Some(Command::Cases(args)) => cases::cases(&args),
        Some(Command::Explain(args)) => explain::explain(&args),
        Some(Command::Completions(args)) => Ok(shell::completions(&args, Cli::command())),
        Some(Command::Man(args)) => shell::man(&args, Cli::command()),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("error: {}", output::said(&crate::report::safe(&failure.text)));
            ExitCode::from(failure.code)
        }
    }
}

/// To standard output; that nobody reads it any more is no trouble of ours.
fn print(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// A runtime with a thread per core.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::blocked(format!("no threads can be started: {error}")))
}

/// Whether standard error may be coloured.
fn style(stream: &impl std::io::IsTerminal) -> crate::report::Style {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    crate::report::Style { colour: wanted && stream.is_terminal() }
}
