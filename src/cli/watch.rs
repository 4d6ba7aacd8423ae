//! `run --watch`: again whenever the manifest, a case or a named path changes. The system says when; that something says
//! something else is then seen from the files themselves, so that a file that is only touched, or written anew with the
//! same text, starts nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use sha2::{Digest as _, Sha256};

use super::Failure;

/// An editor or a compiler writes several files one after the other: so long nothing must have changed any more.
const QUIET: Duration = Duration::from_millis(100);
/// Files below a watched folder, at most, and how large each may be to be read.
const MOST_FILES: usize = 5_000;
const LARGEST: u64 = 4 << 20;
/// Folders that hold what others wrote, or what is made.
const FOREIGN: [&str; 7] = ["node_modules", "target", "venv", "vendor", "__pycache__", "snapshots", "build"];

/// What the watched files say: path -> digest.
type State = BTreeMap<PathBuf, [u8; 32]>;

/// Runs, and again at each change, until the process is ended. `run` gives the exit code of one run.
///
/// # Errors
/// A path is not there, or the system watches nothing. What is wrong with a run is told, and the next change waited for.
pub(super) fn watch(paths: &[PathBuf], mut run: impl FnMut() -> Result<u8, Failure>) -> Result<u8, Failure> {
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        let help = "--watch=PATH names a file or a folder that is there";
        return Err(Failure::usage(format!("{}: there is no such file or folder\n  help: {help}", missing.display())));
    }
    let (_watcher, changed) = listen(paths)
        .map_err(|why| Failure::blocked(format!("nothing can be watched: {why}\n  help: run without --watch")))?;
    let alive = std::io::stdout().is_terminal();
    // What two runs one after the other have changed is written by the run itself.
    let (mut last_own, mut own) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let before = state_of(paths);
        if alive {
            tell!("\u{1b}[2J\u{1b}[H");
        }
        if let Err(failure) = run() {
            eprintln!("error: {}", super::output::said(&crate::report::safe(&failure.text)));
        }
        let mut after = state_of(paths);
        let during: BTreeSet<PathBuf> = differing(&before, &after).into_iter().collect();
        for path in during.intersection(&last_own).filter(|path| !own.contains(*path)) {
            eprintln!("not watched: {}, which the run itself writes", crate::report::safe(&path.display().to_string()));
        }
        own.extend(during.intersection(&last_own).cloned());
        let edited = during.iter().find(|path| !own.contains(*path)).cloned();
        last_own = during;
        let new = match edited {
            Some(path) => path,
            None => {
                eprintln!("watching {}; Ctrl-C ends it", shown(paths));
                loop {
                    wait(&changed)?;
                    let now = state_of(paths);
                    let new = differing(&after, &now).into_iter().find(|path| !own.contains(path));
                    after = now;
                    if let Some(path) = new {
                        break path;
                    }
                }
            }
        };
        eprintln!("changed: {}", crate::report::safe(&new.display().to_string()));
    }
}

fn shown(paths: &[PathBuf]) -> String {
    let all: Vec<String> = paths.iter().map(|path| crate::report::safe(&path.display().to_string())).collect();
    all.join(", ")
}

/// A word for each thing that may have changed.
fn listen(paths: &[PathBuf]) -> Result<(notify::RecommendedWatcher, Receiver<()>), String> {
    let (tell, changed) = channel();
    let heard = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access() || is_closed(event.kind)) {
            // Nobody listens any more only where the program ends.
            let _ = tell.send(());
        }
    };
    let mut watcher = notify::recommended_watcher(heard).map_err(|error| error.to_string())?;
    for path in paths {
        // The folder of a file, so that a file that is put in the place of another one is seen, too.
        let (folder, how) = match path.is_dir() {
            true => (path.as_path(), RecursiveMode::Recursive),
            false => (folder_of(path), RecursiveMode::NonRecursive),
        };
        watcher.watch(folder, how).map_err(|error| error.to_string())?;
    }
    Ok((watcher, changed))
}

/// A writer has closed the file.
fn is_closed(kind: notify::EventKind) -> bool {
    use notify::event::{AccessKind, AccessMode};
    kind == notify::EventKind::Access(AccessKind::Close(AccessMode::Write))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Until something changed and has then been quiet.
fn wait(changed: &Receiver<()>) -> Result<(), Failure> {
    let lost = || Failure::blocked("the system watches nothing any more\n  help: start it again");
    changed.recv().map_err(|_| lost())?;
    loop {
        match changed.recv_timeout(QUIET) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => return Err(lost()),
        }
    }
}

/// The paths at which two states differ, in order.
fn differing(one: &State, other: &State) -> Vec<PathBuf> {
    let all: BTreeSet<&PathBuf> = one.keys().chain(other.keys()).collect();
    all.into_iter().filter(|path| one.get(*path) != other.get(*path)).cloned().collect()
}

fn state_of(paths: &[PathBuf]) -> State {
    let mut state = State::new();
    let mut open: Vec<PathBuf> = paths.to_vec();
    while let Some(path) = open.pop() {
        if state.len() == MOST_FILES {
            break;
        }
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if !name.starts_with('.') && !FOREIGN.contains(&name.as_str()) && !entry.path().is_symlink() {
                    open.push(entry.path());
                }
            }
            continue;
        }
        let small = std::fs::metadata(&path).is_ok_and(|facts| facts.is_file() && facts.len() <= LARGEST);
        if let Some(text) = small.then(|| std::fs::read(&path).ok()).flatten() {
            state.insert(path, Sha256::digest(&text).into());
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_say_counts_and_not_that_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let paths = vec![folder.path().to_owned()];
        std::fs::write(&path, "one").unwrap();
        std::fs::create_dir(folder.path().join("node_modules")).unwrap();
        let before = state_of(&paths);
        std::fs::write(&path, "one").unwrap();
        std::fs::write(folder.path().join("node_modules/x"), "x").unwrap();
        assert_eq!(differing(&before, &state_of(&paths)), Vec::<PathBuf>::new());
        std::fs::write(&path, "two").unwrap();
        assert_eq!(differing(&before, &state_of(&paths)), std::slice::from_ref(&path));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(differing(&before, &state_of(&paths)), [path]);
    }
}
