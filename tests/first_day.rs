//! The first day of a developer: in an empty folder with an example copied in, exactly the commands that README tells, one
//! after the other, up to a certificate that holds; then those by which docs/certificate.md comes to the next tier. What
//! they say must have what the pages show below them, and is kept whole in `tests/said/`.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};

use common::PROGRAM;
use common::lines::{folded, holds};
use common::said::{masked, same};
use libtest_mimic::{Arguments, Failed, Trial};

/// What README's section goes through.
const EXAMPLE: &str = "express-openid-client";
/// What its `npm ci` makes. It is taken from the example, so that no test asks a registry.
const MADE: &str = "node_modules";
/// The pages, with the language of their blocks.
const PAGES: [(&str, &str); 2] = [("README.md", "```console first-day"), ("docs/certificate.md", "```console express")];

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

/// A command, and the lines that stand below it.
type Told = (String, Vec<String>);

/// The commands of a page's blocks of one language.
fn commands(page: &str, language: &str) -> Vec<Told> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let mut all: Vec<Told> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == language;
        } else if inside {
            match line.strip_prefix("$ ") {
                Some(command) => all.push((command.to_owned(), Vec::new())),
                None => all.last_mut().expect("a command comes first").1.push(line.to_owned()),
            }
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
    let mut told = String::new();
    for (page, language) in PAGES {
        let commands = commands(page, language);
        if commands.len() < 4 {
            return Err(format!("{page} has {} such commands: the test has lost its eyes", commands.len()).into());
        }
        for (command, wanted) in &commands {
            told.push_str(&format!("$ {command}\n{}\n", said(folder.path(), command, wanted)?));
        }
    }
    let report = std::fs::read_to_string(folder.path().join("report.html"))?;
    if !report.contains("express-openid-client-example") || !report.contains("tokens/exp-missing") {
        return Err("the report says nothing of the site".into());
    }
    same("tests/said/first-day.txt", &told);
    Ok(())
}

/// What a command says, once it has said what is wanted.
fn said(folder: &Path, command: &str, wanted: &[String]) -> Result<String, Failed> {
    if command == "npm ci" {
        std::os::unix::fs::symlink(example().join(MADE), folder.join(MADE))?;
        return Ok(String::new());
    }
    let output = in_shell(folder, command)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let code = |line: &String| line.strip_prefix("[exit code ")?.strip_suffix(']')?.parse().ok();
    let code: i32 = wanted.iter().find_map(code).unwrap_or(0);
    if output.status.code() != Some(code) {
        return Err(format!("$ {command}\nends with {:?}:\n{said}", output.status.code()).into());
    }
    let mut lines = said.lines().map(folded);
    for line in wanted.iter().filter(|line| !line.starts_with("[exit code ")).map(|line| folded(line)) {
        if !lines.any(|own| holds(&own, &line)) {
            return Err(format!("$ {command}\ndoes not say (in this order): {line}\nbut\n{said}").into());
        }
    }
    Ok(steady(&masked(&said, folder)))
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

/// Without what is another in each run, or whenever the suite grows: what went over the wire, how long it took, days and
/// keys, the cases that passed or did not apply, and how many there are.
fn steady(text: &str) -> String {
    let mut out = String::new();
    let mut untested = false;
    for line in text.lines() {
        if ["  pass  ", "  not applicable "].iter().any(|mark| line.starts_with(mark)) {
            continue;
        }
        // What a certificate leaves untested grows with the suite; its last line does not.
        if line == "not tested, and why:" {
            out.push_str("not tested, and why:\n  <what the partner does not have, and the cases>\n");
            untested = true;
        } else if !line.starts_with("  ") {
            untested = false;
        }
        if untested {
            continue;
        }
        if let Some((before, _)) = line.split_once(": without it ") {
            out.push_str(&format!("{before}: without it <cases> are not tested\n"));
            continue;
        }
        let line = &dated(line);
        let counted = [" cases up to tier ", " of tier ", " warn ", " warned, ", " and "];
        let counted = counted.iter().any(|mark| line.contains(mark));
        let line = if counted { uncounted(line) } else { line.clone() };
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

/// With days and the names of keys taken out.
fn dated(line: &str) -> String {
    let name = |word: &str| match () {
        () if word.len() == 43 => "<key>",
        () if word.len() == 10 && word.split('-').map(str::len).eq([4, 2, 2]) => "<day>",
        () => "",
    };
    line.split_inclusive(' ')
        .map(|word| {
            let bare = word.trim_end_matches([' ', ',', ':', ';']);
            let own = name(bare);
            if own.is_empty() { word.to_owned() } else { word.replacen(bare, own, 1) }
        })
        .collect()
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
