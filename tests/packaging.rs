//! The action of action.yml does what it says: its steps are run here as the runner would, with the program in the place
//! of one that it installed.

mod common;

use std::path::Path;
use std::process::Command;

use common::{PROGRAM, partner};
use tempfile::tempdir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/action.sh");

/// Runs a step in a folder that serves as workspace and as the runner's own; gives exit code and what was said.
fn step(folder: &Path, step: &str, inputs: &[(&str, &str)]) -> (i32, String) {
    let mut command = Command::new("bash");
    command.args([SCRIPT, step]).current_dir(folder).env("NO_COLOR", "1").env("GITHUB_ACTIONS", "true");
    command.env("RUNNER_TEMP", folder.join("temp")).env("GITHUB_OUTPUT", folder.join("output"));
    command.env("GITHUB_STEP_SUMMARY", folder.join("summary.md"));
    for (name, value) in [("PARTNER", "countersign.toml"), ("COMMAND", "guard"), ("ARGUMENTS", ""), ("OUT", "out")] {
        let given = inputs.iter().find(|(own, _)| *own == name).map_or(value, |(_, value)| value);
        command.env(format!("COUNTERSIGN_{name}"), given);
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code().unwrap_or(-1), said)
}

/// What a step gave the steps after it.
fn outputs(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("output")).unwrap_or_default()
}

/// The program where `install` finds it, as from the cache.
fn cached(folder: &Path) {
    let bin = folder.join("temp/countersign/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(PROGRAM, bin.join("countersign")).unwrap();
}

#[test]
fn the_action_judges_each_partner_it_is_given_and_leaves_reports_and_a_summary() {
    let folder = tempdir().unwrap();
    cached(folder.path());
    partner(&folder.path().join("a b"), "acme", &[], "");
    partner(&folder.path().join("bolt"), "bolt", &["code-replayed"], "");
    assert_eq!(step(folder.path(), "install", &[]).0, 0);
    let list = "\n  a b/countersign.toml  \nbolt/countersign.toml\n";
    let inputs = [("PARTNER", list), ("COMMAND", "run"), ("ARGUMENTS", "login/code-once\nlogin/happy")];
    let (code, said) = step(folder.path(), "judge", &inputs);
    assert_eq!(code, 1, "{said}");
    assert!(outputs(folder.path()).contains("exit-code=1"));
    for written in ["out/junit.xml", "out/acme.html", "out/bolt.html", "summary.md"] {
        assert!(folder.path().join(written).is_file(), "{written}: {said}");
    }
}

#[test]
fn an_input_of_the_action_is_never_a_command() {
    let folder = tempdir().unwrap();
    cached(folder.path());
    partner(folder.path(), "acme", &[], "");
    let hostile = "$(touch harm)\n`touch harm`\n; touch harm";
    let (code, _) = step(folder.path(), "judge", &[("ARGUMENTS", hostile)]);
    assert_ne!(code, 0);
    let (code, said) = step(folder.path(), "judge", &[("COMMAND", "serve")]);
    assert_eq!(code, 2);
    assert!(said.contains("guard or run"), "{said}");
    assert!(!folder.path().join("harm").exists());
}

#[test]
fn what_the_action_builds_is_named_by_its_content() {
    let folder = tempdir().unwrap();
    for _ in 0..2 {
        assert_eq!(step(folder.path(), "digest", &[]).0, 0);
    }
    let said = outputs(folder.path());
    let digests: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("digest=")).collect();
    assert!(digests.len() == 2 && digests[0] == digests[1] && digests[0].len() == 64, "{said}");
}

#[test]
fn the_action_and_the_image_name_only_files_and_inputs_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let action = std::fs::read_to_string(root.join("action.yml")).unwrap();
    let script = std::fs::read_to_string(SCRIPT).unwrap();
    for line in action.lines().filter(|line| line.contains("COUNTERSIGN_")) {
        let (variable, input) = line.trim().split_once(": ${{ inputs.").unwrap();
        let input = input.trim_end_matches(" }}");
        assert!(script.contains(&format!("${variable}")), "the script does not read {variable}");
        assert!(action.contains(&format!("\n  {input}:\n")), "there is no input {input}");
    }
    for step in ["digest", "install", "judge"] {
        assert!(action.contains(&format!("packaging/action.sh\" {step}'")) && script.contains(&format!("{step})")));
    }
    let image = std::fs::read_to_string(root.join("Dockerfile")).unwrap();
    let cargo = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(image.contains("--profile dist") && cargo.contains("[profile.dist]"));
    let rust = cargo.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(image.contains(&format!("FROM rust:{rust}-")), "the image builds with another Rust than {rust}");
}
