//! The kill matrix as text, JSON and Markdown.

use serde_json::json;

use crate::harness::kill::{KillMatrix, KillRow};
use crate::model::result::Finding;

use super::safe;

/// One line per flaw.
pub fn line(row: &KillRow) -> String {
    let mark = if !row.killed {
        "SURVIVED"
    } else if row.missed.is_empty() {
        "killed"
    } else {
        "partly"
    };
    let by: Vec<&str> = row.named.iter().filter(|id| !row.is_missed_by(id)).map(String::as_str).collect();
    let mut out = format!("{mark:<9} {:<36} on {:<5} by {}", row.flaw, row.base.name(), by.join(", "));
    if !row.missed.is_empty() {
        let missed: Vec<String> = row.missed.iter().map(|missed| safe(&missed.to_string())).collect();
        out.push_str(&format!("; not by {}", missed.join(", ")));
    }
    if !row.also.is_empty() {
        out.push_str(&format!("; also {}", row.also.join(", ")));
    }
    out
}

/// Everything, for people.
pub fn text(matrix: &KillMatrix) -> String {
    let mut out: String = matrix.rows.iter().map(|row| line(row) + "\n").collect();
    out.push_str(&closing(matrix));
    out
}

fn closing(matrix: &KillMatrix) -> String {
    let (killed, all) = matrix.score();
    let mut out = format!("\n{killed} of {all} flaws killed\n");
    for (flaw, why) in &matrix.untried {
        out.push_str(&format!("not tried: {flaw}: {why}\n"));
    }
    for id in &matrix.idle {
        out.push_str(&format!("case or rule that kills nothing: {id}\n"));
    }
    for report in &matrix.honest {
        out.push_str(&format!(
            "honest {}: {} passed, {} warned, {} failed, {} inconclusive, {} not applicable\n",
            report.partner.name,
            report.totals.pass,
            report.totals.warn,
            report.totals.fail,
            report.totals.inconclusive,
            report.totals.not_applicable
        ));
    }
    out
}

/// Everything, for programs.
pub fn json(matrix: &KillMatrix) -> String {
    let rows: Vec<_> = matrix
        .rows
        .iter()
        .map(|row| {
            json!({
                "flaw": row.flaw,
                "base": row.base.name(),
                "killed": row.killed,
                "named": row.named,
                "missed": row.missed.iter().map(|missed| {
                    json!({ "case": missed.case, "verdict": missed.verdict, "why": missed.why })
                }).collect::<Vec<_>>(),
                "also": row.also,
                "findings": row.killed_by.iter().map(|kill| {
                    let Finding { requirement, verdict, .. } = &kill.finding;
                    json!({ "case": kill.case, "requirement": requirement, "verdict": verdict })
                }).collect::<Vec<_>>(),
            })
        })
        .collect();
    let (killed, all) = matrix.score();
    let untried: Vec<_> = matrix.untried.iter().map(|(flaw, why)| json!({ "flaw": flaw, "why": why })).collect();
    let whole = json!({ "format": 1, "dialect": matrix.dialect, "killed": killed, "flaws": all, "idle": matrix.idle, "untried": untried, "rows": rows });
    format!("{}\n", serde_json::to_string_pretty(&whole).unwrap_or_default())
}

/// Everything, for a page.
pub fn markdown(matrix: &KillMatrix) -> String {
    let mut out = String::from("| flaw | base | killed by | also fails |\n|---|---|---|---|\n");
    for row in &matrix.rows {
        let by: Vec<String> = row.named.iter().filter(|id| !row.is_missed_by(id)).map(|id| format!("`{id}`")).collect();
        let by = if row.killed { by.join(", ") } else { "**survived**".to_owned() };
        let also: Vec<String> = row.also.iter().map(|id| format!("`{id}`")).collect();
        out.push_str(&format!("| `{}` | {} | {by} | {} |\n", row.flaw, row.base.name(), also.join(", ")));
    }
    out.push_str(&closing(matrix));
    out
}
