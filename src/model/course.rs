//! The course of an attempt: who said what to whom, step by step, compact and without secrets. Diagrams are drawn from it
//! long after the transcript itself is gone.

use super::exchange::Party;
use super::verdict::Verdict;

/// What one variant of a case went through.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Its name; `None` where the case has no variants.
    pub variant: Option<String>,
    /// The judgement on it.
    pub verdict: Verdict,
    /// Why it is inconclusive or not applicable; otherwise empty.
    pub reason: String,
    /// In the order of the case's steps. Empty where another variant's course stands for this one's.
    pub rungs: Vec<Rung>,
}

/// One line of a diagram. Every text in it is one line, bounded, without control characters, and shows names where
/// secrets were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rung {
    /// A step of the case begins.
    Step {
        /// Its index in the case, from 0.
        step: usize,
        /// It is an expectation, and something else was seen.
        missed: bool,
    },
    /// A request or an answer.
    Message {
        /// Who sends it.
        from: Party,
        /// Who gets it.
        to: Party,
        /// Method and target, or status and endpoint.
        head: String,
        /// Parameters or members; may be empty.
        rest: String,
        /// Whether it is what the partner should have minded.
        mark: Mark,
        /// The browser, where the case has several.
        browser: Option<String>,
    },
    /// What the probe saw of the partner.
    Look {
        /// In words.
        text: String,
        /// The browser, where the case has several.
        browser: Option<String>,
    },
    /// So many lines are left out here.
    Gap(usize),
}

/// What is special about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    Plain,
    /// A fault changed it.
    Fault,
    /// An attacker's hand is in it.
    Attack,
}
