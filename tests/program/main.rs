//! The program as people run it: what it says, how it ends, what it stores.

mod accessible;
mod serve;
mod snapshots;

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in a folder.
fn countersign(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("the program can be started")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_flaw_is_told_with_rule_expected_observed_exchange_and_how_to_see_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let output = countersign(folder.path(), &["run", "--flaw", "skip-nonce"]);
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for part in [
        "fail tokens/nonce-wrong",
        "oidc-core/3.1.3.7#11 (MUST)",
        "https://openid.net/specs/openid-connect-core-1_0.html",
        "expected  the probe says nobody",
        "observed  the probe says alice",
        "\"nonce\":\"not-the-nonce-that-was-sent\"",
        "rerun     countersign run --flaw skip-nonce --base oidc tokens/nonce-wrong",
    ] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    let again = countersign(folder.path(), &["run", "--flaw", "skip-nonce", "--base", "oidc", "tokens/nonce-wrong"]);
    assert_eq!(again.status.code(), Some(1), "the command that it names must show it again");
}

#[test]
fn no_secret_is_in_any_output() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = include_str!("../../examples/express-openid-client/countersign.toml");
    assert!(!manifest.contains("secret_env"), "the reference run below has a generated secret as this one has");
    let output = countersign(folder.path(), &["run", "--flaw", "secret-in-query", "--report", "json=report.json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let told = stdout(&output) + &stderr(&output) + &report;
    assert!(told.contains("<client_secret>"), "the finding shows where the secret stood: {told}");
    assert!(!told.contains("client_secret=") || told.contains("client_secret=<client_secret>"), "{told}");
}

#[test]
fn a_wrong_word_is_exit_2_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        (vec!["run", "--flaw", "skip-nonces"], "skip-nonce"),
        (vec!["run", "--partition", "1/3"], "--partition hash:1/3"),
        (vec!["run", "--report", "pdf=x"], "--report json=PATH"),
        (vec!["run", "--partner", "nowhere.toml"], "nowhere.toml"),
        (vec!["cases", "show", "tokens/nonce-wrongs"], "tokens/nonce-wrong"),
    ] {
        let output = countersign(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_dialect_that_is_not_there_blocks_the_run_which_says_that_nothing_was_run() {
    let folder = tempfile::tempdir().unwrap();
    for (name, near) in [("nope", "help: there are: acme "), ("acne", "help: did you mean `acme`?")] {
        let output = countersign(folder.path(), &["run", "--dialect", name]);
        let told = stdout(&output);
        assert_eq!(output.status.code(), Some(5), "{told}");
        assert!(told.contains(&format!("blocked: there is no dialect `{name}`")) && told.contains(near), "{told}");
        assert!(told.ends_with("reference-full: nothing was run\n"), "{told}");
    }
}

#[test]
fn whoever_has_no_manifest_is_told_whom_is_judged_instead() {
    let folder = tempfile::tempdir().unwrap();
    let says = "no countersign.toml here: judging the built-in reference partner";
    assert!(stderr(&countersign(folder.path(), &["check"])).contains(says));
    assert!(!stderr(&countersign(folder.path(), &["check", "--base", "min"])).contains(says));
}

#[test]
fn a_part_of_an_id_finds_the_cases_that_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = countersign(folder.path(), &["explain", "nonce"]);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(told.contains("one of these? ") && told.contains("tokens/nonce-wrong"), "{told}");
}

#[test]
fn a_filter_that_matches_nothing_is_exit_4() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(countersign(folder.path(), &["run", "no-such-case"]).status.code(), Some(4));
}

#[test]
fn whoever_stops_reading_gets_no_complaint() {
    use std::process::Stdio;
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["cases", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    assert!(output.status.success(), "{:?}", output.status);
}
