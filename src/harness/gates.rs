//! The gates of a tier (`specs/tiers.toml`): what a certificate may leave untested because the partner does not offer it,
//! and what not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::case::Case;
use crate::model::verdict::Tier;

use super::plan::needs_tls;
use super::suite::Suite;

/// A case that must be tested, and the capability for lack of which it was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The case's id.
    pub case: String,
    /// What the partner lacks.
    pub capability: String,
}

/// What a tier does not allow to be left out, and these capabilities leave out. `tls`: everything spoke https.
pub fn gaps(suite: &Suite, tier: Tier, dialect: &str, has: &BTreeSet<String>, tls: bool) -> Vec<Gap> {
    let may_lack = suite.tiers.get(&tier).map(|rule| rule.may_lack.as_slice()).unwrap_or_default();
    // One that ends in `:` stands for one per entry of a list.
    let is = |own: &String, name: &str| own == name || own.ends_with(':') && name.starts_with(own.as_str());
    let allowed = |name: &str| may_lack.iter().any(|own| own == "*" || is(own, name));
    let mut all = Vec::new();
    for case in of_tier(suite, tier, dialect).filter(|case| !case.unless.iter().any(|name| has.contains(name))) {
        let mut lacking: BTreeSet<&str> = case.all_needs().filter(|name| !has.contains(*name)).collect();
        if !tls && needs_tls(case) {
            lacking.insert("https");
        }
        let not_allowed = lacking.into_iter().filter(|name| !allowed(name));
        all.extend(not_allowed.map(|name| Gap { case: case.id.clone(), capability: name.to_owned() }));
    }
    all
}

/// Cases of which single steps are left out, and for lack of what.
pub fn left_out(
    suite: &Suite,
    tier: Tier,
    dialect: &str,
    has: &BTreeSet<String>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in of_tier(suite, tier, dialect) {
        let needs = case.steps.iter().flat_map(|step| &step.needs);
        for lacking in needs.filter(|name| !has.contains(*name)) {
            all.entry(case.id.clone()).or_default().insert(lacking.clone());
        }
    }
    all
}

/// Cases up to a tier that this dialect has.
fn of_tier<'s>(suite: &'s Suite, tier: Tier, dialect: &'s str) -> impl Iterator<Item = &'s Arc<Case>> {
    suite.cases.iter().filter(move |case| {
        let of_rule = suite.requirements.get(&case.requirement).map(|rule| rule.dialects.as_slice());
        let own = if case.dialects.is_empty() { of_rule.unwrap_or_default() } else { case.dialects.as_slice() };
        case.tier <= tier && (own.is_empty() || own.iter().any(|name| name == dialect))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::run::SubjectSpec;
    use crate::harness::suite::{Additions, capabilities_of};
    use crate::reference::Base;

    #[test]
    fn a_higher_tier_lets_less_be_left_out() {
        let suite = Suite::load(&Additions::default()).unwrap();
        let has = capabilities_of(&SubjectSpec::reference(Base::Min, "oidc").manifest());
        assert_eq!(gaps(&suite, Tier::Basic, "oidc", &has, false), []);
        let strict = gaps(&suite, Tier::Strict, "oidc", &has, false);
        let names = |name: &str| strict.iter().any(|gap| gap.capability == name);
        assert!(names("nonce") && names("userinfo") && names("https"), "{strict:?}");
        assert!(!names("second-provider"), "strict allows that to be lacking");
        // What of a person a partner shows is its own affair.
        let fields = |tier: Tier| {
            let mut less = has.clone();
            less.retain(|name| !name.starts_with("field:"));
            gaps(&suite, tier, "oidc", &less, true)
                .into_iter()
                .filter(|gap| gap.capability.starts_with("field:"))
                .count()
        };
        assert_eq!([Tier::Standard, Tier::Strict, Tier::Fapi].map(fields), [0, 0, 0]);
        let shown = suite.cases.iter().filter(|case| case.tier > Tier::Basic).flat_map(|case| case.all_needs());
        assert!(shown.filter(|name| name.starts_with("field:")).count() > 0, "the test has lost its eyes");
        let over_tls = gaps(&suite, Tier::Strict, "oidc", &has, true);
        assert!(over_tls.len() < strict.len());
    }

    #[test]
    fn steps_that_were_left_out_are_told_with_what_was_lacking() {
        let suite = Suite::load(&Additions::default()).unwrap();
        let has = capabilities_of(&SubjectSpec::reference(Base::Oidc, "oidc").manifest());
        assert!(left_out(&suite, Tier::Basic, "oidc", &has).is_empty());
        let mut less = has.clone();
        less.remove("account-count");
        let left = left_out(&suite, Tier::Basic, "oidc", &less);
        assert_eq!(left.get("tokens/sub-missing"), Some(&BTreeSet::from(["account-count".to_owned()])));
    }
}
