//! Embeds `specs/` and `cases/`, so that a binary is one versioned suite.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("run by cargo"))?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("run by cargo"))?);
    let mut table =
        String::from("/// Path below the repository's root, and text.\npub static FILES: &[(&str, &str)] = &[\n");
    for folder in ["cases", "specs"] {
        println!("cargo::rerun-if-changed={folder}");
        let mut files = Vec::new();
        gather(&root.join(folder), &mut files)?;
        files.sort();
        for file in files {
            let name = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
            let path = file.to_string_lossy();
            writeln!(table, "    ({name:?}, include_str!({path:?})),").map_err(io::Error::other)?;
        }
    }
    table.push_str("];\n");
    fs::write(out.join("suite.rs"), table)
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let kind = path.extension().and_then(|extension| extension.to_str());
        // Schemas for editors are made from the program, not read by it.
        if path.ends_with("specs/schema") {
            continue;
        }
        if path.is_dir() {
            gather(&path, files)?;
        } else if matches!(kind, Some("toml" | "json")) {
            files.push(path);
        }
    }
    Ok(())
}
