//! `completions` and `man`: what shells and `man` know of the program, made from its own arguments.

use clap::{Args, Command};
use clap_complete::Shell;

use super::Failure;

#[derive(Args, Clone)]
pub(super) struct CompletionsArgs {
    /// For which shell
    shell: Shell,
}

/// The completions of a shell, to standard output.
pub(super) fn completions(args: &CompletionsArgs, mut program: Command) -> u8 {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut program, "countersign", &mut text);
    super::print(&String::from_utf8_lossy(&text));
    0
}

#[derive(Args, Clone)]
pub(super) struct ManArgs {
    /// The page of this command; of the whole program when absent
    command: Option<String>,
}

/// A manual page in roff, to standard output.
pub(super) fn man(args: &ManArgs, mut program: Command) -> Result<u8, Failure> {
    program.build();
    let page = match &args.command {
        None => program,
        Some(name) => {
            let own = program.find_subcommand(name).cloned();
            own.ok_or_else(|| {
                Failure::usage(format!("there is no command `{name}`\n  help: countersign --help lists them"))
            })?
        }
    };
    let mut text = Vec::new();
    let made = clap_mangen::Man::new(page).render(&mut text);
    made.map_err(|error| Failure::blocked(format!("the page cannot be made: {error}")))?;
    super::print(&String::from_utf8_lossy(&text));
    Ok(0)
}
