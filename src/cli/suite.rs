//! Arguments that add to the embedded suite.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::harness::suite::{Additions, Suite};
use crate::model::diagnostic::Diagnostic;

use super::Failure;

#[derive(Args, Clone, Default)]
pub(super) struct SuiteArgs {
    /// Add rules, dialects and schemas from a folder like `specs/`
    #[arg(long, value_name = "DIR")]
    specs: Vec<PathBuf>,
    /// Add cases from a folder like `cases/`
    #[arg(long, value_name = "DIR")]
    cases: Vec<PathBuf>,
    /// What is added replaces what has the same name, instead of being an error
    #[arg(long)]
    replace: bool,
}

impl SuiteArgs {
    pub fn load(&self) -> Result<Arc<Suite>, Failure> {
        Suite::load(&self.additions()).map(Arc::new).map_err(|wrong| Failure::usage(shown(&wrong)))
    }

    /// The dialects alone.
    pub fn load_dialects(&self) -> Result<Suite, Failure> {
        Suite::load_dialects(&self.additions()).map_err(|wrong| Failure::usage(shown(&wrong)))
    }

    fn additions(&self) -> Additions {
        Additions { specs: self.specs.clone(), cases: self.cases.clone(), replace: self.replace }
    }
}

impl SuiteArgs {
    /// The folders that are added.
    pub fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        self.specs.iter().chain(&self.cases)
    }

    /// The same arguments as words, for a command that is to be typed.
    pub fn words(&self) -> Vec<String> {
        let folders = [("--specs", &self.specs), ("--cases", &self.cases)];
        let mut words: Vec<String> = folders
            .into_iter()
            .flat_map(|(flag, folders)| folders.iter().map(move |folder| format!("{flag} {}", folder.display())))
            .collect();
        words.extend(self.replace.then(|| "--replace".to_owned()));
        words
    }
}

/// Diagnostics, one after the other, and how many.
pub(super) fn shown(wrong: &[Diagnostic]) -> String {
    let mut all: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    if wrong.len() > 1 {
        all.push(format!("{} things are wrong", wrong.len()));
    }
    all.join("\n\n")
}
