//! The embedded suite: every file can be read, and the reference partner plays it.

use countersign::harness::suite::{Additions, Suite};

fn suite() -> Suite {
    Suite::load(&Additions::default()).unwrap_or_else(|wrong| {
        let all: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n"))
    })
}

#[test]
fn every_embedded_file_can_be_read() {
    assert!(suite().cases.len() >= 41);
}

#[test]
fn every_requirement_that_a_case_names_is_known() {
    let suite = suite();
    for case in &suite.cases {
        assert!(suite.requirements.get(&case.requirement).is_some(), "{}", case.id);
    }
}

#[test]
fn the_kill_matrix_in_the_documentation_is_that_of_this_suite() {
    let suite = suite();
    let path = format!("{}/docs/kill-matrix.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).unwrap();
    let mut wanted: Vec<String> = countersign::reference::FLAWS
        .iter()
        .map(|flaw| {
            let named = suite.cases.iter().filter(|case| case.kills.iter().any(|own| own == flaw.id));
            let named: Vec<String> = named.map(|case| format!("`{}`", case.id)).collect();
            format!("| `{}` | {} | {} |", flaw.id, flaw.base.name(), named.join(", "))
        })
        .collect();
    wanted.sort();
    let mut told: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').take(4).collect::<Vec<_>>().join("|") + "|")
        .collect();
    told.sort();
    assert_eq!(told, wanted, "countersign kill-matrix --all --format markdown writes it anew");
}
