//! The honest reference partner has no fail and no inconclusive, on any base.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign::harness::run::{RunRequest, SnapshotMode, SubjectSpec, run};
use countersign::harness::suite::{Additions, Suite};
use countersign::model::result::Report;
use countersign::model::verdict::Verdict;
use countersign::reference::Base;
use tokio::sync::mpsc::unbounded_channel;

fn request(base: Base, dialect: &str) -> RunRequest {
    RunRequest {
        suite: Arc::new(Suite::load(&Additions::default()).unwrap()),
        subject: SubjectSpec::Reference {
            base,
            flaws: BTreeSet::new(),
            oddities: BTreeSet::new(),
            dialect: dialect.to_owned(),
        },
        dialect: None,
        tier: None,
        jobs: Some(4),
        seed: None,
        filter: std::env::var("ONLY").map(|only| vec![only]).unwrap_or_default(),
        only: None,
        fail_fast: false,
        partition: None,
        snapshots: SnapshotMode::Off,
        snapshot_root: None,
        rerun_prefix: "countersign run".to_owned(),
        today: (2026, 11, 24),
        log: None,
    }
}

fn complaints(report: &Report) -> Vec<String> {
    let run_level = report.findings.iter().map(|finding| format!("{} {finding:?}", report.partner.name));
    let cases = report.cases.iter().filter(|case| case.verdict > Verdict::Pass);
    let cases = cases.map(|case| {
        format!("{} {} {} {} {:#?}", report.partner.name, case.id, case.verdict, case.reason, case.findings)
    });
    report.run.blocked.iter().cloned().chain(run_level).chain(cases).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_honest_partner_passes_on_every_base() {
    for base in Base::ALL {
        let (events, _) = unbounded_channel();
        let report = run(request(base, "oidc"), events).await;
        let complaints = complaints(&report);
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        assert!(report.totals.pass > 20, "{:?}", report.totals);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_oauth_2_dialect_plays_the_plain_login_from_data_alone() {
    let (events, _) = unbounded_channel();
    let report = run(RunRequest { filter: vec!["login/happy".to_owned()], ..request(Base::Min, "acme") }, events).await;
    assert!(complaints(&report).is_empty(), "{}", complaints(&report).join("\n"));
    assert_eq!(report.totals.pass, 1, "{report:#?}");
}
