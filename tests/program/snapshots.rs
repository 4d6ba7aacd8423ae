//! Ladders: the same bytes whatever the seed and the parallelism; a change is seen; nothing that failed is ever blessed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{countersign, stderr, stdout};

/// Every file below a folder: path and bytes.
fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for path in std::fs::read_dir(&next).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

fn below(folder: &Path, base: &str, dialect: &str) -> BTreeMap<PathBuf, String> {
    tree(&folder.join("snapshots").join(format!("reference-{base}")).join(dialect))
}

fn stored(base: &str, dialect: &str) -> BTreeMap<PathBuf, String> {
    below(Path::new(env!("CARGO_MANIFEST_DIR")), base, dialect)
}

#[test]
fn five_runs_and_any_parallelism_give_the_stored_bytes() {
    let mut runs = ["1", "8", "8", "3", "1"].map(|jobs| ("oidc", "full", jobs)).to_vec();
    runs.extend([("oidc", "min", "8"), ("oidc", "oidc", "8")]);
    // A dialect whose ladders are kept cannot be left out here.
    for dialect in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/reference-full")).unwrap() {
        let name = dialect.unwrap().file_name().into_string().unwrap();
        let dialect: &'static str = name.leak();
        if dialect != "oidc" {
            runs.extend([(dialect, "full", "1"), (dialect, "full", "8"), (dialect, "min", "8")]);
        }
    }
    for (dialect, base, jobs) in runs {
        let folder = tempfile::tempdir().unwrap();
        let output = countersign(folder.path(), &["accept", "--dialect", dialect, "--base", base, "--jobs", jobs]);
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
        let made = below(folder.path(), base, dialect);
        let wanted = stored(base, dialect);
        for (path, text) in &wanted {
            assert_eq!(made.get(path), Some(text), "{dialect} {} with base {base}, --jobs {jobs}", path.display());
        }
        assert_eq!(made.len(), wanted.len(), "{dialect}, base {base}, --jobs {jobs}");
    }
}

#[test]
fn guard_sees_what_changed_what_is_missing_and_what_belongs_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let guard = |arguments: &[&str]| {
        let all = [&["guard", "--base", "min", "--log", "new"], arguments].concat();
        countersign(folder.path(), &all)
    };
    assert_eq!(guard(&["login/happy"]).status.code(), Some(3), "nothing is stored yet");
    let made = folder.path().join("new/reference-min/oidc/login/happy.snap.new");
    assert!(made.is_file(), "the new one is kept for whoever wants to look at it");
    assert_eq!(countersign(folder.path(), &["accept", "--base", "min"]).status.code(), Some(0));
    let output = guard(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let kept = folder.path().join("snapshots/reference-min/oidc/login/happy.snap");
    let text = std::fs::read_to_string(&kept).unwrap();
    std::fs::write(&kept, text.replace("302", "303")).unwrap();
    assert_eq!(guard(&[]).status.code(), Some(3), "a changed one");
    std::fs::write(&kept, &text).unwrap();
    std::fs::write(kept.with_file_name("of-nobody.snap"), &text).unwrap();
    let output = guard(&[]);
    assert_eq!(output.status.code(), Some(3), "one that belongs to no case");
    assert!(stdout(&output).contains("of-nobody"), "{}", stdout(&output));
}

#[test]
fn accepting_never_turns_a_failure_green() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["accept", "--base", "oidc", "--flaw", "skip-nonce"];
    let output = countersign(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(tree(&folder.path().join("snapshots")).is_empty(), "a partner with a flaw has no ladders");
    assert_eq!(countersign(folder.path(), &arguments).status.code(), Some(1), "nor the second time");
}
