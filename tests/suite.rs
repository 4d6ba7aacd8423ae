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
