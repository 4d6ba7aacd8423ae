//! The requirements of a run: what became of each, in which cases, and what to do about those that were missed.

use std::collections::BTreeMap;

use crate::harness::suite::Suite;
use crate::model::advice::Advice;
use crate::model::result::{CaseResult, Report};
use crate::model::verdict::Verdict;

use super::write::Html;
use super::{anchor, badge};

/// A rule and what became of it: the cases that judged it, each with its verdict; `None` for what belongs to no case.
pub(super) struct Judged<'a> {
    pub id: &'a str,
    pub cases: Vec<(Option<&'a CaseResult>, Verdict)>,
    pub known: bool,
}

impl Judged<'_> {
    pub fn worst(&self) -> Verdict {
        self.cases.iter().map(|(_, verdict)| *verdict).max().unwrap_or(Verdict::NotApplicable)
    }
}

/// Every rule of the run, the worst first.
pub(super) fn judged<'a>(report: &'a Report, suite: &'a Suite) -> Vec<Judged<'a>> {
    let mut rules: BTreeMap<&str, Judged<'_>> = BTreeMap::new();
    let mut add = |id: &'a str, case: Option<&'a CaseResult>, verdict: Verdict, known: bool| {
        let rule = rules.entry(id).or_insert_with(|| Judged { id, cases: Vec::new(), known: true });
        rule.cases.push((case, verdict));
        rule.known &= known || verdict <= Verdict::Pass;
    };
    for finding in &report.findings {
        add(&finding.requirement, None, finding.verdict, finding.known);
    }
    for case in &report.cases {
        let of_file = suite.case(&case.id);
        let steps = of_file.iter().flat_map(|file| file.steps.iter().filter_map(|step| step.requirement.as_deref()));
        let mut ids: Vec<&str> = of_file.map(|file| file.requirement.as_str()).into_iter().chain(steps).collect();
        ids.extend(case.findings.iter().map(|finding| finding.requirement.as_str()));
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let own = || case.findings.iter().filter(|finding| finding.requirement == id);
            let verdict = own().map(|finding| finding.verdict).max().unwrap_or(match case.verdict {
                // What another rule of the case missed says nothing about this one.
                Verdict::Warn | Verdict::Fail => Verdict::Pass,
                verdict => verdict,
            });
            let known = own().filter(|finding| finding.verdict == Verdict::Fail).all(|finding| finding.known);
            add(id, Some(case), verdict, known && verdict == Verdict::Fail);
        }
    }
    let mut rules: Vec<Judged<'_>> = rules.into_values().collect();
    rules.sort_by_key(|rule| (std::cmp::Reverse(rule.worst()), rule.id));
    rules
}

/// What a rule says, with a link to its clause.
pub(super) fn statement(html: &mut Html, id: &str, level: Option<&str>, suite: &Suite) {
    html.within("p", &[("class", "rule")], |html| {
        html.leaf("code", &[], id);
        let rule = suite.requirements.get(id);
        let own = rule.map(|rule| rule.level.to_string());
        if let Some(level) = level.or(own.as_deref()) {
            html.text(" ");
            html.leaf("span", &[("class", "level")], level);
        }
        if let Some(rule) = rule {
            html.text(&format!(" {} ", rule.summary));
            html.within("span", &[("class", "clause")], |html| html.link(rule.url.as_deref(), &rule.clause));
        }
    });
}

/// What is mostly behind it and how to mend it.
pub(super) fn advice(html: &mut Html, advice: &Advice) {
    html.within("dl", &[("class", "advice")], |html| {
        html.leaf("dt", &[], "Likely cause");
        html.leaf("dd", &[], &advice.cause);
        html.leaf("dt", &[], "How to fix it");
        html.leaf("dd", &[], &advice.fix);
        if !advice.libraries.is_empty() {
            html.leaf("dt", &[], "In common libraries");
            html.within("dd", &[], |html| {
                html.within("ul", &[], |html| {
                    for (library, what) in &advice.libraries {
                        html.within("li", &[], |html| {
                            html.leaf("b", &[], library);
                            html.text(&format!(": {what}"));
                        });
                    }
                });
            });
        }
    });
}

/// What to mend, the worst first: a card for each rule that was missed.
pub(super) fn to_mend(html: &mut Html, rules: &[Judged<'_>], suite: &Suite) {
    let missed = |rule: &&Judged<'_>| matches!(rule.worst(), Verdict::Warn | Verdict::Fail);
    if !rules.iter().any(|rule| missed(&rule)) {
        let judged = rules.iter().any(|rule| rule.worst() == Verdict::Pass);
        let met = "Nothing: every requirement that was judged is met.";
        html.leaf("p", &[("class", "quiet")], if judged { met } else { "No requirement was judged." });
        return;
    }
    for rule in rules.iter().filter(missed) {
        let class = format!("card {}", super::class(rule.worst()));
        html.within("article", &[("class", &class)], |html| {
            html.within("h3", &[], |html| {
                badge(html, rule.worst(), rule.known);
                html.text(" ");
                html.text(suite.requirements.get(rule.id).map_or(rule.id, |known| &known.summary));
            });
            html.within("p", &[("class", "rule")], |html| {
                html.leaf("code", &[], rule.id);
                if let Some(known) = suite.requirements.get(rule.id) {
                    html.text(" ");
                    html.link(known.url.as_deref(), &known.clause);
                }
            });
            if let Some(found) = suite.advice.get(rule.id) {
                advice(html, found);
            }
            html.within("p", &[("class", "seen")], |html| {
                html.text("Seen in ");
                for (at, (case, _)) in rule.cases.iter().filter(|(_, verdict)| *verdict >= Verdict::Warn).enumerate() {
                    html.text(if at == 0 { "" } else { ", " });
                    place(html, *case);
                }
            });
        });
    }
}

fn place(html: &mut Html, case: Option<&CaseResult>) {
    match case {
        Some(case) => html.leaf("a", &[("href", &format!("#{}", anchor("case", &case.id)))], &case.id),
        None => html.leaf("a", &[("href", "#run")], "the run"),
    }
}

/// Every rule with its verdict and its cases.
pub(super) fn table(html: &mut Html, rules: &[Judged<'_>], suite: &Suite) {
    html.within("ul", &[("class", "rules")], |html| {
        for rule in rules {
            let verdict = super::class(rule.worst());
            html.within("li", &[("data-verdict", verdict), ("id", &anchor("rule", rule.id))], |html| {
                badge(html, rule.worst(), rule.known);
                html.within("div", &[], |html| {
                    statement(html, rule.id, None, suite);
                    html.within("p", &[("class", "seen")], |html| {
                        for (at, (case, verdict)) in rule.cases.iter().enumerate() {
                            html.text(if at == 0 { "" } else { ", " });
                            place(html, *case);
                            if *verdict != rule.worst() {
                                html.text(&format!(" ({verdict})"));
                            }
                        }
                    });
                });
            });
        }
    });
}
