//! What applies to a partner: which cases, which variants, how isolated, and why not.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::capability::Capability;
use crate::model::case::{Act, Case, FaultSource, How, ManifestList, Step, VariantName};
use crate::model::fault::{Endpoint, Fault, Message, Pace, Patch};
use crate::model::manifest::{Engine, IdentityFrom, Manifest};
use crate::model::requirement::Registry;
use crate::model::value::Value;
use crate::model::verdict::Tier;
use crate::partner::Company;

use super::drive::PlayVariant;
use super::drive::environment::optional_fields;

/// Headers that Chromium writes itself.
const OWN_HEADERS: [&str; 6] = ["host", "content-length", "connection", "transfer-encoding", "te", "upgrade"];

/// Which company an attempt bears (DESIGN section 6, item 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isolation {
    /// Side by side with others.
    Shared,
    /// Alone, at the shared provider and partner.
    Exclusive,
    /// With an issuer and a partner of its own.
    Isolated,
}

/// One case, decided to be run or not.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The case.
    pub case: Arc<Case>,
    /// Its variants, at least one; empty where it does not apply.
    pub variants: Vec<PlayVariant>,
    /// The strictest that any variant needs.
    pub isolation: Isolation,
    /// Why it does not apply.
    pub not_applicable: Option<String>,
}

/// What decides.
pub struct Circumstances<'a> {
    /// What the partner says of itself.
    pub manifest: &'a Manifest,
    /// What it can do.
    pub capabilities: &'a BTreeSet<String>,
    /// What is spoken.
    pub dialect: &'a str,
    /// Up to which tier.
    pub tier: Tier,
    /// The rules.
    pub requirements: &'a Registry,
    /// Whether fresh partners can be started.
    pub company: Company,
    /// What capabilities are called where they are lacking.
    pub lacking: &'a [Capability],
    /// Provider and browser speak https.
    pub tls: bool,
    /// Who plays the person's browser.
    pub browser: Engine,
}

/// Every case of the tier, in the order of ids.
pub fn plan(cases: &[Arc<Case>], circumstances: &Circumstances<'_>) -> Vec<Planned> {
    let mut planned: Vec<Planned> =
        cases.iter().filter(|case| case.tier <= circumstances.tier).map(|case| plan_one(case, circumstances)).collect();
    planned.sort_by(|a, b| a.case.id.cmp(&b.case.id));
    planned
}

fn plan_one(case: &Arc<Case>, circumstances: &Circumstances<'_>) -> Planned {
    let mut reason = why_not(case, circumstances);
    let (case, nothing_left) = without_what_is_lacking(case, circumstances);
    let case = &case;
    reason = reason.or(nothing_left);
    let isolation = isolation(case);
    if reason.is_none() && isolation == Isolation::Isolated && circumstances.company == Company::Attached {
        reason = Some("it needs a freshly started partner, and this one is only attached to".to_owned());
    }
    let mut variants = Vec::new();
    if reason.is_none() {
        variants = unroll(case, circumstances);
        if variants.is_empty() {
            reason = Some("the manifest's list that its variants come from is empty".to_owned());
        }
    }
    Planned { case: Arc::clone(case), variants, isolation, not_applicable: reason }
}

fn why_not(case: &Case, circumstances: &Circumstances<'_>) -> Option<String> {
    let dialects = if case.dialects.is_empty() {
        circumstances.requirements.get(&case.requirement).map(|rule| rule.dialects.clone()).unwrap_or_default()
    } else {
        case.dialects.clone()
    };
    if !dialects.is_empty() && !dialects.iter().any(|dialect| dialect == circumstances.dialect) {
        return Some(format!("it is about {}; the partner speaks {}", dialects.join(" and "), circumstances.dialect));
    }
    if let Some(lacking) = lacking(&case.needs, circumstances) {
        return Some(said_of(lacking, circumstances));
    }
    if !circumstances.tls && shows_certificates(case) {
        return Some("the provider shows no certificate over plain http; add --tls".to_owned());
    }
    if circumstances.browser == Engine::Http && needs_browser(case) {
        return Some("only a real browser runs the scripts that it is about; add --browser chromium".to_owned());
    }
    if circumstances.browser == Engine::Chromium
        && let Some(name) = forged_header(case)
    {
        return Some(format!("no real browser sends a `{name}` header that is not true; add --browser http"));
    }
    if let Some(having) = case.unless.iter().find(|capability| circumstances.capabilities.contains(*capability)) {
        return Some(format!("the partner declares `{having}`"));
    }
    if circumstances.manifest.session.identity_from == IdentityFrom::Userinfo && faults_id_token(case) {
        return Some("the partner takes identity from userinfo and does not read the ID token".to_owned());
    }
    None
}

/// The first capability of a list that the partner does not have.
fn lacking<'n>(needs: &'n [String], circumstances: &Circumstances<'_>) -> Option<&'n str> {
    needs.iter().find(|need| !circumstances.capabilities.contains(*need)).map(String::as_str)
}

/// That it lacks a capability, in words.
fn said_of(lacking: &str, circumstances: &Circumstances<'_>) -> String {
    let known = circumstances.lacking.iter().find(|own| own.name == lacking);
    let own = known.and_then(|own| own.lacking.clone());
    own.unwrap_or_else(|| format!("the partner does not declare `{lacking}`"))
}

/// The case as this partner can play it: without the steps that need what it lacks. Also says why nothing is left of it
/// that could fail: every expectation about its own rule, or everything that is amiss in it, was among them.
fn without_what_is_lacking(case: &Arc<Case>, circumstances: &Circumstances<'_>) -> (Arc<Case>, Option<String>) {
    let gone: Vec<&str> = case.steps.iter().filter_map(|step| lacking(&step.needs, circumstances)).collect();
    if gone.is_empty() {
        return (Arc::clone(case), None);
    }
    let mut rest = Case::clone(case);
    rest.steps.retain(|step| lacking(&step.needs, circumstances).is_none());
    let pointless = rest.own_expectations().next().is_none() || case.is_negative() && !rest.is_negative();
    let mut reasons: Vec<String> = Vec::new();
    for reason in gone.into_iter().filter(|_| pointless).map(|lacking| said_of(lacking, circumstances)) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    (Arc::new(rest), pointless.then(|| reasons.join("; ")))
}

/// A header of a visit that a browser writes itself, whatever it is told.
fn forged_header(case: &Case) -> Option<&str> {
    let visits = case.steps.iter().filter_map(|step| match &step.act {
        Act::Visit(visit) => Some(&visit.headers),
        _ => None,
    });
    let mut names = visits.flatten().map(|(name, _)| name.as_str());
    names.find(|name| OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name)))
}

fn faults(case: &Case) -> impl Iterator<Item = &Fault> {
    let of_variants = case.variants.iter().filter_map(|variant| variant.fault.as_ref());
    let of_steps = case.steps.iter().filter_map(|step| match &step.act {
        Act::Fault(FaultSource::Here(fault)) => Some(fault),
        _ => None,
    });
    of_variants.chain(of_steps)
}

/// Whether a case means anything in a browser that runs scripts only: what it looks at is done by pages.
pub fn needs_browser(case: &Case) -> bool {
    let by_window = |step: &Step| matches!(&step.act, Act::Visit(visit) if visit.how == How::Window);
    case.all_needs().any(|need| need == "check-session") || case.steps.iter().any(by_window)
}

/// The browser in which a case that stands alone means something.
pub fn browser_for(case: &Case) -> Engine {
    if needs_browser(case) { Engine::Chromium } else { Engine::Http }
}

/// Whether a case means anything over TLS only.
pub fn needs_tls(case: &Case) -> bool {
    case.all_needs().any(|need| need == "https") || shows_certificates(case)
}

fn shows_certificates(case: &Case) -> bool {
    let mut patches = faults(case).flat_map(|fault| &fault.patches);
    patches.any(|patch| matches!(patch.operations.send, Some(Pace::Certificate(_))))
}

/// Whether a deviation stands in the ID token and nowhere else: one that userinfo has as well reaches everybody.
fn faults_id_token(case: &Case) -> bool {
    let in_id_token = |patch: &Patch| patch.address.message == Message::Object(crate::model::fault::Object::IdToken);
    faults(case).any(|fault| fault.patches.iter().all(in_id_token))
}

/// Computed from the addresses and the actions.
pub fn isolation(case: &Case) -> Isolation {
    let by_steps = case.steps.iter().map(|step| match &step.act {
        Act::Restart => Isolation::Isolated,
        Act::Provider(options) if options.keys_max_age.is_some() || options.key.is_some() => Isolation::Isolated,
        // Accounts that somebody else makes meanwhile would be counted.
        Act::Expect(expectation) if expectation.counts_accounts() => Isolation::Exclusive,
        _ => Isolation::Shared,
    });
    let by_faults = faults(case).flat_map(|fault| &fault.patches).map(|patch| {
        if matches!(patch.address.message, Message::Response(Endpoint::Discovery | Endpoint::Jwks)) {
            return Isolation::Isolated;
        }
        let operations = &patch.operations;
        let outage = operations.status.is_some_and(|status| status >= 500);
        let slow = matches!(
            operations.send,
            Some(Pace::After(_) | Pace::Slowly { .. } | Pace::Never | Pace::Reset | Pace::Cut | Pace::Certificate(_))
        );
        let keyless = matches!(patch.address.message, Message::Response(Endpoint::Par))
            || (operations.send == Some(Pace::Held) && patch.selectors.of.is_none());
        if outage || slow || keyless || operations.replace.as_ref().is_some_and(is_large) {
            Isolation::Exclusive
        } else {
            Isolation::Shared
        }
    });
    by_steps.chain(by_faults).max().unwrap_or(Isolation::Shared)
}

/// Bodies of more than 100,000 bytes keep both sides busy.
fn is_large(value: &Value) -> bool {
    use crate::model::value::Source;
    match value {
        Value::Run(run) => match &run.source {
            Source::Repeat { text, times } => text.len().saturating_mul(*times) > 100_000,
            Source::Join(pieces) => pieces.iter().any(is_large),
            _ => false,
        },
        _ => false,
    }
}

fn unroll(case: &Case, circumstances: &Circumstances<'_>) -> Vec<PlayVariant> {
    if case.variants.is_empty() {
        return vec![PlayVariant::default()];
    }
    let mut all = Vec::new();
    for variant in &case.variants {
        if variant.tier.is_some_and(|tier| tier > circumstances.tier) {
            continue;
        }
        let make = |name: String, value: Option<Value>| PlayVariant {
            name: Some(name),
            fault: variant.fault.clone(),
            value,
            level: variant.level.clone(),
            tier: variant.tier,
        };
        match &variant.name {
            VariantName::Name(name) => all.push(make(name.clone(), variant.value.clone())),
            VariantName::Each(list) => all.extend(
                entries(*list, circumstances.manifest)
                    .into_iter()
                    .map(|entry| make(entry.clone(), Some(Value::text(entry)))),
            ),
        }
    }
    all
}

fn entries(list: ManifestList, manifest: &Manifest) -> Vec<String> {
    match list {
        ManifestList::OptionalScopes => manifest.scopes.optional.clone(),
        ManifestList::OptionalFields => optional_fields(manifest),
        ManifestList::Features => manifest.at.features.keys().cloned().collect(),
        ManifestList::RedirectUris => manifest.client.redirect_uris.clone(),
    }
}

/// Whether a case belongs to shard `k` of `n` (from 1). Stable when cases are added.
pub fn in_partition(id: &str, (k, n): (u32, u32)) -> bool {
    let digest = crate::model::persona::digest(&[id]);
    let number = u64::from_str_radix(&digest[..15], 16).unwrap_or(0);
    number % u64::from(n.max(1)) == u64::from(k.saturating_sub(1))
}

/// Whether a filter of the command line means a case: its id, the beginning of it, or a part.
pub fn matches_filter(id: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|filter| id == filter || id.contains(filter.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::suite::{Additions, Suite};
    use crate::model::case::parse;
    use crate::reference::Base;

    const HEAD: &str =
        "title = \"x\"\nrequirement = \"oidc-core/2#sub\"\ntier = \"basic\"\nkills = [\"null-sub-account\"]\n";
    const SIGN_IN: &str = "[[step]]\nsign_in = { as = \"alice\" }\n";
    const FAULT: &str = "[[step]]\nfault = { in = \"id_token\", drop = \"sub\" }\n";

    /// A case as a partner with these capabilities plays it.
    fn planned(text: &str, has: &[&str]) -> Planned {
        let suite = Suite::load(&Additions::default()).unwrap();
        let case = parse("tokens/x", "x.toml", &format!("{HEAD}{text}"), &suite.vocabulary).unwrap();
        let manifest = super::super::subject::SubjectSpec::reference(Base::Full, "oidc").manifest();
        let capabilities = has.iter().map(|name| (*name).to_owned()).collect();
        let circumstances = Circumstances {
            manifest: &manifest,
            capabilities: &capabilities,
            dialect: "oidc",
            tier: Tier::Basic,
            requirements: &suite.requirements,
            company: Company::SideBySide,
            lacking: &suite.capabilities,
            tls: false,
            browser: Engine::Http,
        };
        plan_one(&Arc::new(case), &circumstances)
    }

    #[test]
    fn a_step_is_left_out_where_the_partner_lacks_what_it_needs() {
        let counts = "[[step]]\nneeds = [\"account-count\"]\nexpect = { account = { new = 0 } }\n";
        let nobody = "[[step]]\nexpect = { session = \"nobody\" }\n";
        let text = format!("{FAULT}{SIGN_IN}{counts}{nobody}");
        let with = planned(&text, &["account-count"]);
        assert_eq!((with.case.steps.len(), with.isolation), (4, Isolation::Exclusive));
        let without = planned(&text, &[]);
        assert_eq!((without.case.steps.len(), without.isolation), (3, Isolation::Shared));
        assert_eq!(without.case.steps[2].place, 3, "a step keeps its number in the file");
        assert_eq!(without.not_applicable, None);
    }

    #[test]
    fn a_case_without_an_expectation_about_its_own_rule_is_not_applicable() {
        let other = "[[step]]\nexpect = { session = \"alice\" }\nrequirement = \"rfc6749/4.1\"\n";
        let own = "[[step]]\nneeds = [\"userinfo\"]\nexpect = { hidden = \"access_token\", from = [\"url\"] }\n";
        let text = format!("{SIGN_IN}{other}{own}");
        assert_eq!(planned(&text, &["userinfo"]).not_applicable, None);
        let without = planned(&text, &[]);
        assert_eq!(without.not_applicable.as_deref(), Some("the partner does not declare `userinfo`"));
        assert!(without.variants.is_empty());
    }

    #[test]
    fn a_case_that_loses_everything_that_is_amiss_is_not_applicable() {
        let fault = FAULT.replace("[[step]]\n", "[[step]]\nneeds = [\"nonce\"]\n");
        let text = format!("{fault}{SIGN_IN}[[step]]\nexpect = {{ session = {{ not = \"bob\" }} }}\n");
        assert_eq!(planned(&text, &["nonce"]).not_applicable, None);
        assert_eq!(planned(&text, &[]).not_applicable.as_deref(), Some("the partner does not declare `nonce`"));
    }
}
