//! Coverage as text and JSON: rule, cases, flaws.

use serde_json::json;

use crate::harness::coverage::Row;

/// Every rule for people, what is missing last.
pub fn text(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let rule = &row.requirement;
        out.push_str(&format!("{}  {}  tier {}\n    {}\n", rule.id, rule.level, row.tier, rule.summary));
        for tested in &row.cases {
            let how = if tested.own { "" } else { ", in a step" };
            out.push_str(&format!("    case      {} ({}{how})\n", tested.case, tested.tier));
        }
        if !row.flaws.is_empty() {
            out.push_str(&format!("    flaws     {}\n", row.flaws.join(", ")));
        }
        if row.watched {
            out.push_str("    watched   in every run, without a case\n");
        }
        for schema in &row.schemas {
            out.push_str(&format!("    schema    specs/{schema}.json\n"));
        }
        if let Some(why) = &rule.untestable {
            out.push_str(&format!("    untested  {why}\n"));
        }
        if row.is_contradictory() {
            out.push_str("    note      it has a case: take `untestable` out\n");
        }
        if row.is_open() {
            out.push_str("    open      nobody tests it, and nobody says why\n");
        }
        out.push('\n');
    }
    out.push_str(&closing(rows));
    out
}

fn closing(rows: &[Row]) -> String {
    let count = |holds: fn(&Row) -> bool| rows.iter().filter(|row| holds(row)).count();
    let mut out = format!(
        "{} rules: {} with cases, {} by schemas of messages, {} proved by flaws; {} watched in every run; {} untestable for a reason; {} open\n",
        rows.len(),
        count(|row| !row.cases.is_empty()),
        count(|row| !row.schemas.is_empty()),
        count(|row| !row.flaws.is_empty()),
        count(|row| row.watched),
        count(|row| row.requirement.untestable.is_some()),
        count(Row::is_open),
    );
    for row in rows.iter().filter(|row| row.is_gap()) {
        let id = &row.requirement.id;
        let file = id.split('/').next().unwrap_or_default();
        out.push_str(&format!(
            "missing: {id} is a MUST of tier basic for partners and has no case\n  help: countersign cases new AREA/NAME --requirement '{id}', or in specs/requirements/{file}.toml say why no case can test it: untestable = \"…\"; tier = \"standard\" where only a higher tier demands it\n"
        ));
    }
    out
}

/// Every rule for programs.
pub fn json(rows: &[Row]) -> String {
    let requirements: Vec<_> = rows
        .iter()
        .map(|row| {
            let cases: Vec<_> = row
                .cases
                .iter()
                .map(|tested| {
                    json!({
                        "id": tested.case,
                        "tier": tested.tier,
                        "where": if tested.own { "header" } else { "step" },
                    })
                })
                .collect();
            json!({
                "id": row.requirement.id,
                "level": row.requirement.level,
                "actor": row.requirement.actor,
                "tier": row.tier,
                "clause": row.requirement.clause,
                "summary": row.requirement.summary,
                "cases": cases,
                "flaws": row.flaws,
                "watched": row.watched,
                "schemas": row.schemas,
                "untestable": row.requirement.untestable,
                "open": row.is_open(),
                "gap": row.is_gap(),
            })
        })
        .collect();
    let gaps = rows.iter().filter(|row| row.is_gap()).count();
    let whole = json!({ "format": 1, "gaps": gaps, "requirements": requirements });
    format!("{}\n", serde_json::to_string_pretty(&whole).unwrap_or_default())
}
