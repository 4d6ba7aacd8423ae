//! The one mechanism behind flaws and odd habits: a list of what can be switched on, and a set of names that is asked at
//! the place where a partner without them would do otherwise.

use std::collections::BTreeSet;

use super::Base;

/// Something that can be switched on: a flaw or an odd habit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch {
    /// `skip-nonce`, `answers-slowly`.
    pub id: &'static str,
    /// Of a flaw: the weakest base on which it shows; of a habit: the base that has it.
    pub base: Base,
    /// What is wrong or what it does, in one line.
    pub what: &'static str,
    /// Dialects on which a flaw cannot show, although cases that name it apply there: what it spoils is not there.
    pub not_on: &'static [&'static str],
    /// The odd habit that a partner must have to have this flaw at all.
    pub habit: Option<&'static str>,
}

impl Switch {
    pub(super) const fn new(id: &'static str, base: Base, what: &'static str) -> Switch {
        Switch { id, base, what, not_on: &[], habit: None }
    }

    /// The same, which cannot show on these dialects.
    pub(super) const fn not_on(self, dialects: &'static [&'static str]) -> Switch {
        Switch { not_on: dialects, ..self }
    }

    /// The same, which only a partner with this habit can have.
    pub(super) const fn of(self, habit: &'static str) -> Switch {
        Switch { habit: Some(habit), ..self }
    }
}

/// The habits without which a partner cannot have these flaws.
pub fn habits<S: AsRef<str>>(flaws: impl IntoIterator<Item = S>) -> BTreeSet<&'static str> {
    let of = |id: S| super::FLAWS.iter().find(|flaw| flaw.id == id.as_ref())?.habit;
    flaws.into_iter().filter_map(of).collect()
}

/// Which of a list are on.
#[derive(Debug, Clone)]
pub(super) struct Switches {
    known: &'static [Switch],
    on: BTreeSet<String>,
}

impl Switches {
    /// Those of `known` that are named in `on`.
    pub fn new(known: &'static [Switch], on: &BTreeSet<String>) -> Switches {
        Switches { known, on: on.clone() }
    }

    /// Whether this one is on.
    pub fn has(&self, id: &str) -> bool {
        debug_assert!(self.known.iter().any(|switch| switch.id == id), "nothing to switch on is called {id}");
        self.on.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FLAWS, ODDITIES};
    use super::*;

    #[test]
    fn every_switch_has_an_id_of_its_own_and_says_what_it_does() {
        let all: Vec<&Switch> = FLAWS.iter().chain(ODDITIES).collect();
        let ids: BTreeSet<&str> = all.iter().map(|switch| switch.id).collect();
        assert_eq!(ids.len(), all.len());
        assert!(all.iter().all(|switch| !switch.what.is_empty()));
    }

    #[test]
    fn a_flaw_that_needs_a_habit_shows_where_there_is_one_and_brings_it_along() {
        for flaw in FLAWS {
            let Some(habit) = flaw.habit else { continue };
            let habit = ODDITIES.iter().find(|odd| odd.id == habit).unwrap_or_else(|| panic!("{}: {habit}", flaw.id));
            assert!(flaw.base >= habit.base, "{}", flaw.id);
            assert_eq!(habits([flaw.id]), BTreeSet::from([habit.id]));
        }
        assert!(FLAWS.iter().any(|flaw| flaw.habit.is_some()));
        assert_eq!(habits(["skip-nonce", "skip-iss"]), BTreeSet::new());
    }

    #[test]
    fn what_is_named_is_on_and_nothing_else() {
        let switches = Switches::new(FLAWS, &BTreeSet::from(["skip-nonce".to_owned()]));
        assert!(switches.has("skip-nonce") && !switches.has("skip-iss"));
    }

    #[test]
    #[should_panic(expected = "nothing to switch on is called skip-nonsense")]
    #[cfg(debug_assertions)]
    fn a_name_that_nobody_can_switch_on_is_a_mistake_of_the_partner_itself() {
        Switches::new(FLAWS, &BTreeSet::new()).has("skip-nonsense");
    }
}
