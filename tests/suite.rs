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
    let mut wanted: Vec<String> = Vec::new();
    // A dialect has a section once the reference partner speaks it.
    let spoken: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert!(["oidc", "acme"].iter().all(|dialect| spoken.contains(dialect)), "{spoken:?}");
    for dialect in spoken {
        for (flaw, base, named) in countersign::harness::kill::tried(&suite, dialect) {
            let named: Vec<String> = named.iter().map(|case| format!("`{case}`")).collect();
            wanted.push(format!("{dialect} | `{flaw}` | {} | {} |", base.name(), named.join(", ")));
        }
    }
    wanted.sort();
    let mut told: Vec<String> = Vec::new();
    let mut dialect = "";
    for line in page.lines() {
        match line.strip_prefix("## ") {
            Some(heading) => dialect = heading,
            None if line.starts_with("| `") => {
                told.push(format!("{dialect} {}|", line.split('|').take(4).collect::<Vec<_>>().join("|")));
            }
            None => {}
        }
    }
    told.sort();
    let amiss: Vec<&String> =
        told.iter().chain(&wanted).filter(|row| !(told.contains(row) && wanted.contains(row))).collect();
    assert!(amiss.is_empty(), "{amiss:#?}");
    assert_eq!(told, wanted, "countersign kill-matrix --all --dialect NAME --format markdown writes a section anew");
}

#[test]
fn every_flaw_is_tried_on_some_dialect() {
    let suite = suite();
    let dialects = suite.vocabulary.dialects.iter();
    let tried: Vec<_> = dialects.flat_map(|dialect| countersign::harness::kill::tried(&suite, dialect)).collect();
    for flaw in countersign::reference::FLAWS {
        assert!(tried.iter().any(|(id, ..)| *id == flaw.id), "no case catches {}", flaw.id);
    }
}
