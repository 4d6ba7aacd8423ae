//! What the program says, kept as text in files: compared with them, or written where `WRITE_SAID=1` is set.

use std::path::Path;

/// What changes from run to run, taken out: ports, random identities, times, folders.
pub fn masked(text: &str, folder: &Path) -> String {
    let mut text = text.replace(&folder.display().to_string(), "<folder>");
    if let Ok(whole) = folder.canonicalize() {
        text = text.replace(&whole.display().to_string(), "<folder>");
    }
    text = text.replace(super::PROGRAM, "<countersign>");
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        out.push_str(&masked_line(line));
    }
    out
}

/// Ports behind a host or a word, times, seeds, and long random words.
fn masked_line(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let digits = word.chars().all(|c| c.is_ascii_digit());
        let random = word.len() >= 16 && word.chars().all(|c| c.is_ascii_hexdigit());
        let is_port = digits && (4..=5).contains(&word.len()) && (out.ends_with(':') || out.ends_with("port "));
        let is_time =
            !digits && word.trim_end_matches("ms").len() < word.len() && word.starts_with(|c: char| c.is_ascii_digit());
        out.push_str(match () {
            () if is_port => "<port>",
            () if random => "<random>",
            () if is_time => "<time>",
            () if digits && (out.ends_with("seed ") || out.ends_with("--seed ")) => "<seed>",
            () => word,
        });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Compares with the file, or writes it.
pub fn same(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("WRITE_SAID").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == text, "{file} (WRITE_SAID=1 writes it anew) says\n{stored}\nand now it is\n{text}");
}
