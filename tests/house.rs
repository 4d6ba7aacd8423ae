//! The rule of the house, as `src/lib.rs` states it: each room may use only the rooms above it, some libraries live in
//! one room alone, and no file grows beyond what can be read in one go.

use std::path::{Path, PathBuf};

/// The rooms from the top: each may use only those before it.
const ROOMS: [&str; 10] =
    ["model", "judge", "tls", "provider", "agent", "partner", "reference", "harness", "report", "cli"];

/// Libraries that are named in one place only: exchanging one of them touches that place alone.
const AT_HOME: [(&str, &[&str]); 9] = [
    ("clap", &["src/cli/"]),
    ("insta", &["src/harness/snapshot.rs"]),
    ("jsonschema", &["src/judge/schema.rs"]),
    ("scraper", &["src/agent/", "src/partner/", "src/judge/"]),
    ("aws_lc_rs", &["src/provider/mint/", "src/report/certificate/key.rs", "src/tls/"]),
    ("libc", &["src/partner/"]),
    ("rcgen", &["src/tls/"]),
    ("rustls", &["src/tls/"]),
    ("tokio_rustls", &["src/tls/"]),
];

/// More lines than this in a file, and it holds more than one concept.
const MOST_LINES: usize = 600;

/// Every source file: its path from the root of the project, and its text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = vec![root.join("src")];
    let mut all = Vec::new();
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                all.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

fn rank(room: &str) -> Option<usize> {
    ROOMS.iter().position(|own| *own == room)
}

/// The room that a file is in; `lib.rs` and `main.rs` are in none.
fn room_of(file: &str) -> Option<&str> {
    let rest = file.strip_prefix("src/")?;
    let room = rest.split('/').next()?.trim_end_matches(".rs");
    rank(room).map(|at| ROOMS[at])
}

/// What follows each occurrence of `before` in a line, up to the end of the word.
fn words_after<'a>(line: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    line.match_indices(before).map(move |(at, found)| {
        let rest = &line[at + found.len()..];
        &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
    })
}

/// The rooms that a line of code names, whether by `crate::`, `countersign::` or a chain of `super::` out of the room.
fn rooms_named<'a>(file: &str, line: &'a str) -> Vec<&'a str> {
    let code = line.split("//").next().unwrap_or_default();
    // `src/judge/mod.rs` is as deep as `src/judge.rs`: one `super::` leaves the room.
    let parts = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod").split('/').count();
    let mut named: Vec<&str> = words_after(code, "crate::").chain(words_after(code, "countersign::")).collect();
    let out = "super::".repeat(parts);
    if code.contains(&out) {
        let start = code.find(&out).unwrap_or_default() + out.len();
        named.extend(code[start..].split(|c: char| !c.is_alphanumeric() && c != '_').next());
    }
    named.retain(|word| rank(word).is_some());
    named
}

#[test]
fn each_room_uses_only_the_rooms_above_it() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (file, text) in sources() {
        let Some(own) = room_of(&file) else { continue };
        for (number, line) in text.lines().enumerate() {
            for room in rooms_named(&file, line) {
                seen += 1;
                if rank(room) > rank(own) {
                    wrong.push(format!("{file}:{}: `{own}` uses `{room}`", number + 1));
                }
            }
        }
    }
    assert!(seen > 300, "only {seen} uses were found: the test has lost its eyes");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_use_of_a_lower_room_would_be_seen() {
    assert_eq!(rooms_named("src/model/case/mod.rs", "use crate::harness::run::run;"), ["harness"]);
    assert_eq!(rooms_named("src/judge/mod.rs", "    super::cli::main();"), ["cli"]);
    assert_eq!(rooms_named("src/model/case/mod.rs", "use super::super::agent::Page;"), ["agent"]);
    assert!(rooms_named("src/judge/mod.rs", "// see crate::cli").is_empty());
}

#[test]
fn libraries_stay_at_home() {
    let mut wrong = Vec::new();
    for (library, homes) in AT_HOME {
        let mut used = false;
        for (file, text) in sources() {
            let named = text
                .lines()
                .map(|line| line.split("//").next().unwrap_or_default())
                .any(|code| code.contains(&format!("{library}::")) && !code.contains(&format!("_{library}::")));
            used |= named;
            if named && !homes.iter().any(|home| file.starts_with(home)) {
                wrong.push(format!("{file} names `{library}`, whose place is {}", homes.join(", ")));
            }
        }
        assert!(used, "nothing names `{library}`: take it out of this list");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_program_itself_ends_the_process() {
    for (file, text) in sources() {
        let exits = text.contains("process::exit") || text.contains("process::abort");
        assert!(!exits || file.starts_with("src/cli/"), "{file} ends the process");
    }
}

#[test]
fn each_file_says_its_purpose_and_can_be_read_in_one_go() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{file} has {lines} lines; {MOST_LINES} are enough"));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{file} does not say what it is for"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_sleeps() {
    for (file, text) in sources() {
        assert!(!text.contains("thread::sleep"), "{file} sleeps");
    }
}
