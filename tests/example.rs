//! The example partners, whose protocol code is not ours: each run exits 0, and each README tells the truth about it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use countersign::model::manifest::typed;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// One folder of `examples/` and what must be there before it can be judged.
struct Example {
    folder: &'static str,
    /// What runs it, as in "ignored: needs node".
    needs: &'static str,
    /// Asks whether that is here and new enough: it exits 0.
    here: &'static [&'static str],
    /// What the manifest's `setup` makes.
    made: &'static str,
    /// Its runtime trusts the authority of a run by what it is given anyway, so it passes with `--tls`, too.
    over_https: bool,
    /// Another dialect on which it is judged as well: its table stands under a heading of that name.
    also: Option<&'static str>,
}

/// Asks for Node 20 and some Chromium.
const NODE_AND_CHROMIUM: [&str; 3] = [
    "sh",
    "-c",
    "[ \"$(node -p 'process.versions.node.split(`.`)[0]')\" -ge 20 ] && { [ -n \"$CHROMIUM\" ] || command -v chromium || command -v chromium-browser || command -v google-chrome; }",
];

const EXAMPLES: [Example; 6] = [
    Example {
        folder: "axum-openidconnect",
        needs: "cargo",
        here: &["cargo", "--version"],
        made: "target/release/axum-openidconnect-example",
        over_https: true,
        also: None,
    },
    Example {
        folder: "express-openid-client",
        needs: "node",
        here: &["node", "-e", "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)"],
        made: "node_modules/openid-client",
        over_https: true,
        also: None,
    },
    Example {
        folder: "facebook-sdk",
        needs: "node and chromium",
        here: &NODE_AND_CHROMIUM,
        made: "server.mjs",
        over_https: false,
        also: None,
    },
    Example {
        folder: "flask-authlib",
        needs: "python",
        here: &["python3", "-c", "import sys; sys.exit(sys.version_info < (3, 10))"],
        made: ".venv/bin/waitress-serve",
        over_https: true,
        also: None,
    },
    Example {
        folder: "passport-facebook",
        needs: "node",
        here: &["node", "-e", "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)"],
        made: "node_modules/passport-facebook",
        over_https: false,
        also: Some("facebook-connect"),
    },
    Example {
        folder: "single-page",
        needs: "node and chromium",
        here: &NODE_AND_CHROMIUM,
        made: "server.mjs",
        over_https: false,
        also: None,
    },
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = EXAMPLES.iter().map(|example| example.trial(false, None)).collect();
    trials.extend(EXAMPLES.iter().filter(|example| example.over_https).map(|example| example.trial(true, None)));
    trials.extend(EXAMPLES.iter().filter_map(|example| example.also.map(|also| example.trial(false, Some(also)))));
    trials.push(believes_the_profile());
    trials.push(Trial::test("no example is left out", || nothing_left_out().map_err(Failed::from)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn nothing_left_out() -> Result<(), String> {
    let entries = std::fs::read_dir(examples()).map_err(|error| error.to_string())?;
    let mut found: Vec<String> = entries
        .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    let listed: Vec<&str> = EXAMPLES.iter().map(|example| example.folder).collect();
    if found == listed { Ok(()) } else { Err(format!("examples/ has {found:?}, this test knows {listed:?}")) }
}

/// The partner of the JavaScript SDK, had it forgotten to ask to whom a token was given.
fn believes_the_profile() -> Trial {
    let name = "examples/facebook-sdk without debug_token lets in whoever has a token of another app";
    let example = EXAMPLES.iter().find(|example| example.folder == "facebook-sdk");
    match example.map(|example| (example.folder(), example.missing())) {
        Some((folder, None)) => Trial::test(name, move || without_debug_token(&folder).map_err(Failed::from)),
        _ => Trial::test(format!("{name}, ignored: needs node and chromium"), || Ok(())).with_ignored_flag(true),
    }
}

fn without_debug_token(folder: &Path) -> Result<(), String> {
    let copy = tempfile::tempdir().map_err(|error| error.to_string())?;
    for name in ["index.html", "app.js", "server.mjs", "countersign.toml"] {
        let text = std::fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
        let text = match text.split_once("  const { data } = await graph('debug_token'") {
            Some((before, rest)) => {
                let (_, after) = rest.split_once("  return { sub: profile.id").ok_or("the server looks otherwise")?;
                let profile = "  const profile = await graph('me', { fields: 'id,name,email', access_token: token })\n";
                format!("{before}{profile}  return {{ sub: profile.id{after}")
            }
            None => text,
        };
        std::fs::write(copy.path().join(name), text).map_err(|error| error.to_string())?;
    }
    let run = |filter: &str| {
        Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["run", "--report", "json=-", "--partner", "countersign.toml", filter])
            .current_dir(copy.path())
            .output()
            .map_err(|error| error.to_string())
    };
    let output = run("tokens/access-token-injection")?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let fails = told.contains("rfc6749/10.16") && told.contains("\"verdict\": \"fail\"");
    if output.status.code() == Some(1) && fails { Ok(()) } else { Err(format!("{:?}\n{told}", output.status.code())) }
}

impl Example {
    fn trial(&'static self, tls: bool, dialect: Option<&'static str>) -> Trial {
        let how = dialect.map(|dialect| format!(" on {dialect}"));
        let how = if tls { " over https".to_owned() } else { how.unwrap_or_default() };
        let name = format!("examples/{}{how}", self.folder);
        match self.missing() {
            None => Trial::test(format!("{name} passes and its table is true"), move || {
                self.compare(tls, dialect).map_err(Failed::from)
            }),
            Some(why) => Trial::test(format!("{name}, ignored: needs {why}"), || Ok(())).with_ignored_flag(true),
        }
    }

    fn folder(&self) -> PathBuf {
        examples().join(self.folder)
    }

    /// What is missing; without it there is no partner to judge.
    fn missing(&self) -> Option<String> {
        let asked = Command::new(self.here[0]).args(&self.here[1..]).output();
        if !asked.is_ok_and(|output| output.status.success()) {
            return Some(self.needs.to_owned());
        }
        (!self.folder().join(self.made).exists()).then(|| format!("`{}` in its folder", self.setup()))
    }

    /// The command that the manifest names for this.
    fn setup(&self) -> String {
        let text = std::fs::read_to_string(self.folder().join("countersign.toml")).unwrap_or_default();
        let manifest: toml::Table = toml::from_str(&text).unwrap_or_default();
        let words = manifest.get("start").and_then(|start| start.get("setup")).and_then(toml::Value::as_array);
        typed(&words.into_iter().flatten().filter_map(toml::Value::as_str).collect::<Vec<_>>())
    }

    /// What the README says of one dialect.
    fn part<'t>(&self, readme: &'t str, dialect: Option<&str>) -> Result<&'t str, String> {
        let Some(also) = self.also else { return Ok(readme) };
        let heading = format!("\n## {also}\n");
        let parts = readme.split_once(&heading).ok_or_else(|| format!("README has no heading {}", heading.trim()))?;
        Ok(if dialect.is_some() { parts.1 } else { parts.0 })
    }

    fn compare(&self, tls: bool, dialect: Option<&str>) -> Result<(), String> {
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["run", "--report", "json=-"])
            .args(tls.then_some("--tls"))
            .args(dialect.into_iter().flat_map(|dialect| ["--dialect", dialect]))
            .arg("--partner")
            .arg(self.folder().join("countersign.toml"))
            .output()
            .map_err(|error| error.to_string())?;
        let told = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("exit {:?}\n{told}", output.status.code()));
        }
        let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}\n{told}"))?;
        let seen = rows_of_the_report(&report);
        let readme = std::fs::read_to_string(self.folder().join("README.md")).map_err(|error| error.to_string())?;
        let told = rows_of_the_table(self.part(&readme, dialect)?)?;
        if seen == told {
            Ok(())
        } else {
            Err(format!("the report says\n{}\nREADME says\n{}", seen.join("\n"), told.join("\n")))
        }
    }
}

/// Verdict, case and requirement of each finding, as the table writes them.
fn rows_of_the_report(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut rows: Vec<String> = Vec::new();
    let mut add = |finding: &Value, case: &str| {
        let known = if finding["known"] == true { " (known)" } else { "" };
        let (verdict, requirement) = (text(&finding["verdict"]), text(&finding["requirement"]));
        let row = format!("| {verdict}{known} | `{case}` | `{requirement}` |");
        if !rows.contains(&row) {
            rows.push(row);
        }
    };
    for case in all(&report["cases"]) {
        for finding in all(&case["findings"]) {
            add(&finding, &text(&case["id"]));
        }
    }
    // What was seen of the run as a whole belongs to no case.
    for finding in all(&report["findings"]) {
        add(&finding, "the run");
    }
    rows
}

/// The same three cells of the README's table, whose other three must not be empty.
fn rows_of_the_table(readme: &str) -> Result<Vec<String>, String> {
    let mut rows = Vec::new();
    for line in readme.lines().filter(|line| line.starts_with("| fail") || line.starts_with("| warn")) {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        if cells.len() != 6 || cells.iter().any(|cell| cell.is_empty()) {
            return Err(format!("this row does not have its six cells: {line}"));
        }
        rows.push(format!("| {} |", cells[..3].join(" | ")));
    }
    Ok(rows)
}
