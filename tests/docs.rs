//! The commands of the documentation are true: each `$` line of a `console` block is run in a folder of its own, and says
//! what stands below it.
//!
//! A line below a command must be part of a line of what it says, in that order; blanks count once, `…` stands for
//! anything. The exit code must be 0, or what a line `exit code N: …` or `[exit code N]` says. A `toml` block that begins with a comment that
//! is a path is written there before the commands below it are run, and so is a block of `json` with a path behind that word.

mod common;

use std::path::Path;
use std::process::Command;

use common::lines::{folded, holds};
use common::{PROGRAM, partner};
use tempfile::tempdir;

/// The fenced blocks of a page: language and lines.
fn all_blocks(page: &str) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    let mut open: Option<(String, Vec<String>)> = None;
    for line in page.lines() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), Vec::new())),
            (Some(_), Some(_)) => all.extend(open.take()),
            (Some((_, lines)), None) => lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    all
}

/// Those of one language.
fn blocks(page: &str, language: &str) -> Vec<Vec<String>> {
    all_blocks(page).into_iter().filter(|(own, _)| own == language).map(|(_, lines)| lines).collect()
}

/// A block of `toml` whose first line is `# some/path.toml` is that file, and so is one of `json some/path.json`.
fn file_of<'b>(language: &'b str, block: &'b [String]) -> Option<&'b str> {
    let (path, kind) = match language {
        "toml" => (block.first()?.strip_prefix("# ")?, ".toml"),
        _ => (language.strip_prefix("json ")?, ".json"),
    };
    (path.ends_with(kind) && path.contains('/') && !path.contains(' ') && !path.contains("..")).then_some(path)
}

/// The commands of a block, each with what it must say.
fn commands(block: &[String]) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for line in block {
        match (line.strip_prefix("$ "), all.last_mut()) {
            (Some(command), _) => all.push((command.to_owned(), Vec::new())),
            (None, Some((_, said))) => said.push(line.clone()),
            (None, None) => panic!("output before the first command: {line}"),
        }
    }
    all
}

/// Each `{ in = … }` in the table of faults.
#[test]
fn every_fault_that_the_handbook_shows_is_one() {
    let page = include_str!("../docs/writing-cases.md");
    let (_, section) = page.split_once("### What a fault can say").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let shown: Vec<&str> = section.split('`').filter(|part| part.starts_with("{ in = ")).collect();
    assert!(shown.len() >= 11, "{shown:?}");
    let vocabulary = countersign::model::case::Vocabulary::default();
    for fault in shown {
        let read =
            countersign::model::case::fault_alone("docs/writing-cases.md", &format!("fault = {fault}\n"), &vocabulary);
        assert!(
            read.is_ok(),
            "{fault}: {:?}",
            read.map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>())
        );
    }
}

/// Each picture that a page shows is there, and none lies about that no page shows.
#[test]
fn every_picture_of_the_documentation_is_there_and_shown() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut shown = std::collections::BTreeSet::new();
    for entry in
        std::fs::read_dir(&docs).unwrap().flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(".md"))
    {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        shown.extend(
            text.split("](")
                .skip(1)
                .filter_map(|rest| rest.split(')').next())
                .filter(|own| own.ends_with(".png"))
                .map(str::to_owned),
        );
    }
    let mut there = std::collections::BTreeSet::new();
    for folder in ["", "screens/"] {
        for entry in std::fs::read_dir(docs.join(folder)).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".png") {
                assert!(entry.metadata().unwrap().len() < 150_000, "{name} is too large for a repository");
                there.insert(format!("{folder}{name}"));
            }
        }
    }
    assert_eq!(shown, there);
}

/// Runs one command; what is wrong with it.
fn trouble(folder: &Path, command: &str, expected: &[String]) -> Option<String> {
    let bin = Path::new(PROGRAM).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let code = |line: &String| {
        let bare = line.strip_prefix("[exit code ").and_then(|rest| rest.strip_suffix(']'));
        bare.or_else(|| line.strip_prefix("exit code ")?.split(':').next())?.parse().ok()
    };
    let code = expected.iter().find_map(code);
    if output.status.code() != Some(code.unwrap_or(0)) {
        return Some(format!("$ {command}\nends with {:?}:\n{said}", output.status.code()));
    }
    let mut lines = said.lines().map(folded);
    for line in
        expected.iter().map(|line| folded(line)).filter(|line| !line.is_empty() && !line.starts_with("[exit code "))
    {
        if !lines.any(|own| holds(&own, &line)) {
            return Some(format!("$ {command}\ndoes not say (in this order): {line}\nbut\n{said}"));
        }
    }
    None
}

fn run_page(name: &str, folder: &Path) {
    run_text(name, &page(name), folder);
}

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

fn run_text(name: &str, page: &str, folder: &Path) {
    let mut count = 0;
    for (language, block) in all_blocks(page) {
        if let Some(path) = file_of(&language, &block) {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, block.join("\n") + "\n").unwrap();
        }
        for (command, expected) in commands(if language == "console" { &block } else { &[] }) {
            count += 1;
            if let Some(trouble) = trouble(folder, &command, &expected) {
                panic!("docs/{name}:\n{trouble}");
            }
        }
    }
    assert!(count > 3, "docs/{name} has only {count} commands: the test has lost its eyes");
}

/// Ends what a page began, even where a command of it failed.
struct Ends<'a>(&'a Path);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.0) {
            let _ = Command::new("kill").arg(pid.trim()).output();
        }
    }
}

#[test]
fn the_commands_of_mock_provider_md_are_true() {
    let folder = tempdir().unwrap();
    let pid = folder.path().join("serve.pid");
    let _ends = Ends(&pid);
    // Somebody else may have the port that the page speaks of.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    run_text("mock-provider.md", &page("mock-provider.md").replace("9400", &port.to_string()), folder.path());
}

#[test]
fn mock_provider_md_answers_each_of_the_forty_requests() {
    let page = page("mock-provider.md");
    let rows = page.lines().filter(|line| line.starts_with("| ")).filter_map(|line| line.split('|').nth(1));
    let numbers: Vec<u32> = rows.flat_map(|cell| cell.split(',')).filter_map(|one| one.trim().parse().ok()).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<u32>>());
}

#[test]
fn a_command_that_says_something_else_or_fails_is_noticed() {
    let folder = tempdir().unwrap();
    let is_fine = |command: &str, expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
        trouble(folder.path(), command, &expected).is_none()
    };
    assert!(is_fine("echo one; echo two   three >&2", &["one", "two three"]));
    assert!(!is_fine("echo one; echo two", &["two", "one"]));
    assert!(is_fine("echo a:12:b", &["a:…:b"]));
    assert!(!is_fine("echo a:12:b", &["b…a"]));
    assert!(!is_fine("false", &[]));
    assert!(is_fine("echo 'exit code 3: x'; exit 3", &["exit code 3: x"]));
    assert!(!is_fine("echo 'exit code 3: x'", &["exit code 3: x"]));
    assert!(is_fine("exit 3", &["[exit code 3]"]) && !is_fine("exit 3", &["[exit code 2]"]));
    let page = "```console\n$ a\nb\n```\ntext\n```yaml\nx: y\n```\n";
    assert_eq!(blocks(page, "console"), [["$ a", "b"]]);
    assert_eq!(blocks(page, "yaml"), [["x: y"]]);
}

/// The partners that docs/ci.md speaks of.
fn partners(folder: &Path) {
    let stale =
        "\n[[known]]\ncase = \"login/code-once\"\nrequirement = \"rfc6749/4.1.2\"\nreason = \"once it was so\"\n";
    let partners = folder.join("partners");
    partner(&partners.join("acme"), "acme", &[], "");
    partner(&partners.join("bolt"), "bolt", &[], "");
    partner(&partners.join("bad"), "bad", &["code-replayed"], "");
    partner(&partners.join("stale"), "stale", &[], stale);
}

#[test]
fn the_commands_of_ci_md_are_true() {
    let folder = tempdir().unwrap();
    partners(folder.path());
    run_page("ci.md", folder.path());
}

#[test]
fn the_commands_of_certificate_md_are_true() {
    let folder = tempdir().unwrap();
    partner(folder.path(), "my-site", &[], "");
    run_page("certificate.md", folder.path());
}

#[test]
fn the_commands_of_the_readme_are_true() {
    let folder = tempdir().unwrap();
    partner(folder.path(), "my-site", &[], "");
    let case = "cases/tokens/nonce-wrong.toml";
    std::fs::create_dir_all(folder.path().join("cases/tokens")).unwrap();
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(case), folder.path().join(case)).unwrap();
    run_page("../README.md", folder.path());
}

#[test]
fn the_jobs_of_ci_md_run() {
    let folder = tempdir().unwrap();
    partners(folder.path());
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md")).unwrap();
    let yaml = blocks(&page, "yaml").concat();
    let jobs: Vec<&str> = yaml.iter().filter_map(|line| line.trim().strip_prefix("- run: countersign ")).collect();
    assert_eq!(jobs.len(), 2);
    let accepted =
        trouble(folder.path(), "countersign accept --partner partners/acme/countersign.toml >accepted.txt", &[]);
    assert_eq!(accepted, None);
    for shard in ["1", "2"] {
        let job = jobs[0].replace("${{ matrix.partner }}", "acme").replace("${{ matrix.shard }}", shard);
        assert!(!job.contains("${{"), "{job}");
        assert_eq!(trouble(folder.path(), &format!("countersign {job}"), &["exit code 0".to_owned()]), None);
    }
    let with_summary = format!("GITHUB_STEP_SUMMARY=summary.md; countersign {}", jobs[1]);
    assert_eq!(trouble(folder.path(), &with_summary, &["exit code 0".to_owned()]), None);
    for written in ["summary.md", "out/acme.html"] {
        assert!(folder.path().join(written).is_file(), "{written}");
    }
    // A snapshot of a case that there is no more fails one shard, and one only.
    let snaps = folder.path().join("partners/acme/snapshots/acme/oidc/login");
    std::fs::copy(snaps.join("happy.snap"), snaps.join("gone.snap")).unwrap();
    let fails = ["1", "2"].map(|shard| {
        let job = jobs[0].replace("${{ matrix.partner }}", "acme").replace("${{ matrix.shard }}", shard);
        trouble(folder.path(), &format!("countersign {job}"), &[]).is_some()
    });
    assert_eq!(fails.iter().filter(|failed| **failed).count(), 1, "{fails:?}");
}

#[test]
fn the_commands_of_dialects_md_are_true() {
    let folder = tempdir().unwrap();
    run_page("dialects.md", folder.path());
}

#[test]
fn the_commands_of_writing_cases_md_are_true() {
    let folder = tempdir().unwrap();
    run_page("writing-cases.md", folder.path());
}
