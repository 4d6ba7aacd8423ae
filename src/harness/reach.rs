//! Where a case will run: from which tier, on which dialects, on which base of the reference partner, in which company.

use std::sync::Arc;

use crate::model::case::Case;
use crate::model::verdict::Tier;
use crate::partner::Company;
use crate::reference::{self, Base};

use super::plan::{Circumstances, Isolation, browser_for, isolation, needs_browser, needs_tls, plan};
use super::run::SubjectSpec;
use super::suite::{Suite, capabilities_of, capabilities_toward};

/// Where a case runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// From this tier upwards.
    pub tier: Tier,
    /// Dialects of the suite that it runs on.
    pub dialects: Vec<String>,
    /// Each base of the reference partner, with the reason why it does not apply there.
    pub bases: Vec<(Base, Option<String>)>,
    /// The odd habit that the reference partner must have for that; it has none where it need not.
    pub habit: Option<&'static str>,
    /// In which company.
    pub isolation: Isolation,
    /// It has a control run: the same steps without what is amiss.
    pub control: bool,
    /// It means something over TLS only.
    pub tls: bool,
    /// It means something in a real browser only.
    pub browser: bool,
}

/// Looks where a case runs; nothing is started.
pub fn reach(suite: &Suite, case: &Arc<Case>) -> Reach {
    let of = &suite.vocabulary.dialects;
    let bound = if case.dialects.is_empty() {
        suite.requirements.get(&case.requirement).map(|rule| rule.dialects.clone()).unwrap_or_default()
    } else {
        case.dialects.clone()
    };
    let dialects: Vec<String> = of.iter().filter(|name| bound.is_empty() || bound.contains(name)).cloned().collect();
    let spoken = spoken_of(&dialects);
    let on = |habit: Option<&str>| Base::ALL.map(|base| (base, why_not(suite, case, base, spoken, habit)));
    let applies = |habit: &Option<&str>| on(*habit).iter().any(|(_, why)| why.is_none());
    let habit = habits(case).find(applies).flatten();
    let bases = on(habit).into();
    Reach {
        tier: case.tier,
        dialects,
        bases,
        habit,
        isolation: isolation(case),
        control: case.is_negative(),
        tls: needs_tls(case),
        browser: needs_browser(case),
    }
}

/// No habit, and those that the reference partner must have for the flaws that a case names.
pub(super) fn habits(case: &Case) -> impl Iterator<Item = Option<&'static str>> {
    std::iter::once(None).chain(reference::habits(&case.kills).into_iter().map(Some))
}

/// Whether a case applies to a base of the reference partner, with one of the habits that its flaws need or without.
pub(super) fn applies(suite: &Suite, case: &Arc<Case>, base: Base, dialect: &str) -> bool {
    habits(case).any(|habit| why_not(suite, case, base, dialect, habit).is_none())
}

/// Why a case does not apply to a base of the reference partner, with that habit where one is named.
pub(super) fn why_not(
    suite: &Suite,
    case: &Arc<Case>,
    base: Base,
    dialect: &str,
    habit: Option<&str>,
) -> Option<String> {
    let subject = SubjectSpec::reference(base, dialect).with_habit(habit);
    let tls = needs_tls(case);
    let manifest = subject.manifest_over(tls);
    let spoken = suite.dialect(dialect);
    let capabilities = spoken.map_or_else(|_| capabilities_of(&manifest), |own| capabilities_toward(&manifest, &own));
    let circumstances = Circumstances {
        manifest: &manifest,
        capabilities: &capabilities,
        dialect,
        tier: Tier::Fapi,
        requirements: &suite.requirements,
        company: Company::SideBySide,
        lacking: &suite.capabilities,
        tls,
        browser: browser_for(case),
    };
    plan(std::slice::from_ref(case), &circumstances).pop().and_then(|planned| planned.not_applicable)
}

/// The dialect that a case is tried on first: OpenID Connect where it applies, else the first of its own.
fn spoken_of(dialects: &[String]) -> &str {
    if dialects.iter().any(|name| name == "oidc") { "oidc" } else { dialects.first().map_or("oidc", String::as_str) }
}

impl Reach {
    /// The dialect that the bases are about.
    pub fn spoken(&self) -> String {
        spoken_of(&self.dialects).to_owned()
    }

    /// In sentences, one per line.
    pub fn text(&self) -> String {
        let mut out = format!("It runs from tier {} upwards, on {}.\n", self.tier, join(&self.dialects));
        let (there, not): (Vec<_>, Vec<_>) = self.bases.iter().partition(|(_, why)| why.is_none());
        let there: Vec<String> = there.iter().map(|(base, _)| base.name().to_owned()).collect();
        if there.is_empty() {
            out.push_str(
                "It applies to no base of the reference partner, so nothing can show that it passes or fails.\n",
            );
        } else {
            let habit = self.habit.map(|own| format!(", where that has the habit {own}")).unwrap_or_default();
            out.push_str(&format!("Of the reference partner it applies to base {}{habit}.\n", join(&there)));
        }
        for (base, why) in not {
            out.push_str(&format!("  not to {}: {}\n", base.name(), why.as_deref().unwrap_or_default()));
        }
        if self.tls {
            out.push_str("It means something over TLS only: countersign run --tls.\n");
        }
        if self.browser {
            out.push_str("It means something in a real browser only: countersign run --browser chromium.\n");
        }
        out.push_str(match self.isolation {
            Isolation::Shared => "It runs side by side with other cases.\n",
            Isolation::Exclusive => "It runs alone, for it is slow or breaks what all share.\n",
            Isolation::Isolated => "It runs alone, with an issuer and a freshly started partner of its own.\n",
        });
        if self.control {
            out.push_str(
                "A control run goes before it: the same steps without what is amiss must sign everybody in.\n",
            );
        }
        out
    }
}

fn join(names: &[String]) -> String {
    match names {
        [] => "no dialect of this suite".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
