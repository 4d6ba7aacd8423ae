//! Stored ladders, through `insta` (ANCHORS part B, item 7). The only module that names it.

use std::path::{Path, PathBuf};

use crate::model::result::SnapshotState;

/// Sets insta's mode for the process. Call once, before any thread starts.
pub fn prepare() {
    todo!()
}

/// Compares a ladder with the stored one. Where it differs and `new_below` is given, the new text is written there as
/// `<name>/<dialect>/<case id>.snap.new`.
pub fn compare(
    root: &Path,
    partner: &str,
    dialect: &str,
    case: &str,
    ladder: &str,
    new_below: Option<&Path>,
) -> SnapshotState {
    let _ = (root, partner, dialect, case, ladder, new_below);
    todo!()
}

/// Stores a ladder.
///
/// # Errors
/// The folder cannot be written.
pub fn accept(root: &Path, partner: &str, dialect: &str, case: &str, ladder: &str) -> std::io::Result<PathBuf> {
    let _ = (root, partner, dialect, case, ladder);
    todo!()
}

/// Stored ladders of a partner and dialect that belong to none of these cases: paths below `root`.
pub fn orphans(root: &Path, partner: &str, dialect: &str, cases: &[String]) -> Vec<String> {
    let _ = (root, partner, dialect, cases);
    todo!()
}
