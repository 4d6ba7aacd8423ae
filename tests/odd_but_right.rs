//! Odd habits of sound partners: each passes the tier `basic` without a fail and without an inconclusive. What fails
//! here is the harness, which cried wolf.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign::harness::run::{RunRequest, SubjectSpec, run};
use countersign::harness::suite::{Additions, Suite};
use countersign::model::result::{Finding, Report};
use countersign::model::verdict::{Tier, Verdict};
use countersign::reference::{Base, FLAWS, ODDITIES, Switch};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;

/// The one habit that is a finding, and nothing beyond it.
const EXITS: &str = "exits-on-odd-userinfo";
const STAYS_UP: &str = "partner/resilience#stays-up";

async fn judged(suite: Arc<Suite>, oddity: Switch) -> (Switch, Report) {
    let subject = SubjectSpec::Reference {
        base: oddity.base,
        flaws: BTreeSet::new(),
        oddities: BTreeSet::from([oddity.id.to_owned()]),
        dialect: "oidc".to_owned(),
    };
    let request = RunRequest {
        tier: Some(Tier::Basic),
        // A partner that takes 300 ms for every answer is busy for a minute otherwise.
        jobs: Some(if oddity.id == "answers-slowly" { 32 } else { 4 }),
        ..RunRequest::new(suite, subject)
    };
    let (events, _nobody_listens) = unbounded_channel();
    (oddity, run(request, events).await)
}

/// What a report holds against a partner.
fn complaints(oddity: Switch, report: &Report) -> Vec<String> {
    let excused = |finding: &Finding| oddity.id == EXITS && finding.requirement == STAYS_UP;
    let mut all: Vec<String> = report.run.blocked.iter().cloned().collect();
    let own = report.cases.iter().filter(|case| case.verdict >= Verdict::Inconclusive);
    for case in own {
        let bad: Vec<&Finding> = case
            .findings
            .iter()
            .filter(|finding| finding.verdict >= Verdict::Inconclusive && !excused(finding))
            .collect();
        if !bad.is_empty() || case.findings.is_empty() {
            all.push(format!("{} {} {} {bad:#?}", case.id, case.verdict, case.reason));
        }
    }
    let run_level = report.findings.iter().filter(|finding| finding.verdict >= Verdict::Inconclusive);
    all.extend(run_level.filter(|finding| !excused(finding)).map(|finding| format!("{finding:#?}")));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_oddity_passes_the_basic_tier() {
    let suite = Arc::new(Suite::load(&Additions::default()).unwrap());
    let seats = Arc::new(tokio::sync::Semaphore::new(3));
    let mut runs = JoinSet::new();
    let mut wanted: Vec<Switch> = ODDITIES.to_vec();
    // The slow one takes longest and begins first.
    wanted.sort_by_key(|oddity| oddity.id != "answers-slowly");
    for oddity in wanted {
        let (suite, seats) = (Arc::clone(&suite), Arc::clone(&seats));
        runs.spawn(async move {
            let _seat = seats.acquire_owned().await;
            judged(suite, oddity).await
        });
    }
    let mut wrong = Vec::new();
    while let Some(done) = runs.join_next().await {
        let (oddity, report) = done.unwrap();
        wrong.extend(complaints(oddity, &report).into_iter().map(|what| format!("{}: {what}", oddity.id)));
        assert!(report.totals.pass + report.totals.warn > 20, "{}: {:?}", oddity.id, report.totals);
        if oddity.id == EXITS {
            let seen =
                report.cases.iter().flat_map(|case| &case.findings).any(|finding| finding.requirement == STAYS_UP);
            assert!(seen, "a partner that ends itself is a finding: {:?}", report.totals);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Cases that need a habit apply to no base without it: the honest partner that has it is where they must stay silent.
#[tokio::test(flavor = "multi_thread")]
async fn each_case_about_a_habit_passes_on_the_sound_partner_that_has_it() {
    let suite = Arc::new(Suite::load(&Additions::default()).unwrap());
    let wanted: BTreeSet<&str> = FLAWS.iter().filter_map(|flaw| flaw.habit).collect();
    assert!(!wanted.is_empty());
    for habit in wanted {
        let oddity = *ODDITIES.iter().find(|own| own.id == habit).unwrap();
        let about = |id: &String| FLAWS.iter().any(|flaw| flaw.id == id && flaw.habit == Some(habit));
        let cases = suite.cases.iter().filter(|case| case.kills.iter().any(about));
        let only: BTreeSet<String> = cases.map(|case| case.id.clone()).collect();
        assert!(!only.is_empty(), "{habit}");
        for base in Base::ALL.into_iter().filter(|base| *base >= oddity.base) {
            let subject = SubjectSpec::reference(base, "oidc").with_habit(Some(habit));
            let request = RunRequest {
                tier: Some(Tier::Strict),
                only: Some(only.clone()),
                ..RunRequest::new(Arc::clone(&suite), subject)
            };
            let (events, _nobody_listens) = unbounded_channel();
            let report = run(request, events).await;
            assert_eq!(complaints(oddity, &report), Vec::<String>::new(), "{habit}, base {}", base.name());
            let passed = report.cases.iter().filter(|case| case.verdict == Verdict::Pass).count();
            assert_eq!(passed, only.len(), "{habit}, base {}: {:?}", base.name(), report.totals);
        }
    }
}
