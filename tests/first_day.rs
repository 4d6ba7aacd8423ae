//! The first day of a developer: in an empty folder with an example copied in, exactly the commands that README tells, one
//! after the other. What they say must have what README shows below them, and is kept whole in `tests/said/`.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};

use common::PROGRAM;
use common::said::{masked, same};
use libtest_mimic::{Arguments, Failed, Trial};

/// What README's section goes through.
const EXAMPLE: &str = "express-openid-client";
/// What its `npm ci` makes. It is taken from the example, so that no test asks a registry.
const MADE: &str = "node_modules";
/// The language of the block in README.
const BLOCK: &str = "```console first-day";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let new_enough = "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)";
    let node = Command::new("node").args(["-e", new_enough]).stderr(Stdio::null()).status();
    let name = "the first day goes as README tells it";
    let missing = match node {
        Ok(status) if status.success() => {
            let made = example().join(MADE).join("openid-client").exists();
            (!made).then(|| format!("`npm ci` in examples/{EXAMPLE}"))
        }
        _ => Some("node".to_owned()),
    };
    let trial = match missing {
        None => Trial::test(name, first_day),
        Some(what) => Trial::test(format!("{name}, ignored: needs {what}"), first_day).with_ignored_flag(true),
    };
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(EXAMPLE)
}

/// The commands of README's block, each with the lines that stand below it.
fn commands() -> Vec<(String, Vec<String>)> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let lines = readme.lines().skip_while(|line| *line != BLOCK).skip(1).take_while(|line| *line != "```");
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines {
        match line.strip_prefix("$ ") {
            Some(command) => all.push((command.to_owned(), Vec::new())),
            None => all.last_mut().expect("a command comes first").1.push(line.to_owned()),
        }
    }
    all
}

fn first_day() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for entry in std::fs::read_dir(example())?.flatten() {
        let name = entry.file_name();
        if entry.path().is_file() && name != "countersign.toml" {
            std::fs::copy(entry.path(), folder.path().join(name))?;
        }
    }
    let commands = commands();
    if commands.len() < 4 {
        return Err(format!("README's block has {} commands: the test has lost its eyes", commands.len()).into());
    }
    let mut told = String::new();
    for (command, wanted) in &commands {
        if command == "npm ci" {
            std::os::unix::fs::symlink(example().join(MADE), folder.path().join(MADE))?;
            told.push_str("$ npm ci\n\n");
            continue;
        }
        let output = in_shell(folder.path(), command)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            return Err(format!("$ {command}\nends with {:?}:\n{said}", output.status.code()).into());
        }
        let mut lines = said.lines().map(folded);
        for line in wanted.iter().map(|line| folded(line)) {
            if !lines.any(|own| holds(&own, &line)) {
                return Err(format!("$ {command}\ndoes not say (in this order): {line}\nbut\n{said}").into());
            }
        }
        told.push_str(&format!("$ {command}\n{}\n", steady(&masked(&said, folder.path()))));
    }
    let report = std::fs::read_to_string(folder.path().join("report.html"))?;
    if !report.contains("express-openid-client-example") || !report.contains("tokens/exp-missing") {
        return Err("the report says nothing of the site".into());
    }
    same("tests/said/first-day.txt", &told);
    Ok(())
}

fn in_shell(folder: &Path, command: &str) -> std::io::Result<Output> {
    let bin = Path::new(PROGRAM).parent().unwrap_or(Path::new("."));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env_remove("GITHUB_ACTIONS")
        .stdin(Stdio::null())
        .output()
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line has the parts of another one, in order; `…` stands for anything.
fn holds(own: &str, wanted: &str) -> bool {
    let mut rest = own;
    wanted.split('…').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// Without what is another in each run, or whenever the suite grows: what went over the wire, how long it took, the cases
/// that passed or did not apply, and how many there are.
fn steady(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if ["  pass  ", "  not applicable "].iter().any(|mark| line.starts_with(mark)) {
            continue;
        }
        let counted = line.contains(" cases up to tier ") || line.contains(" of tier ") || line.contains(" warn ");
        let line = if counted { uncounted(line) } else { line.to_owned() };
        let line = line.as_str();
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        let wire = ["exchange  ", "grant_type=", "redirect_uri=", "200  {", "id_token  ", "probe GET "];
        if wire.iter().any(|mark| rest.starts_with(mark)) {
            out.push_str(&format!("{indent}<exchange>\n"));
            continue;
        }
        match line.split_once(" in ").zip(line.split_once("; seed ")) {
            Some(((before, _), _)) => out.push_str(&format!("{before} in <time>; seed <seed>\n")),
            None => out.push_str(&format!("{line}\n")),
        }
    }
    out
}

/// With numbers that stand alone taken out.
fn uncounted(line: &str) -> String {
    let words = line.split_inclusive(' ');
    words
        .map(|word| {
            let bare = word.trim_end();
            let number = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit() || c == '/');
            if number { word.replace(bare, "<n>") } else { word.to_owned() }
        })
        .collect()
}
