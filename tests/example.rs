//! The example partner, whose protocol code is not ours: its run exits 0, and its README tells the truth about it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = match missing() {
        None => Trial::test("express-openid-client passes and its table is true", || compare().map_err(Failed::from)),
        Some(why) => Trial::test(format!("express-openid-client, ignored: {why}"), || Ok(())).with_ignored_flag(true),
    };
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/express-openid-client")
}

/// What is missing for this test; without Node 20 and its packages there is no partner to judge.
fn missing() -> Option<&'static str> {
    let node = Command::new("node").args(["-p", "process.versions.node.split('.')[0]"]).output();
    let said = node.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version = said.trim().parse::<u32>().unwrap_or(0);
    if version < 20 {
        return Some("needs node");
    }
    (!folder().join("node_modules/openid-client").is_dir()).then_some("needs npm ci in examples/express-openid-client")
}

fn compare() -> Result<(), String> {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["run", "--report", "json=-", "--partner"])
        .arg(folder().join("countersign.toml"))
        .output()
        .map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("exit {:?}\n{told}", output.status.code()));
    }
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}\n{told}"))?;
    let mut seen: Vec<String> = Vec::new();
    for case in report["cases"].as_array().into_iter().flatten() {
        for finding in case["findings"].as_array().into_iter().flatten() {
            let known = if finding["known"] == true { " (known)" } else { "" };
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let row = format!(
                "| {}{known} | `{}` | `{}` |",
                text(&finding["verdict"]),
                text(&case["id"]),
                text(&finding["requirement"])
            );
            if !seen.contains(&row) {
                seen.push(row);
            }
        }
    }
    let readme = std::fs::read_to_string(folder().join("README.md")).map_err(|error| error.to_string())?;
    let told: Vec<String> = readme
        .lines()
        .filter(|line| line.starts_with("| fail") || line.starts_with("| warn"))
        .map(|line| line.split('|').take(4).collect::<Vec<_>>().join("|") + "|")
        .collect();
    if seen == told {
        Ok(())
    } else {
        Err(format!("the report says\n{}\nREADME says\n{}", seen.join("\n"), told.join("\n")))
    }
}
