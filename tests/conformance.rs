//! The suite against the reference partner, one trial for each case (`area::case`), under the standard test harness.
//!
//! What does not apply is known before anything is started, and listed as ignored. Each trial runs its case alone, so
//! that it is the same in one process or in one for each trial.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use countersign::harness::plan::{Circumstances, plan};
use countersign::harness::run::{RunRequest, SubjectSpec, run};
use countersign::harness::suite::{Additions, Suite, capabilities_of};
use countersign::model::verdict::Verdict;
use countersign::reference::Base;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let suite = match Suite::load(&Additions::default()) {
        Ok(suite) => Arc::new(suite),
        Err(wrong) => {
            wrong.iter().for_each(|wrong| eprintln!("{wrong}"));
            return ExitCode::FAILURE;
        }
    };
    let subject = SubjectSpec::reference(Base::Full, "oidc");
    let manifest = subject.manifest();
    let capabilities = capabilities_of(&manifest);
    let circumstances = Circumstances {
        manifest: &manifest,
        capabilities: &capabilities,
        dialect: "oidc",
        tier: manifest.tier,
        requirements: &suite.requirements,
        company: countersign::partner::Company::SideBySide,
        lacking: &suite.capabilities,
        tls: false,
        browser: countersign::model::manifest::Engine::Http,
    };
    let runtime = match Runtime::new() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let trials = plan(&suite.cases, &circumstances)
        .into_iter()
        .map(|planned| {
            let (id, applies) = (planned.case.id.clone(), planned.not_applicable.is_none());
            let (suite, subject, runtime) = (Arc::clone(&suite), subject.clone(), Arc::clone(&runtime));
            let name = id.replace('/', "::");
            Trial::test(name, move || play(&runtime, suite, subject, id)).with_ignored_flag(!applies)
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn play(runtime: &Runtime, suite: Arc<Suite>, subject: SubjectSpec, id: String) -> Result<(), Failed> {
    let request = RunRequest { jobs: Some(1), only: Some(BTreeSet::from([id])), ..RunRequest::new(suite, subject) };
    let report = runtime.block_on(async {
        let (events, _nobody) = tokio::sync::mpsc::unbounded_channel();
        run(request, events).await
    });
    let case = report.cases.first().ok_or("the case was not decided")?;
    if case.verdict == Verdict::Pass && report.findings.is_empty() {
        return Ok(());
    }
    Err(Failed::from(format!("{}: {} {:#?} {:#?}", case.verdict, case.reason, case.findings, report.findings)))
}
