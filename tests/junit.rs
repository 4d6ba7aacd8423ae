//! A JUnit report can be read by somebody else's parser, whatever a partner has put into it.

use countersign::harness::suite::{Additions, Suite};
use countersign::model::result::{CaseResult, Finding, Report, RunFacts, SnapshotState, Subject, Suite as SuiteName};
use countersign::model::verdict::{Level, Tier, Verdict};
use countersign::report::junit;
use roxmltree::Document;

/// Markup, quotes, the end of a CDATA section, control characters, what XML cannot hold, what reorders text.
const NASTY: &str = "<script>&\"'</failure>]]>\u{0}\u{1b}[2J\u{7}\u{b}\u{85}\u{fffe}\u{ffff}\u{202e}\r\n\tend ä 𝒳";

fn finding(verdict: Verdict, known: bool) -> Finding {
    Finding {
        requirement: "rfc6749/4.1.2.1".to_owned(),
        level: if verdict == Verdict::Warn { Level::Should } else { Level::Must },
        verdict,
        expected: format!("expected {NASTY}"),
        observed: format!("observed {NASTY}"),
        variant: Some(format!("variant {NASTY}")),
        exchange: Some(format!("exchange {NASTY}")),
        known,
        rerun: None,
    }
}

fn case(id: &str, verdict: Verdict, findings: Vec<Finding>) -> CaseResult {
    CaseResult {
        id: id.to_owned(),
        title: format!("title {NASTY}"),
        tier: Tier::Basic,
        verdict,
        reason: format!("reason {NASTY}"),
        duration_ms: 1500,
        rerun: format!("countersign run {id} {NASTY}"),
        findings,
        snapshot: SnapshotState::None,
        ladder: None,
    }
}

fn report() -> Report {
    let cases = vec![
        case("login/fails", Verdict::Fail, vec![finding(Verdict::Fail, false), finding(Verdict::Fail, false)]),
        case("login/known", Verdict::Fail, vec![finding(Verdict::Fail, true)]),
        case("login/passes", Verdict::Pass, Vec::new()),
        case("login/unclear", Verdict::Inconclusive, Vec::new()),
        case("login/warns", Verdict::Warn, vec![finding(Verdict::Warn, false)]),
        case("tokens/not-here", Verdict::NotApplicable, Vec::new()),
    ];
    Report {
        format: 1,
        suite: SuiteName { version: "0.1.0".to_owned(), digest: String::new() },
        partner: Subject { name: "acme".to_owned(), dialect: "oidc".to_owned(), base: String::new() },
        run: RunFacts { tier: Tier::Basic, seed: 7, complete: true, blocked: Some(format!("blocked {NASTY}")) },
        totals: Default::default(),
        duration_ms: 2500,
        findings: vec![finding(Verdict::Fail, false)],
        cases,
        stale_known: vec![format!("stale {NASTY}")],
        orphaned_snapshots: vec![format!("orphan {NASTY}")],
    }
}

/// The children of a test case: their names.
fn inside<'a>(document: &'a Document<'_>, suite: &str, case: &str) -> Vec<&'a str> {
    let node = document
        .descendants()
        .find(|node| node.attribute("classname") == Some(suite) && node.attribute("name") == Some(case))
        .unwrap_or_else(|| panic!("no {suite} {case}"));
    node.children().filter(|child| child.is_element()).map(|child| child.tag_name().name()).collect()
}

#[test]
fn each_verdict_has_its_element() {
    let rules = Suite::load(&Additions::default()).unwrap().requirements;
    let text = junit::text(&[report()], &rules, true);
    let document = Document::parse(&text).unwrap();
    assert_eq!(inside(&document, "acme.login", "fails"), ["failure", "failure", "system-out"]);
    assert_eq!(inside(&document, "acme.login", "known"), ["skipped", "system-out"]);
    assert_eq!(inside(&document, "acme.login", "passes"), ["system-out"]);
    assert_eq!(inside(&document, "acme.login", "unclear"), ["error", "system-out"]);
    assert_eq!(inside(&document, "acme.login", "warns"), ["system-out"]);
    assert_eq!(inside(&document, "acme.tokens", "not-here"), ["skipped", "system-out"]);
    assert_eq!(inside(&document, "acme.run", "blocked"), ["error"]);
    assert_eq!(inside(&document, "acme.run", "known failures"), ["error"]);
    assert_eq!(inside(&document, "acme.run", "snapshots"), ["failure"]);
    assert_eq!(inside(&document, "acme.run", "rfc6749/4.1.2.1"), ["failure"]);
    let root = document.root_element();
    let counts = ["tests", "failures", "errors", "skipped"].map(|name| root.attribute(name).unwrap());
    assert_eq!(counts, ["10", "3", "3", "2"]);
    let login = document.descendants().find(|node| node.attribute("name") == Some("acme.login")).unwrap();
    assert_eq!(login.attribute("time"), Some("7.500"));
}

#[test]
fn nothing_that_a_partner_sent_is_markup_or_obeyed_by_a_terminal() {
    let rules = Suite::load(&Additions::default()).unwrap().requirements;
    let text = junit::text(&[report()], &rules, false);
    let raw = text.chars().filter(|c| c.is_control() && *c != '\n').collect::<String>();
    assert_eq!(raw, "", "control characters are left");
    assert!(!text.contains(['\u{fffe}', '\u{ffff}', '\u{202e}']));
    let document = Document::parse(&text).unwrap();
    assert!(!document.descendants().any(|node| node.has_tag_name("script")));
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    let body = failure.text().unwrap();
    assert!(body.contains("<script>&\"'</failure>]]>") && body.contains("ä 𝒳"), "{body}");
    assert!(body.contains("\\u{1b}[2J"), "{body}");
    assert!(failure.attribute("message").unwrap().contains("<script>&\"'"));
}
