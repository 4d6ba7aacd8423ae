//! The honest reference partner has no fail and no inconclusive, on any base; what does not apply to a base is written
//! down, so that a case that silently stops applying is seen; verdicts are the same however often and however parallel.

use std::sync::Arc;

use countersign::harness::run::{RunRequest, SubjectSpec, run};
use countersign::harness::suite::{Additions, Suite};
use countersign::model::result::Report;
use countersign::model::verdict::Verdict;
use countersign::reference::Base;
use tokio::sync::mpsc::unbounded_channel;

fn request(base: Base, dialect: &str) -> RunRequest {
    let suite = Arc::new(Suite::load(&Additions::default()).unwrap());
    RunRequest {
        jobs: Some(4),
        filter: std::env::var("ONLY").map(|only| vec![only]).unwrap_or_default(),
        ..RunRequest::new(suite, SubjectSpec::reference(base, dialect))
    }
}

/// What does not apply, and why, a line each.
fn not_applicable(report: &Report) -> String {
    let cases = report.cases.iter().filter(|case| case.verdict == Verdict::NotApplicable);
    cases.map(|case| format!("{}: {}\n", case.id, case.reason)).collect()
}

fn complaints(report: &Report) -> Vec<String> {
    let run_level = report.findings.iter().map(|finding| format!("{} {finding:?}", report.partner.name));
    let cases = report.cases.iter().filter(|case| case.verdict > Verdict::Pass);
    let cases = cases.map(|case| {
        format!("{} {} {} {} {:#?}", report.partner.name, case.id, case.verdict, case.reason, case.findings)
    });
    report.run.blocked.iter().cloned().chain(run_level).chain(cases).collect()
}

async fn passes_on_every_base(dialect: &str) {
    for base in Base::ALL {
        let (events, _) = unbounded_channel();
        let report = run(request(base, dialect), events).await;
        let complaints = complaints(&report);
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        assert!(report.totals.pass > 20, "{:?}", report.totals);
        let name = match dialect {
            "oidc" => base.name().to_owned(),
            other => format!("{other}-{}", base.name()),
        };
        let path = format!("{}/tests/not_applicable/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("WRITE_NOT_APPLICABLE").is_some() {
            std::fs::write(&path, not_applicable(&report)).unwrap();
        } else if std::env::var_os("ONLY").is_none() {
            let known = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(not_applicable(&report), known, "{name}: where this is meant, set WRITE_NOT_APPLICABLE=1");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_honest_partner_passes_on_every_base() {
    passes_on_every_base("oidc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_honest_partner_passes_on_a_plain_oauth_2_dialect_from_data_alone() {
    passes_on_every_base("acme").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_honest_partner_passes_on_facebook_login() {
    passes_on_every_base("facebook-login").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_honest_partner_passes_on_facebook_connect() {
    passes_on_every_base("facebook-connect").await;
}

/// Case by case what a run says.
fn verdicts(report: &Report) -> Vec<(String, Verdict, String)> {
    report.cases.iter().map(|case| (case.id.clone(), case.verdict, case.reason.clone())).collect()
}

async fn steady(runs: usize) {
    for base in Base::ALL {
        let mut first: Option<Vec<_>> = None;
        for number in 0..runs {
            let (events, _) = unbounded_channel();
            let jobs = Some([1, 8, 3, 16][number % 4]);
            let report = run(RunRequest { jobs, ..request(base, "oidc") }, events).await;
            assert!(complaints(&report).is_empty(), "run {number}: {}", complaints(&report).join("\n"));
            let own = verdicts(&report);
            assert_eq!(
                first.get_or_insert_with(|| own.clone()),
                &own,
                "run {number}, jobs {jobs:?}, base {}",
                base.name()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_the_same_however_parallel() {
    steady(2).await;
}

/// The long form: `cargo test --release --test honest -- --ignored`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the long form, for whoever suspects chance"]
async fn verdicts_are_the_same_twenty_times_over() {
    steady(20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_honest_partner_passes_all_the_same_and_what_tls_is_about_is_judged() {
    for base in Base::ALL {
        let filter = ["login/happy", "cookie-secure", "tls-bad-cert", "logout/", "mixup"].map(str::to_owned).to_vec();
        let (events, _) = unbounded_channel();
        let report = run(RunRequest { tls: true, filter, ..request(base, "oidc") }, events).await;
        assert!(complaints(&report).is_empty(), "{}", complaints(&report).join("\n"));
        for id in ["login/happy", "session/cookie-secure", "transport/tls-bad-cert"] {
            let case = report.cases.iter().find(|case| case.id == id).unwrap();
            assert_eq!(case.verdict, Verdict::Pass, "{id}: {}", case.reason);
        }
        assert!(report.partner.base.starts_with("https://"), "{}", report.partner.base);
    }
}
