//! `--report FORMAT=PATH`: where reports go, and when they are written.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::harness::suite::Suite;
use crate::model::result::Report;
use crate::report::html::{self, Courses};
use crate::report::{actions, grid, json, junit, markdown};

use super::Failure;

const HELP: &str = "json=PATH, junit=PATH, matrix=PATH, html=PATH or markdown=PATH; PATH may be - for standard output, and {partner} in it stands for the partner's name";

/// What stands for the partner's name in a path.
const PARTNER: &str = "{partner}";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Junit,
    Matrix,
    Html,
    Markdown,
}

impl Format {
    /// Whether it is JSON, in which what somebody could obey is written by its number.
    fn is_json(self) -> bool {
        matches!(self, Format::Json | Format::Matrix)
    }

    /// Whether a file of it speaks of one partner alone.
    fn is_of_one(self) -> bool {
        matches!(self, Format::Json | Format::Html)
    }
}

/// What reports are made from beside the reports.
pub(super) struct Material<'a> {
    pub suite: &'a Suite,
    /// In `guard` a missing snapshot fails too.
    pub guarded: bool,
    /// The day of the run, as people read it.
    pub day: &'a str,
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
                "html" => Format::Html,
                "markdown" => Format::Markdown,
                other => {
                    return Err(Failure::usage(format!("no report format `{other}`\n  help: --report {HELP}")));
                }
            };
            let target = Target { format, path: (path != "-").then(|| path.to_owned()) };
            if format.is_of_one() && partners > 1 && !target.is_for_each() {
                return Err(Failure::usage(format!(
                    "--report {wanted} would be written once for each of {partners} partners\n  help: --report {name}={} (or matrix={path} for partners and cases in one file)",
                    with_name(name, path)
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
    pub fn after_one(&self, report: &Report, courses: &Courses, material: &Material<'_>) -> Vec<String> {
        let each = self.0.iter().filter(|target| target.is_for_each());
        write(each, std::slice::from_ref(report), std::slice::from_ref(courses), &[], material)
    }

    /// Writes what speaks of all of them.
    pub fn at_the_end(
        &self,
        reports: &[Report],
        courses: &[Courses],
        codes: &[u8],
        material: &Material<'_>,
    ) -> Vec<String> {
        let all = self.0.iter().filter(|target| !target.is_for_each());
        write(all, reports, courses, codes, material)
    }

    /// Whether a report tells the digest of each ladder, for which it must be drawn.
    pub fn want_digests(&self) -> bool {
        self.0.iter().any(|target| target.format == Format::Json)
    }

    /// Whether a report has diagrams, for which the course of each case must be kept.
    pub fn want_courses(&self) -> bool {
        self.0.iter().any(|target| target.format == Format::Html)
    }
}

fn write<'a>(
    targets: impl Iterator<Item = &'a Target>,
    reports: &[Report],
    courses: &[Courses],
    codes: &[u8],
    material: &Material<'_>,
) -> Vec<String> {
    let Material { suite, guarded, day } = material;
    let mut troubles = Vec::new();
    for target in targets {
        let text = match target.format {
            Format::Json => reports.iter().map(json::text).collect(),
            Format::Junit => junit::text(reports, &suite.requirements, *guarded),
            Format::Matrix => json::inert(&grid::json(reports, codes)),
            Format::Html => {
                reports.iter().zip(courses).map(|(report, courses)| html::text(report, courses, suite, day)).collect()
            }
            Format::Markdown => markdown::text(reports, suite),
        };
        let Some(path) = &target.path else {
            // JSON is inert as it is, whoever reads along.
            super::print(&if target.format.is_json() { text.into() } else { said(&text) });
            continue;
        };
        let name = reports.first().map(|report| report.partner.name.as_str()).unwrap_or_default();
        let path = PathBuf::from(path.replace(PARTNER, name));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), std::fs::create_dir_all);
        let written =
            made.and_then(|()| if is_summary(&path) { append(&path, &text) } else { std::fs::write(&path, &text) });
        if let Err(error) = written {
            troubles.push(format!("{}: {error}\n  help: give a path that can be written to", path.display()));
        }
    }
    troubles
}

/// Whether it is the summary of a step in GitHub Actions, which belongs to the whole step.
fn is_summary(path: &Path) -> bool {
    std::env::var_os("GITHUB_STEP_SUMMARY").is_some_and(|summary| path == Path::new(&summary))
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::File::options().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

/// Whether GitHub Actions reads what we say.
pub(super) fn in_actions() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// A path as GitHub Actions wants it: from the root of the repository, whatever the current folder is.
pub(super) fn in_workspace(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let root = std::env::var_os("GITHUB_WORKSPACE").filter(|root| !root.is_empty());
    let inside = root.as_ref().and_then(|root| whole.strip_prefix(root).ok());
    inside.unwrap_or(path).display().to_string()
}

/// What people read, without anything that GitHub Actions would obey where it reads along.
pub(super) fn said(text: &str) -> std::borrow::Cow<'_, str> {
    if in_actions() { actions::inert(text) } else { text.into() }
}

/// The path with `{partner}` in it: `out/a.json` becomes `out/a-{partner}.json`.
fn with_name(format: &str, path: &str) -> String {
    let path = Path::new(path);
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = if stem == "-" { PARTNER.to_owned() } else { format!("{stem}-{PARTNER}") };
    let extension = path.extension().map_or(format!(".{format}"), |own| format!(".{}", own.to_string_lossy()));
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
