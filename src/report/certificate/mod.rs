//! The certificate of a complete run: which suite gave which verdicts on which day, signed. Pure: it reads and writes no
//! file, and it judges nothing.
//!
//! The file is a JWS in its compact form (RFC 7515), signed by EdDSA (Ed25519) or ES256; its payload is a
//! [`Certificate`] as JSON. Nothing that a partner says gets into it but one line at a time, bounded and escaped.

pub mod badge;
pub mod key;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::harness::gates;
use crate::harness::suite::Suite;
use crate::judge::printable;
use crate::model::certificate::{Certificate, CertifiedCase};
use crate::model::manifest::{IdentityFrom, Manifest};
use crate::model::result::{Report, Totals};
use crate::model::verdict::Verdict;

use key::{Public, Signer};
pub use words::text;

/// What such a file is, in its header.
const TYPE: &str = "countersign-certificate+jws";

/// Larger files are none of ours, in bytes.
pub const LARGEST: usize = 4 << 20;

/// What a certificate attests, and what not.
pub const STATEMENT: &str = "This certificate attests that the named suite gave these verdicts to the named partner on this day. It does not attest that the partner is sound for ever, nor anything that is listed as not tested. Whoever doubts it can judge the partner again with the same suite and compare verdicts and digests.";

/// A day: year, month, day.
pub type Day = (i32, u32, u32);

/// Why there is no certificate: each a sentence that names the case and the rule.
pub type Obstacles = Vec<String>;

/// Makes the certificate of a run.
///
/// # Errors
/// The run does not deserve one: everything that stands in its way.
pub fn of_run(
    report: &Report,
    suite: &Suite,
    manifest: &Manifest,
    capabilities: &BTreeSet<String>,
    tls: bool,
    today: Day,
) -> Result<Certificate, Obstacles> {
    let (tier, dialect) = (report.run.tier, report.partner.dialect.as_str());
    let left_out = gates::left_out(suite, tier, dialect, capabilities);
    let mut cases: Vec<CertifiedCase> = Vec::new();
    for case in &report.cases {
        let steps = left_out.get(&case.id).map(|lacking| {
            format!(
                "its steps for partners with {} were left out",
                lacking.iter().cloned().collect::<Vec<_>>().join(", ")
            )
        });
        let not_tested = match case.verdict {
            Verdict::NotApplicable => printable(&case.reason),
            _ => steps.unwrap_or_default(),
        };
        let mut warned: Vec<String> = case
            .findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Warn)
            .map(|finding| finding.requirement.clone())
            .collect();
        warned.sort();
        warned.dedup();
        cases.push(CertifiedCase {
            id: case.id.clone(),
            verdict: case.verdict,
            warned,
            not_tested,
            ladder: case.ladder.clone(),
        });
    }
    let certificate = Certificate {
        format: 1,
        statement: STATEMENT.to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        suite: report.suite.clone(),
        partner: report.partner.name.clone(),
        dialect: dialect.to_owned(),
        identity: match manifest.session.identity_from {
            IdentityFrom::IdToken => "from the ID token".to_owned(),
            IdentityFrom::Userinfo => "OAuth login; the ID token is not used".to_owned(),
        },
        tier,
        date: written(today),
        until: written((today.0 + 1, today.1, today.2)),
        tls,
        started: manifest.start.is_some(),
        capabilities: capabilities.iter().cloned().collect(),
        totals: report.totals,
        cases,
    };
    let mut obstacles = of_the_run(report);
    obstacles.extend(incomplete(&certificate, suite));
    if obstacles.is_empty() { Ok(certificate) } else { Err(obstacles) }
}

/// What in a run stands in the way of a certificate.
fn of_the_run(report: &Report) -> Obstacles {
    let mut all: Obstacles = report.run.blocked.iter().map(|why| format!("the run was blocked: {why}")).collect();
    if !report.run.complete {
        all.push("the run was not complete: a filter or a shard left cases out".to_owned());
    }
    for finding in report.findings.iter().filter(|finding| finding.verdict >= Verdict::Inconclusive) {
        all.push(format!("{}: expected {}; observed {}", finding.requirement, finding.expected, finding.observed));
    }
    for case in &report.cases {
        let reasons = case.findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
        let mut rules: Vec<&str> = reasons.map(|finding| finding.requirement.as_str()).collect();
        rules.dedup();
        if case.verdict == Verdict::Fail {
            all.push(format!("{} failed: {}", case.id, rules.join(", ")));
        }
    }
    let mut unsaid: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in report.cases.iter().filter(|case| case.verdict == Verdict::Inconclusive) {
        unsaid.entry(&case.reason).or_default().push(&case.id);
    }
    for (reason, ids) in unsaid {
        let verb = if ids.len() == 1 { "is" } else { "are" };
        all.push(format!("{} {verb} inconclusive: {reason}", listed(&ids)));
    }
    all
}

/// A few names in words, and how many more there are.
fn listed(ids: &[&str]) -> String {
    const SHOWN: usize = 3;
    match ids.len() {
        count if count > SHOWN + 1 => format!("{} and {} more", ids[..SHOWN].join(", "), count - SHOWN),
        _ => ids.join(", "),
    }
}

/// Verdicts that no certificate may have.
fn undeserved(own: &Certificate) -> Obstacles {
    let bad = own.cases.iter().filter(|case| matches!(case.verdict, Verdict::Fail | Verdict::Inconclusive));
    bad.map(|case| format!("the case {} is {}", case.id, case.verdict)).collect()
}

/// What a certificate lacks, by its own words and by the suite.
fn incomplete(own: &Certificate, suite: &Suite) -> Obstacles {
    let tier = own.tier;
    let wanted: BTreeSet<&str> =
        suite.cases.iter().filter(|case| case.tier <= tier).map(|case| case.id.as_str()).collect();
    let mut known: BTreeMap<&str, &CertifiedCase> = BTreeMap::new();
    let mut all = Obstacles::new();
    let mut totals = Totals::default();
    for case in &own.cases {
        totals.add(case.verdict);
        if known.insert(case.id.as_str(), case).is_some() {
            all.push(format!("the case {} stands there twice", case.id));
        }
        if !wanted.contains(case.id.as_str()) {
            all.push(format!("the case {} is none of tier {tier} of this suite", case.id));
        }
        match case.verdict {
            Verdict::NotApplicable if case.not_tested.is_empty() => {
                all.push(format!("the case {} was not tested, and no reason is given", case.id));
            }
            Verdict::Pass | Verdict::Warn if !case.ladder.as_deref().is_some_and(is_digest) => {
                all.push(format!("the case {} has a verdict, and no digest of what was exchanged", case.id));
            }
            _ => {}
        }
    }
    all.extend(wanted.iter().filter(|id| !known.contains_key(*id)).map(|id| format!("the case {id} is missing")));
    if totals != own.totals {
        all.push("the totals are not those of the cases".to_owned());
    }
    let capabilities: BTreeSet<String> = own.capabilities.iter().cloned().collect();
    let mut lacking: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for gap in gates::gaps(suite, tier, &own.dialect, &capabilities, own.tls) {
        lacking.entry(gap.capability).or_default().push(gap.case);
    }
    all.extend(lacking.iter().map(|(name, cases)| {
        let says = suite
            .capabilities
            .iter()
            .find(|own| own.name == *name)
            .map(|own| format!(" ({})", own.says))
            .unwrap_or_default();
        let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
        let verb = if cases.len() == 1 { "is" } else { "are" };
        format!("tier {tier} demands `{name}`{says}: without it {} {verb} not tested", listed(&cases))
    }));
    all
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn written((year, month, day): Day) -> String {
    format!("{year:04}-{month:02}-{day:02}")
}

/// What stands before the payload.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    jwk: Json,
}

/// Signs a certificate: the text of its file.
///
/// # Errors
/// The key does not sign.
pub fn signed(certificate: &Certificate, signer: &Signer) -> Result<String, String> {
    let public = signer.public();
    let header =
        Header { alg: public.alg().to_owned(), typ: TYPE.to_owned(), kid: public.thumbprint(), jwk: public.to_jwk() };
    let part = |json: serde_json::Result<Vec<u8>>| json.map(|json| URL_SAFE_NO_PAD.encode(json));
    let wrong = |error: serde_json::Error| error.to_string();
    let header = part(serde_json::to_vec(&header)).map_err(wrong)?;
    let payload = part(serde_json::to_vec(certificate)).map_err(wrong)?;
    let message = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(message.as_bytes())?);
    Ok(format!("{message}.{signature}\n"))
}

/// Why a certificate is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The file is no certificate at all: a sentence.
    NoCertificate(String),
    /// It is one, and it does not hold: everything that is wrong with it.
    Invalid(Obstacles),
}

/// A certificate that holds.
#[derive(Debug, Clone)]
pub struct Verified {
    /// What it says.
    pub certificate: Certificate,
    /// Who signed it.
    pub key: Public,
}

/// Checks the text of a file: form, signature over its very bytes, suite, completeness, date. `key`: the only one that
/// is taken; without it any, and who has signed must be looked at.
///
/// # Errors
/// It does not hold: why.
pub fn verified(file: &[u8], key: Option<&Public>, suite: &Suite, today: Day) -> Result<Verified, Refusal> {
    let none = |why: &str| Refusal::NoCertificate(why.to_owned());
    let invalid = |why: String| Refusal::Invalid(vec![why]);
    if file.len() > LARGEST {
        return Err(none("it is larger than any certificate"));
    }
    let text = std::str::from_utf8(file).map_err(|_| none("it is no text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let parts: Vec<&str> = text.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return Err(none("it does not have the three parts of a JWS in compact form"));
    };
    let decoded = |part: &str, name: &str| {
        URL_SAFE_NO_PAD.decode(part).map_err(|_| none(&format!("its {name} is not base64url")))
    };
    let (head, body) = (decoded(header, "header")?, decoded(payload, "payload")?);
    let signature = decoded(signature, "signature")?;
    let head: Header = serde_json::from_slice(&head).map_err(|error| {
        none(&format!("its header is not that of a certificate: {}", printable(&error.to_string())))
    })?;
    if head.typ != TYPE {
        return Err(none(&format!(
            "its header says that it is `{}`, and a certificate is `{TYPE}`",
            printable(&head.typ)
        )));
    }
    if !["EdDSA", "ES256"].contains(&head.alg.as_str()) {
        let own = printable(&head.alg);
        return Err(invalid(format!("it is signed by `{own}`, and only EdDSA and ES256 are taken")));
    }
    let own =
        Public::from_jwk(&head.jwk).map_err(|why| invalid(format!("the key in its header is unusable: {why}")))?;
    if let Some(wanted) = key.filter(|wanted| **wanted != own) {
        return Err(invalid(format!(
            "it is signed by the key {}, and not by the given one, {}",
            own.thumbprint(),
            wanted.thumbprint()
        )));
    }
    if head.alg != own.alg() || head.kid != own.thumbprint() {
        return Err(invalid("its header does not agree with the key in it".to_owned()));
    }
    if !own.has_signed(&text.as_bytes()[..header.len() + 1 + payload.len()], &signature) {
        return Err(invalid("the signature does not fit: something was changed after it was signed".to_owned()));
    }
    let certificate: Certificate = serde_json::from_slice(&body).map_err(|error| {
        none(&format!("what was signed is no certificate that this program knows: {}", printable(&error.to_string())))
    })?;
    if certificate.format != 1 {
        return Err(none(&format!("its format is {}, and this program knows 1", certificate.format)));
    }
    if certificate.suite.digest != suite.digest {
        return Err(invalid(format!(
            "it was made by suite {} with the digest {}, and this program has suite {} with the digest {}: verify it with a program that has its suite",
            printable(&certificate.suite.version),
            printable(&certificate.suite.digest),
            suite.version,
            suite.digest
        )));
    }
    let mut obstacles = undeserved(&certificate);
    obstacles.extend(incomplete(&certificate, suite));
    if certificate.statement != STATEMENT {
        obstacles.push("its statement is not the one that this program signs".to_owned());
    }
    if !is_day(&certificate.date) || !is_day(&certificate.until) {
        obstacles.push("its dates are none".to_owned());
    } else if certificate.date > written(next(today)) {
        obstacles.push(format!("it was made on {}, which is still to come", certificate.date));
    } else if certificate.until < written(today) {
        obstacles.push(format!("it was good until {}: let the partner be judged anew", certificate.until));
    }
    if obstacles.is_empty() { Ok(Verified { certificate, key: own }) } else { Err(Refusal::Invalid(obstacles)) }
}

/// Not before the day after, however the month ends: clocks of two machines may differ by a time zone.
fn next((year, month, day): Day) -> Day {
    if day >= 28 { (year, month, 99) } else { (year, month, day + 1) }
}

fn is_day(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00"
}

#[cfg(test)]
mod tests;
