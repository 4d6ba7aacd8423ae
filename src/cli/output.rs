//! `--report FORMAT=PATH`: where reports go, and when they are written.

use std::path::{Path, PathBuf};

use crate::model::requirement::Registry;
use crate::model::result::Report;
use crate::report::{grid, json, junit};

use super::Failure;

const HELP: &str = "json=PATH, junit=PATH or matrix=PATH; PATH may be - for standard output, and {partner} in it stands for the partner's name";

/// What stands for the partner's name in a path.
const PARTNER: &str = "{partner}";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Junit,
    Matrix,
}

#[derive(Debug, Clone)]
struct Target {
    format: Format,
    /// `None`: standard output.
    path: Option<String>,
}

impl Target {
    /// One file for each partner, or one for all of them.
    fn is_for_each(&self) -> bool {
        self.path.as_ref().is_some_and(|path| path.contains(PARTNER))
    }
}

/// The reports that are asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Targets(Vec<Target>);

impl Targets {
    /// Reads the flags. `partners`: how many there are to be judged.
    pub fn read(wanted: &[String], partners: usize) -> Result<Targets, Failure> {
        let mut targets = Vec::new();
        for wanted in wanted {
            let Some((name, path)) = wanted.split_once('=').filter(|(_, path)| !path.is_empty()) else {
                return Err(Failure::usage(format!("cannot read --report {wanted}\n  help: --report {HELP}")));
            };
            let format = match name {
                "json" => Format::Json,
                "junit" => Format::Junit,
                "matrix" => Format::Matrix,
                other => {
                    return Err(Failure::usage(format!("no report format `{other}`\n  help: --report {HELP}")));
                }
            };
            let target = Target { format, path: (path != "-").then(|| path.to_owned()) };
            if format == Format::Json && partners > 1 && !target.is_for_each() {
                return Err(Failure::usage(format!(
                    "--report {wanted} would be written once for each of {partners} partners\n  help: --report json={} (or matrix={path} for partners and cases in one file)",
                    with_name(path)
                )));
            }
            if format == Format::Matrix && target.is_for_each() {
                let help = "take {partner} out of the path";
                return Err(Failure::usage(format!("a matrix is one for all partners\n  help: {help}")));
            }
            targets.push(target);
        }
        if targets.iter().filter(|target| target.path.is_none()).count() > 1 {
            return Err(Failure::usage(
                "two reports cannot both go to standard output\n  help: give one of them a file".to_owned(),
            ));
        }
        Ok(Targets(targets))
    }

    /// Whether one goes to standard output, where nothing else may then stand.
    pub fn take_stdout(&self) -> bool {
        self.0.iter().any(|target| target.path.is_none())
    }

    /// Writes what is known as soon as one partner is judged, so that nothing is lost when the next one is trouble.
    pub fn after_one(&self, report: &Report, rules: &Registry, guarded: bool) -> Vec<String> {
        let each = self.0.iter().filter(|target| target.is_for_each());
        write(each, std::slice::from_ref(report), &[], rules, guarded)
    }

    /// Writes what speaks of all of them.
    pub fn at_the_end(&self, reports: &[Report], codes: &[u8], rules: &Registry, guarded: bool) -> Vec<String> {
        let all = self.0.iter().filter(|target| !target.is_for_each());
        write(all, reports, codes, rules, guarded)
    }
}

fn write<'a>(
    targets: impl Iterator<Item = &'a Target>,
    reports: &[Report],
    codes: &[u8],
    rules: &Registry,
    guarded: bool,
) -> Vec<String> {
    let mut troubles = Vec::new();
    for target in targets {
        let text = match target.format {
            Format::Json => reports.iter().map(json::text).collect(),
            Format::Junit => junit::text(reports, rules, guarded),
            Format::Matrix => grid::json(reports, codes),
        };
        let Some(path) = &target.path else {
            super::print(&text);
            continue;
        };
        let name = reports.first().map(|report| report.partner.name.as_str()).unwrap_or_default();
        let path = PathBuf::from(path.replace(PARTNER, name));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let written = folder.map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, &text));
        if let Err(error) = written {
            troubles.push(format!("{}: {error}\n  help: give a path that can be written to", path.display()));
        }
    }
    troubles
}

/// The path with `{partner}` in it: `out/a.json` becomes `out/a-{partner}.json`.
fn with_name(path: &str) -> String {
    let path = Path::new(path);
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = if stem == "-" { PARTNER.to_owned() } else { format!("{stem}-{PARTNER}") };
    let extension = path.extension().map_or(".json".to_owned(), |own| format!(".{}", own.to_string_lossy()));
    path.with_file_name(format!("{stem}{extension}")).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wanted: &str, partners: usize) -> Result<Targets, String> {
        Targets::read(&[wanted.to_owned()], partners).map_err(|failure| failure.text)
    }

    #[test]
    fn a_json_report_of_several_partners_needs_their_names_in_its_path() {
        assert!(read("json=out/a.json", 1).is_ok());
        assert!(read("json=out/{partner}.json", 2).is_ok());
        let said = read("json=out/a.json", 2).unwrap_err();
        assert!(said.contains("json=out/a-{partner}.json"), "{said}");
        assert!(read("json=-", 2).unwrap_err().contains("json={partner}.json"));
        assert!(read("junit=all.xml", 2).is_ok(), "JUnit has a suite for each partner");
    }

    #[test]
    fn what_cannot_be_read_names_the_formats() {
        for wanted in ["json", "json=", "pdf=a"] {
            assert!(read(wanted, 1).unwrap_err().contains("junit=PATH"), "{wanted}");
        }
        let both = ["json=-".to_owned(), "junit=-".to_owned()];
        assert!(Targets::read(&both, 1).is_err());
    }
}
