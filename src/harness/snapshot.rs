//! Stored ladders, through `insta`. The only module that names it.
//!
//! Insta is told everything by us: its own settings could otherwise come from a partner's folder and bless a failure.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::result::SnapshotState;

/// Sets insta's mode for the whole process: `write` for `accept` only. Call once, before any thread starts.
#[allow(unsafe_code)]
pub fn prepare(write: bool) {
    // Insta notes in each file where the assertion stands, relative to this root. With the working folder as root that is
    // the same text wherever the program runs. Where ladders are stored does not depend on it: those paths are absolute.
    let root = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let settings = [
        // A difference must not panic and not print: it is read from the comparator.
        ("INSTA_FORCE_PASS", "1"),
        ("INSTA_OUTPUT", "none"),
        ("INSTA_REQUIRE_FULL_MATCH", "0"),
        ("INSTA_UPDATE", if write { "always" } else { "no" }),
    ];
    for (name, value) in settings {
        // SAFETY: called by `main` before the runtime starts, so that no other thread reads the environment.
        unsafe { std::env::set_var(name, value) };
    }
    // SAFETY: as above.
    unsafe { std::env::set_var("INSTA_WORKSPACE_ROOT", root) };
}

/// What the comparator saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Witness {
    Missing,
    Same,
    Changed,
}

#[derive(Clone)]
struct Watching(Arc<Mutex<Witness>>);

impl insta::Comparator for Watching {
    fn matches(&self, reference: &insta::Snapshot, test: &insta::Snapshot) -> bool {
        let same = reference.contents() == test.contents();
        let witness = if same { Witness::Same } else { Witness::Changed };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = witness;
        same
    }

    fn dyn_clone(&self) -> Box<dyn insta::Comparator> {
        Box::new(self.clone())
    }
}

/// Compares a ladder with the stored one; where the process was prepared to write, a different one is stored.
/// Where it differs and `new_below` is given, the new text is written there as `<name>/<dialect>/<case id>.snap.new`.
pub fn compare(
    root: &Path,
    partner: &str,
    dialect: &str,
    case: &str,
    ladder: &str,
    new_below: Option<&Path>,
) -> SnapshotState {
    let state = match assert(root, partner, dialect, case, ladder) {
        Witness::Same => SnapshotState::Same,
        Witness::Changed => SnapshotState::Changed,
        Witness::Missing => SnapshotState::Missing,
    };
    if let (Some(below), true) = (new_below, state != SnapshotState::Same) {
        let path = below.join(partner).join(dialect).join(format!("{case}.snap.new"));
        let written =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, ladder));
        // The state says already that it differs; a log that cannot be written must not hide that.
        drop(written);
    }
    state
}

/// Stores a ladder. The process must have been prepared to write.
pub fn accept(root: &Path, partner: &str, dialect: &str, case: &str, ladder: &str) -> SnapshotState {
    match assert(root, partner, dialect, case, ladder) {
        Witness::Same => SnapshotState::Same,
        _ if path(root, partner, dialect, case).is_file() => SnapshotState::Written,
        _ => SnapshotState::Missing,
    }
}

fn assert(root: &Path, partner: &str, dialect: &str, case: &str, ladder: &str) -> Witness {
    let path = path(root, partner, dialect, case);
    let (Some(folder), Some(name)) = (path.parent(), path.file_stem().and_then(|stem| stem.to_str())) else {
        return Witness::Missing;
    };
    let witness = Arc::new(Mutex::new(Witness::Missing));
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_comparator(Box::new(Watching(Arc::clone(&witness))));
    settings.bind(|| insta::assert_snapshot!(name, ladder));

    *witness.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a ladder is stored. Absolute, for insta would take anything else relative to its caller's source.
fn path(root: &Path, partner: &str, dialect: &str, case: &str) -> PathBuf {
    let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    root.join(partner).join(dialect).join(format!("{case}.snap"))
}

/// Stored ladders of a partner and dialect that belong to none of these cases: paths below `root`.
pub fn orphans(root: &Path, partner: &str, dialect: &str, cases: &[String]) -> Vec<String> {
    let folder = root.join(partner).join(dialect);
    let mut orphans = Vec::new();
    let mut open = vec![folder.clone()];
    while let Some(next) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "snap") {
                let id = path.strip_prefix(&folder).unwrap_or(&path).with_extension("");
                let id = id.to_string_lossy().replace('\\', "/");
                if !cases.contains(&id) {
                    orphans.push(format!("{partner}/{dialect}/{id}.snap"));
                }
            }
        }
    }
    orphans.sort();
    orphans
}
