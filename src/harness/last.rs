//! What failed last: kept beside the manifest, in `.countersign/last/<name>/<dialect>.json`, for `--failed`.
//!
//! A run of some cases changes what is known of those cases alone, so that `--failed` can be repeated until nothing is
//! left. A failure that the manifest knows is not kept: nobody works on it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::result::{CaseResult, Report};
use crate::model::verdict::Verdict;

/// The folder beside a manifest that holds what may be thrown away.
const FOLDER: &str = ".countersign";

/// The last result of a partner in a dialect.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Last {
    /// Always 1.
    pub format: u32,
    /// Case id -> `fail` or `inconclusive`.
    pub cases: BTreeMap<String, Verdict>,
}

/// Where the last result is kept; `home` is the manifest's folder.
pub fn path(home: &Path, partner: &str, dialect: &str) -> PathBuf {
    home.join(FOLDER).join("last").join(partner).join(format!("{dialect}.json"))
}

/// The last result; `None` where there was none.
///
/// # Errors
/// The file is there and cannot be read: a sentence with advice.
pub fn read(path: &Path) -> Result<Option<Last>, String> {
    let wrong =
        |why: String| format!("{}: {why}\n  help: delete the file; the next run writes it anew", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(|error| wrong(error.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(error.to_string())),
    }
}

impl Last {
    /// The ids of what failed or was inconclusive.
    pub fn ids(&self) -> BTreeSet<String> {
        self.cases.keys().cloned().collect()
    }

    /// Takes over what a run has decided.
    pub fn learn(&mut self, report: &Report) {
        self.format = 1;
        for case in &report.cases {
            if is_open(case) {
                self.cases.insert(case.id.clone(), case.verdict);
            } else {
                self.cases.remove(&case.id);
            }
        }
    }
}

fn is_open(case: &CaseResult) -> bool {
    let failures = || case.findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
    match case.verdict {
        Verdict::Inconclusive => true,
        Verdict::Fail => failures().count() == 0 || failures().any(|finding| !finding.known),
        _ => false,
    }
}

/// Writes down what a run has decided. The folder says itself that it does not belong into version control.
///
/// # Errors
/// The file cannot be written.
pub fn keep(path: &Path, report: &Report) -> io::Result<()> {
    // What cannot be read any more is replaced: it is only a convenience.
    let mut last = read(path).ok().flatten().unwrap_or_default();
    last.learn(report);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if let Some(root) = path.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == FOLDER)) {
        let ignore = root.join(".gitignore");
        if !ignore.exists() {
            std::fs::write(ignore, "*\n")?;
        }
    }
    let text = serde_json::to_string_pretty(&last).map_err(io::Error::other)? + "\n";
    // Shards that end together must not leave half a file.
    let half = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&half, text)?;
    std::fs::rename(&half, path)
}
