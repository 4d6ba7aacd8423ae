//! This program beside another build of it: has a change made a run slower? `cargo bench --bench speed -- --against PATH`.
//!
//! Both play the cases of tier basic that both have and pass, by turns, so that what else the machine does falls on both.

use std::collections::BTreeSet;
use std::process::{Command, ExitCode};
use std::time::Duration;

use crate::process;

/// Runs of each program.
const ROUNDS: usize = 20;

pub fn compare(own: &str, other: &str) -> ExitCode {
    let other = &match std::fs::canonicalize(other) {
        Ok(path) => path.display().to_string(),
        Err(error) => {
            eprintln!("{other}: {error}; give the path of a built countersign");
            return ExitCode::FAILURE;
        }
    };
    let (mine, theirs) = match (passed(own), passed(other)) {
        (Ok(mine), Ok(theirs)) => (mine, theirs),
        (Err(why), _) | (_, Err(why)) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let cases: Vec<&String> = mine.intersection(&theirs).collect();
    if cases.is_empty() {
        eprintln!("{own} and {other} pass no case of tier basic that both have");
        return ExitCode::FAILURE;
    }
    let once = |program: &str| {
        let mut command = Command::new(program);
        // Elsewhere, for the ladders that lie here are those of one of the two.
        command.args(["run", "--base", "full"]).args(&cases).current_dir(std::env::temp_dir());
        let before = children();
        let (wall, _, code) = process::to_the_end(command);
        assert_eq!(code, Some(0), "{program} passed these cases a moment ago");
        (children() - before, wall)
    };
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for which in [round % 2, 1 - round % 2] {
            times[which].push(once([own, other][which]));
        }
    }
    println!("{} cases that both pass, {ROUNDS} runs of each by turns", cases.len());
    let middle = |of: usize| {
        let cpu: Duration = times[of].iter().map(|(cpu, _)| *cpu).sum();
        (cpu / ROUNDS as u32, process::median(times[of].iter().map(|(_, wall)| *wall).collect()))
    };
    let [(cpu, wall), (other_cpu, other_wall)] = [middle(0), middle(1)];
    let line = |what: &str, own: Duration, other: Duration| {
        let ratio = own.as_secs_f64() / other.as_secs_f64();
        println!(
            "{what:<20} {:>8.3} s  the other {:>8.3} s  {:>4.0} %",
            own.as_secs_f64(),
            other.as_secs_f64(),
            ratio * 100.0
        );
    };
    line("CPU time, mean", cpu, other_cpu);
    line("wall time, median", wall, other_wall);
    ExitCode::SUCCESS
}

/// The cases of tier basic that a program passes.
fn passed(program: &str) -> Result<BTreeSet<String>, String> {
    let report = std::env::temp_dir().join(format!("countersign-against-{}.json", std::process::id()));
    let ran = Command::new(program)
        .args(["run", "--tier", "basic", "--base", "full", "--report"])
        .arg(format!("json={}", report.display()))
        .current_dir(std::env::temp_dir())
        .output()
        .map_err(|error| format!("{program} cannot be started: {error}"))?;
    let text = std::fs::read(&report).map_err(|_| {
        format!("{program} wrote no report of tier basic: {}", String::from_utf8_lossy(&ran.stderr).trim())
    })?;
    let _ = std::fs::remove_file(&report);
    let report: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| format!("the report of {program} is no JSON: {error}"))?;
    let cases = report["cases"].as_array().into_iter().flatten();
    Ok(cases
        .filter(|case| case["verdict"] == "pass")
        .filter_map(|case| case["id"].as_str().map(str::to_owned))
        .collect())
}

/// The CPU time of all children that have ended, as the kernel counts it: in hundredths of a second.
fn children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in parentheses, which may hold anything, the third field comes first (proc(5)).
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
