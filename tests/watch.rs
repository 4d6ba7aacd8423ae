//! `run --watch`: it runs again when something says something else, bears a manifest that is wrong in between, and ends
//! at Ctrl-C.

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use common::{PROGRAM, countersign, partner};

/// A run that watches, and what it says.
struct Watching {
    child: Child,
    lines: BufReader<ChildStderr>,
    told: String,
}

impl Watching {
    fn start(folder: &Path, arguments: &[&str]) -> Watching {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .current_dir(folder)
            .env("NO_COLOR", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        let id = child.id().to_string();
        // It watches for ever: whoever waits in vain must not, too.
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(60));
            let _ = Command::new("kill").arg(&id).stderr(Stdio::null()).status();
        });
        Watching { child, lines, told: String::new() }
    }

    /// Reads on until a line has this.
    fn until(&mut self, part: &str) {
        loop {
            let mut line = String::new();
            let got = self.lines.read_line(&mut line).unwrap();
            assert!(got > 0, "it ended without `{part}`:\n{}", self.told);
            self.told.push_str(&line);
            if line.contains(part) {
                return;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_changed_manifest_and_a_changed_source_run_again_and_ctrl_c_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = partner(folder.path(), "watched", &[], "");
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/app.js"), "one").unwrap();
    let mut run = Watching::start(folder.path(), &["run", "--watch=src", "login/happy"]);
    run.until("exit code 0");
    run.until("watching countersign.toml, src; Ctrl-C ends it");
    let sound = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, sound.replace("login = ", "log-in = ")).unwrap();
    run.until("changed: countersign.toml");
    run.until("error: countersign.toml:");
    run.until("watching");
    std::fs::write(&manifest, &sound).unwrap();
    run.until("changed: countersign.toml");
    run.until("exit code 0");
    run.until("watching");
    std::fs::write(folder.path().join("src/app.js"), "one").unwrap();
    std::fs::write(folder.path().join("src/app.js"), "two").unwrap();
    run.until("changed: src/app.js");
    run.until("exit code 0");
    run.until("watching");
    assert!(Command::new("kill").args(["-INT", &run.child.id().to_string()]).status().unwrap().success());
    let ended = run.child.wait().unwrap();
    assert!(!ended.success(), "{ended:?}");
}

#[test]
fn a_path_that_is_not_there_is_told_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    partner(folder.path(), "watched", &[], "");
    let said = countersign(folder.path(), &["run", "--watch=nowhere", "login/happy"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("nowhere: there is no such file or folder") && said.err.contains("help:"),
        "{}",
        said.err
    );
    let empty = tempfile::tempdir().unwrap();
    let said = countersign(empty.path(), &["run", "--watch", "login/happy"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("there is nothing to watch"), "{}", said.err);
}
