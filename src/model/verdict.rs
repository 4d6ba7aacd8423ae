//! Levels, tiers and verdicts: the words in which a judgement is given.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How strongly a requirement binds (RFC 2119, section 1 to 5).
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// A note, never a verdict.
    May,
    /// Missing it is a `warn`.
    Should,
    /// Missing it is a `fail`.
    Must,
}

impl Level {
    /// The verdict when a requirement of this level was missed.
    pub fn when_missed(self) -> Verdict {
        match self {
            Level::Must => Verdict::Fail,
            Level::Should => Verdict::Warn,
            Level::May => Verdict::Pass,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::May => "MAY",
            Level::Should => "SHOULD",
            Level::Must => "MUST",
        })
    }
}

/// Certification tier. `basic ⊂ standard ⊂ strict ⊂ fapi`: a run of one includes those below it.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// What a partner must hold before it goes live with test users.
    #[default]
    Basic,
    /// Every public partner.
    Standard,
    /// Sensitive data, many users.
    Strict,
    /// Payments and health: the FAPI profiles.
    Fapi,
}

impl Tier {
    /// All tiers, lowest first.
    pub const ALL: [Tier; 4] = [Tier::Basic, Tier::Standard, Tier::Strict, Tier::Fapi];

    /// The name as files and flags spell it.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Basic => "basic",
            Tier::Standard => "standard",
            Tier::Strict => "strict",
            Tier::Fapi => "fapi",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A level that is the same in every tier, or grows with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LevelRule {
    /// The same in every tier.
    Fixed(Level),
    /// From the named tier upwards; below the lowest named tier the lowest entry holds.
    ByTier(BTreeMap<Tier, Level>),
}

impl LevelRule {
    /// The level in a run of `tier`.
    pub fn at(&self, tier: Tier) -> Level {
        match self {
            LevelRule::Fixed(level) => *level,
            LevelRule::ByTier(by_tier) => by_tier
                .range(..=tier)
                .next_back()
                .or_else(|| by_tier.iter().next())
                .map_or(Level::Must, |(_, level)| *level),
        }
    }
}

/// The judgement on a case, a variant or a finding. Ordered from best to worst.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The partner does not offer what the case is about.
    NotApplicable,
    /// What had to be seen was seen.
    Pass,
    /// A SHOULD was missed.
    Warn,
    /// Nothing can be said: a control failed, the fault never arrived, the probe was unstable.
    Inconclusive,
    /// A MUST was missed.
    Fail,
}

impl Verdict {
    /// The words that people read.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::NotApplicable => "not applicable",
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Fail => "fail",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_by_tier_holds_from_its_tier_upwards() {
        let rule = LevelRule::ByTier(BTreeMap::from([(Tier::Basic, Level::Should), (Tier::Standard, Level::Must)]));
        assert_eq!(rule.at(Tier::Basic), Level::Should);
        assert_eq!(rule.at(Tier::Standard), Level::Must);
        assert_eq!(rule.at(Tier::Strict), Level::Must);
    }

    #[test]
    fn a_fail_is_worse_than_everything_else() {
        let mut all = [Verdict::Fail, Verdict::Pass, Verdict::Inconclusive, Verdict::NotApplicable, Verdict::Warn];
        all.sort();
        assert_eq!(all.last(), Some(&Verdict::Fail));
    }
}
