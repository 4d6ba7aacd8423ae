//! Certificates that hold and that do not, without a run: the report is made by hand, the suite is a small one.

use super::*;
use crate::harness::run::SubjectSpec;
use crate::harness::suite::{Additions, capabilities_of};
use crate::model::result::{CaseResult, Finding, RunFacts, SnapshotState, Subject, Suite as SuiteName};
use crate::model::verdict::{Level, Tier};
use crate::reference::Base;

const TODAY: Day = (2026, 11, 27);

/// What a partner may say to break out: other lines, terminal commands, marks that reorder text, markup.
const NASTY: &str =
    "x\nvalid: acme (oidc) at tier strict\r\n::error::y\u{1b}[2J\u{202e}\u{2066}<script>alert(1)</script>&\"'##[error]";

/// A suite of two cases, so that a test is about certificates and not about cases.
fn suite() -> Suite {
    let mut suite = Suite::load(&Additions::default()).unwrap();
    suite.cases.retain(|case| ["login/happy", "tokens/sub-missing"].contains(&case.id.as_str()));
    suite
}

fn report(suite: &Suite) -> Report {
    let cases = suite.cases.iter().map(|case| CaseResult {
        id: case.id.clone(),
        title: case.title.clone(),
        tier: case.tier,
        verdict: Verdict::Pass,
        reason: String::new(),
        duration_ms: 3,
        rerun: String::new(),
        findings: Vec::new(),
        snapshot: SnapshotState::None,
        ladder: Some("0f".repeat(32)),
    });
    let mut report = Report {
        format: 1,
        suite: SuiteName { version: suite.version.clone(), digest: suite.digest.clone() },
        partner: Subject { name: "acme".to_owned(), dialect: "oidc".to_owned(), base: "http://127.0.0.1:1".to_owned() },
        run: RunFacts { tier: Tier::Basic, seed: 1, complete: true, blocked: None },
        totals: Totals::default(),
        duration_ms: 6,
        findings: Vec::new(),
        cases: cases.collect(),
        stale_known: Vec::new(),
        orphaned_snapshots: Vec::new(),
    };
    report.cases.iter().for_each(|case| report.totals.add(case.verdict));
    report
}

fn made(suite: &Suite, report: &Report) -> Result<Certificate, Obstacles> {
    let manifest = SubjectSpec::reference(Base::Full, "oidc").manifest();
    of_run(report, suite, &manifest, &capabilities_of(&manifest), false, TODAY)
}

/// A certificate with something else in it, signed all the same: whoever has a key can do that.
fn forged(suite: &Suite, change: impl FnOnce(&mut Certificate)) -> Result<Verified, Refusal> {
    let mut own = made(suite, &report(suite)).unwrap();
    change(&mut own);
    let file = signed(&own, &Signer::made().unwrap().0).unwrap();
    verified(file.as_bytes(), None, suite, TODAY)
}

fn why(refusal: Result<Verified, Refusal>) -> String {
    match refusal.expect_err("it is taken") {
        Refusal::NoCertificate(why) => why,
        Refusal::Invalid(all) => all.join("\n"),
    }
}

#[test]
fn a_certificate_holds_with_the_key_that_signed_it_and_with_no_other() {
    let suite = suite();
    let own = made(&suite, &report(&suite)).unwrap();
    let signer = Signer::made().unwrap().0;
    let file = signed(&own, &signer).unwrap();
    let taken = verified(file.as_bytes(), Some(&signer.public()), &suite, TODAY).unwrap();
    assert_eq!(taken.certificate, own);
    assert!(verified(file.as_bytes(), None, &suite, TODAY).is_ok());
    let other = Signer::made().unwrap().0.public();
    let said = why(verified(file.as_bytes(), Some(&other), &suite, TODAY));
    assert!(said.contains("not by the given one") && said.contains(&other.thumbprint()), "{said}");
}

#[test]
fn every_changed_byte_is_noticed() {
    let suite = suite();
    let file = signed(&made(&suite, &report(&suite)).unwrap(), &Signer::made().unwrap().0).unwrap();
    let step = (file.len() / 200).max(1);
    for at in (0..file.len() - 1).step_by(step) {
        let mut other = file.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        assert!(verified(&other, None, &suite, TODAY).is_err(), "byte {at} of {}", file.len());
    }
    let (head, tail) = file.rsplit_once('.').unwrap();
    let moved = format!("{head}.{}", &tail[..tail.len() - 3]);
    assert!(verified(moved.as_bytes(), None, &suite, TODAY).is_err(), "a shorter signature");
}

#[test]
fn no_algorithm_but_two_is_taken_and_no_key_of_another_kind() {
    let suite = suite();
    let file = signed(&made(&suite, &report(&suite)).unwrap(), &Signer::made().unwrap().0).unwrap();
    let (head, rest) = file.split_once('.').unwrap();
    let header: Json = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
    let with = |name: &str, value: Json| {
        let mut header = header.clone();
        header[name] = value;
        let head = URL_SAFE_NO_PAD.encode(header.to_string());
        why(verified(format!("{head}.{rest}").as_bytes(), None, &suite, TODAY))
    };
    for alg in ["none", "HS256", "RS256", "eddsa", ""] {
        assert!(with("alg", alg.into()).contains("only EdDSA and ES256 are taken"), "{alg}");
    }
    assert!(with("alg", "ES256".into()).contains("does not agree with the key"));
    assert!(with("kid", "me".into()).contains("does not agree with the key"));
    assert!(with("jwk", Json::Null).contains("of another kind"));
    assert!(with("typ", "JWT".into()).contains("`JWT`"));
    assert!(with("crit", Json::from(vec!["b64"])).contains("unknown field `crit`"));
    let unsigned = format!("{head}.{}.", rest.split('.').next().unwrap());
    assert!(why(verified(unsigned.as_bytes(), None, &suite, TODAY)).contains("the signature does not fit"));
}

#[test]
fn what_is_left_out_added_or_altered_is_told_one_by_one() {
    let suite = suite();
    let says = |part: &str, change: fn(&mut Certificate)| {
        let said = why(forged(&suite, change));
        assert!(said.contains(part), "{part}: {said}");
    };
    says("the case login/happy is missing", |own| own.cases.retain(|case| case.id != "login/happy"));
    says("stands there twice", |own| own.cases.push(own.cases[0].clone()));
    says("is none of tier basic", |own| own.cases[0].id = "login/other".to_owned());
    says("the case login/happy is fail", |own| own.cases[0].verdict = Verdict::Fail);
    says("no digest of what was exchanged", |own| own.cases[0].ladder = None);
    says("no reason is given", |own| own.cases[0].verdict = Verdict::NotApplicable);
    says("the totals are not those", |own| own.totals.pass += 1);
    says("its statement is not the one", |own| own.statement = "It is perfect.".to_owned());
    says("with the digest 00", |own| own.suite.digest = "00".to_owned());
    says("its format is 2", |own| own.format = 2);
    says("still to come", |own| own.date = "2027-01-01".to_owned());
    says("it was good until 2026-11-26", |own| own.until = "2026-11-26".to_owned());
    says("its dates are none", |own| own.date = "today".to_owned());
}

#[test]
fn what_is_no_certificate_is_refused_with_its_reason() {
    let suite = suite();
    let huge = vec![b'a'; LARGEST + 1];
    let cases: [(&[u8], &str); 6] = [
        (b"", "three parts"),
        (b"hello", "three parts"),
        (b"a.b.c", "base64url"),
        (b"e30.e30.e30", "header"),
        (&[0xff, 0xfe], "no text"),
        (&huge, "larger than any certificate"),
    ];
    for (file, part) in cases {
        match verified(file, None, &suite, TODAY) {
            Err(Refusal::NoCertificate(said)) => assert!(said.contains(part), "{said}"),
            other => panic!("{part}: {other:?}"),
        }
    }
    let deep = format!("{}.e30.e30", URL_SAFE_NO_PAD.encode("[".repeat(100_000)));
    assert!(matches!(verified(deep.as_bytes(), None, &suite, TODAY), Err(Refusal::NoCertificate(_))));
}

#[test]
fn a_run_that_is_not_whole_and_sound_gets_none_and_is_told_why() {
    let suite = suite();
    let says = |part: &str, change: fn(&mut Report)| {
        let mut own = report(&suite);
        change(&mut own);
        let said = made(&suite, &own).expect_err(part).join("\n");
        assert!(said.contains(part), "{part}: {said}");
    };
    let finding = |verdict: Verdict| Finding {
        requirement: "oidc-core/2#sub".to_owned(),
        level: Level::Must,
        verdict,
        expected: "a".to_owned(),
        observed: "b".to_owned(),
        variant: None,
        exchange: None,
        // That it is known changes nothing.
        known: true,
        rerun: None,
    };
    let mut failed = report(&suite);
    failed.cases[1].verdict = Verdict::Fail;
    failed.cases[1].findings.push(finding(Verdict::Fail));
    assert!(made(&suite, &failed).unwrap_err()[0].contains("tokens/sub-missing failed: oidc-core/2#sub"));
    let mut crosswise = report(&suite);
    crosswise.findings.push(finding(Verdict::Fail));
    assert!(made(&suite, &crosswise).unwrap_err()[0].contains("oidc-core/2#sub: expected a; observed b"));
    says("is inconclusive: held up", |own| {
        own.cases[0].verdict = Verdict::Inconclusive;
        own.cases[0].reason = "held up".to_owned();
    });
    says("the run was not complete", |own| own.run.complete = false);
    says("the run was blocked: gone", |own| own.run.blocked = Some("gone".to_owned()));
    says("the case login/happy is missing", |own| {
        own.cases.remove(0);
        own.totals.pass -= 1;
    });
}

#[test]
fn a_tier_that_demands_more_than_was_tested_gives_none() {
    let mut suite = Suite::load(&Additions::default()).unwrap();
    suite.cases.retain(|case| case.id == "tokens/nonce-wrong");
    let mut own = report(&suite);
    own.run.tier = Tier::Strict;
    own.cases[0].verdict = Verdict::NotApplicable;
    own.cases[0].reason = "the partner does not declare `nonce`".to_owned();
    own.totals = Totals { not_applicable: 1, ..Totals::default() };
    let manifest = SubjectSpec::reference(Base::Min, "oidc").manifest();
    let capabilities = capabilities_of(&manifest);
    let said = of_run(&own, &suite, &manifest, &capabilities, false, TODAY).unwrap_err().join("\n");
    assert!(
        said.contains(
            "tier strict demands `nonce` (sends a nonce and checks it): without it tokens/nonce-wrong is not tested"
        ),
        "{said}"
    );
    own.run.tier = Tier::Basic;
    assert!(of_run(&own, &suite, &manifest, &capabilities, false, TODAY).is_ok());
}

#[test]
fn an_oauth_login_is_called_one() {
    let suite = suite();
    let mut manifest = SubjectSpec::reference(Base::Full, "oidc").manifest();
    manifest.session.identity_from = IdentityFrom::Userinfo;
    let own = of_run(&report(&suite), &suite, &manifest, &capabilities_of(&manifest), false, TODAY).unwrap();
    assert_eq!(own.identity, "OAuth login; the ID token is not used");
}

#[test]
fn nothing_that_a_partner_says_makes_a_line_of_certificate_words_or_badge() {
    let suite = suite();
    let mut own = report(&suite);
    own.partner.name = NASTY.to_owned();
    own.cases[0].verdict = Verdict::NotApplicable;
    own.cases[0].reason = NASTY.to_owned();
    own.totals = Totals { pass: 1, not_applicable: 1, ..Totals::default() };
    let own = made(&suite, &own).unwrap();
    assert!(!own.cases[0].not_tested.contains(['\n', '\r', '\u{1b}', '\u{202e}']), "{:?}", own.cases[0]);
    // Whoever signs by a key of her own may write what she likes into every text.
    let taken = forged(&suite, |own| {
        own.partner = NASTY.to_owned();
        own.dialect = "oidc".to_owned();
        own.identity = NASTY.to_owned();
        own.program = NASTY.to_owned();
        own.suite.version = NASTY.to_owned();
        own.cases[0].not_tested = NASTY.to_owned();
        own.cases[0].warned = vec![NASTY.to_owned()];
    })
    .unwrap();
    let said = text(&taken, false);
    let unruly =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!said.contains(unruly), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("valid:")).count(), 1, "{said}");
    assert!(!said.lines().any(|line| line.trim_start().starts_with("::")), "{said}");
    let picture = badge::svg(&taken.certificate);
    assert!(!picture.contains(unruly), "{picture}");
    let parsed = roxmltree::Document::parse(&picture).expect("it is well-formed");
    let names: BTreeSet<&str> =
        parsed.descendants().filter(|node| node.is_element()).map(|node| node.tag_name().name()).collect();
    assert_eq!(names, BTreeSet::from(["svg", "title", "rect", "g", "text"]));
    assert!(!picture.contains("href") && !picture.contains("style"), "{picture}");
}
