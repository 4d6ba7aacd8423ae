//! The kill matrix: each flaw is killed by a case that names it, for a requirement that the case names, on the weakest
//! base where it shows; each case but the plain login kills one.

use std::sync::Arc;

use countersign::harness::kill::{KillRequest, kill_matrix};
use countersign::harness::suite::{Additions, Suite};

async fn every_flaw_is_killed(dialect: &str) {
    let request = KillRequest {
        suite: Arc::new(Suite::load(&Additions::default()).unwrap()),
        dialect: dialect.to_owned(),
        flaws: std::env::var("FLAW").ok().map(|flaw| vec![flaw]),
        all_cases: false,
        jobs: None,
        seed: None,
        rerun_prefix: "countersign run".to_owned(),
        today: (2026, 11, 24),
    };
    let matrix = kill_matrix(request, |_| {}).await;
    let survivors: Vec<_> = matrix.rows.iter().filter(|row| !row.killed).collect();
    assert!(survivors.is_empty(), "{survivors:#?}");
    let missed: Vec<_> =
        matrix.rows.iter().filter(|row| !row.missed.is_empty()).map(|row| (&row.flaw, row.base, &row.missed)).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(matrix.idle.is_empty(), "{:?}", matrix.idle);
    for row in &matrix.rows {
        for kill in row.killed_by.iter().filter(|kill| row.named.contains(&kill.case)) {
            let finding = &kill.finding;
            assert!(!finding.expected.is_empty() && !finding.observed.is_empty(), "{}: {finding:#?}", row.flaw);
            assert!(finding.exchange.as_ref().is_some_and(|text| !text.is_empty()), "{}: {finding:#?}", row.flaw);
            let again = format!("countersign run --flaw {} --base {} ", row.flaw, row.base.name());
            // A rule for messages is broken in any case.
            let is_case = !kill.case.starts_with("messages/");
            assert!(kill.rerun.starts_with(&again) && (!is_case || kill.rerun.ends_with(&kill.case)), "{}", kill.rerun);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flaw_is_killed_by_every_case_that_names_it_and_every_case_kills() {
    every_flaw_is_killed("oidc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_facebook_login_every_flaw_is_killed_that_shows_there_and_every_case_kills() {
    every_flaw_is_killed("facebook-login").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_facebook_connect_every_flaw_is_killed_that_shows_there_and_every_case_kills() {
    every_flaw_is_killed("facebook-connect").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_acme_every_flaw_is_killed_that_shows_there_and_every_case_kills() {
    every_flaw_is_killed("acme").await;
}
