//! The report as one HTML file that needs nothing else: no network, no fonts, no pictures. It can be read without its
//! script, which only searches and filters.
//!
//! Whatever comes from a partner is escaped ([`write`]); a Content-Security-Policy lets nothing run or load but the style
//! and the script that are in this program.

mod case;
mod diagram;
mod rules;
mod write;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::harness::suite::Suite;
use crate::model::course::Course;
use crate::model::result::{CaseResult, Report, Totals};
use crate::model::verdict::Verdict;

use write::Html;

/// The page's only style sheet.
const STYLE: &str = include_str!("style.css");

/// The page's only script.
const SCRIPT: &str = include_str!("script.js");

/// Case id -> what its variants went through.
pub type Courses = BTreeMap<String, Vec<Course>>;

/// The page. `day`: when the run was, as it is shown.
pub fn text(report: &Report, courses: &Courses, suite: &Suite, day: &str) -> String {
    let mut html = Html::default();
    html.own("<!doctype html>\n");
    html.within("html", &[("lang", "en")], |html| {
        html.within("head", &[], |html| head(html, report));
        html.within("body", &[], |html| body(html, report, courses, suite, day));
    });
    html.own("\n");
    html.done()
}

fn head(html: &mut Html, report: &Report) {
    html.open("meta", &[("charset", "utf-8")]);
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    );
    html.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
    html.open("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    html.open("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    html.open("meta", &[("name", "referrer"), ("content", "no-referrer")]);
    html.leaf("title", &[], &format!("{}: {}", report.partner.name, sentence(report)));
    html.within("style", &[], |html| html.own(STYLE));
}

/// The class of a verdict, for style and filter.
fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotApplicable => "na",
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Fail => "fail",
    }
}

fn badge(html: &mut Html, verdict: Verdict, known: bool) {
    let known = known && verdict == Verdict::Fail;
    let words = if known { "known" } else { verdict.words() };
    html.leaf("span", &[("class", &format!("badge {}", if known { "warn" } else { class(verdict) }))], words);
}

/// Where something is on the page: its kind and its id, in letters that an address can hold as they are.
fn anchor(kind: &str, id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-./_".contains(c) { c } else { '~' };
    format!("{kind}:{}", id.chars().map(plain).collect::<String>())
}

/// What the run says, in one sentence.
fn sentence(report: &Report) -> String {
    let Totals { fail, warn, inconclusive, .. } = report.totals;
    let many = |count: usize, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
    let unknown = |case: &&CaseResult| {
        case.verdict == Verdict::Fail && case.findings.iter().any(|one| one.verdict == Verdict::Fail && !one.known)
    };
    let new = report.cases.iter().filter(unknown).count();
    if report.run.blocked.is_some() {
        "blocked: not everything could be judged".to_owned()
    } else if new > 0 {
        format!("{} failed", many(new, "case", "cases"))
    } else if report.findings.iter().any(|finding| finding.verdict == Verdict::Fail && !finding.known) {
        "a requirement failed".to_owned()
    } else if inconclusive > 0 {
        format!("nothing failed, but about {} nothing can be said", many(inconclusive, "case", "cases"))
    } else if report.cases.is_empty() {
        "no case matched".to_owned()
    } else if fail > 0 {
        format!("nothing new failed, {} known", many(fail, "failure is", "failures are"))
    } else if warn > 0 {
        format!("nothing failed, {}", many(warn, "warning", "warnings"))
    } else {
        "everything that was tested holds".to_owned()
    }
}

/// The worst that the run says, for the colour of its head.
fn worst(report: &Report) -> Verdict {
    match report.exit_code(false) {
        0 if report.totals.warn > 0 || report.totals.fail > 0 => Verdict::Warn,
        0 | 3 => Verdict::Pass,
        4 => Verdict::NotApplicable,
        6 => Verdict::Inconclusive,
        _ => Verdict::Fail,
    }
}

fn body(html: &mut Html, report: &Report, courses: &Courses, suite: &Suite, day: &str) {
    let judged = rules::judged(report, suite);
    top(html, report, day);
    html.within("nav", &[("aria-label", "Parts of the report")], |html| {
        for (to, name) in
            [("#mend", "What to fix"), ("#cases", "Cases"), ("#rules", "Requirements"), ("#untested", "Not tested")]
        {
            html.leaf("a", &[("href", to)], name);
        }
        // Filled by the script; without it there is nothing to press.
        html.leaf("div", &[("id", "tools"), ("hidden", "")], "");
    });
    html.within("main", &[], |html| {
        of_the_run(html, report, suite);
        section(html, "mend", "What to fix", |html| rules::to_mend(html, &judged, suite));
        section(html, "cases", "Cases by area", |html| areas(html, report, courses, suite));
        section(html, "rules", "Requirements", |html| rules::table(html, &judged, suite));
        section(html, "untested", "What was not tested, and why", |html| untested(html, report));
    });
    html.within("footer", &[], |html| {
        html.leaf("p", &[], "A MUST that is missed fails, a SHOULD that is missed warns. Nothing that was not seen counts: about what could not be observed the report says so. Values that are secret or new in each run stand under names, such as <state 1>; {base} is the partner's address and {issuer} the provider's.");
        html.leaf("p", &[], &format!("Made by Countersign {}, suite {}.", report.suite.version, report.suite.digest));
    });
    html.within("script", &[], |html| html.own(SCRIPT));
}

fn section(html: &mut Html, id: &str, title: &str, inside: impl FnOnce(&mut Html)) {
    html.within("section", &[("id", id)], |html| {
        html.leaf("h2", &[], title);
        inside(html);
    });
}

fn top(html: &mut Html, report: &Report, day: &str) {
    html.within("header", &[("class", class(worst(report)))], |html| {
        html.leaf("p", &[("class", "kicker")], "Countersign report");
        html.leaf("h1", &[], &report.partner.name);
        html.leaf("p", &[("class", "verdict")], &capital(&sentence(report)));
        if let Some(why) = &report.run.blocked {
            html.leaf("pre", &[], why);
        }
        bar(html, &report.totals);
        html.within("dl", &[("class", "facts")], |html| {
            let base = if report.partner.base.is_empty() { "was not there" } else { &report.partner.base };
            let part = if report.run.complete { "every case" } else { "a part of the cases" };
            let facts = [
                ("Dialect", report.partner.dialect.clone()),
                ("Tier", format!("{}, {part}", report.run.tier)),
                ("Partner at", base.to_owned()),
                ("Run", format!("{day}, {:.1} s", report.duration_ms as f64 / 1000.0)),
                ("Seed", report.run.seed.to_string()),
            ];
            for (name, value) in facts {
                html.within("div", &[], |html| {
                    html.leaf("dt", &[], name);
                    html.leaf("dd", &[], &value);
                });
            }
        });
    });
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// How the verdicts are shared out, as a bar and in numbers.
fn bar(html: &mut Html, totals: &Totals) {
    let shares = [
        (Verdict::Fail, totals.fail),
        (Verdict::Inconclusive, totals.inconclusive),
        (Verdict::Warn, totals.warn),
        (Verdict::Pass, totals.pass),
        (Verdict::NotApplicable, totals.not_applicable),
    ];
    let all = totals.all().max(1);
    html.within(
        "svg",
        &[("class", "bar"), ("viewBox", "0 0 1000 10"), ("preserveAspectRatio", "none"), ("aria-hidden", "true")],
        |html| {
            let mut left = 0;
            for (verdict, count) in shares {
                let (x, width) = ((left * 1000 / all).to_string(), (count * 1000 / all).to_string());
                let place = [("x", x.as_str()), ("width", &width), ("height", "10"), ("class", class(verdict))];
                html.leaf("rect", &place, "");
                left += count;
            }
        },
    );
    html.within("ul", &[("class", "totals")], |html| {
        for (verdict, count) in shares.iter().filter(|(_, count)| *count > 0) {
            html.within("li", &[("class", class(*verdict)), ("data-verdict", class(*verdict))], |html| {
                html.leaf("b", &[], &count.to_string());
                html.text(&format!(" {}", verdict.words()));
            });
        }
    });
}

/// What belongs to no case.
fn of_the_run(html: &mut Html, report: &Report, suite: &Suite) {
    if report.findings.is_empty() && report.stale_known.is_empty() && report.orphaned_snapshots.is_empty() {
        return;
    }
    section(html, "run", "The run as a whole", |html| {
        for finding in &report.findings {
            case::finding(html, finding, &[], suite);
            if let Some(rerun) = &finding.rerun {
                case::rerun(html, rerun);
            }
        }
        for sentence in &report.stale_known {
            html.leaf("pre", &[], sentence);
        }
        for path in &report.orphaned_snapshots {
            html.leaf("p", &[], &format!("A snapshot without a case: {path}"));
        }
    });
}

fn areas(html: &mut Html, report: &Report, courses: &Courses, suite: &Suite) {
    let mut areas: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for case in &report.cases {
        areas.entry(case.id.split('/').next().unwrap_or_default()).or_default().push(case);
    }
    for (area, mut cases) in areas {
        cases.sort_by_key(|case| std::cmp::Reverse(case.verdict));
        html.within("section", &[("class", "area")], |html| {
            html.within("h3", &[], |html| {
                html.text(area);
                html.text(" ");
                html.leaf("small", &[], &counts(&cases));
            });
            for one in cases {
                case::write(html, one, courses.get(&one.id).map_or(&[], Vec::as_slice), suite);
            }
        });
    }
}

fn counts(cases: &[&CaseResult]) -> String {
    let all = [Verdict::Fail, Verdict::Inconclusive, Verdict::Warn, Verdict::Pass, Verdict::NotApplicable];
    let count = |verdict: Verdict| cases.iter().filter(|case| case.verdict == verdict).count();
    let told = all.into_iter().map(|verdict| (count(verdict), verdict)).filter(|(count, _)| *count > 0);
    told.map(|(count, verdict)| format!("{count} {verdict}")).collect::<Vec<_>>().join(", ")
}

/// Cases that say nothing of the partner, by the reason.
fn untested(html: &mut Html, report: &Report) {
    let mut reasons: BTreeMap<(std::cmp::Reverse<Verdict>, &str), Vec<&CaseResult>> = BTreeMap::new();
    for case in &report.cases {
        if matches!(case.verdict, Verdict::NotApplicable | Verdict::Inconclusive) {
            reasons.entry((std::cmp::Reverse(case.verdict), &case.reason)).or_default().push(case);
        }
    }
    if reasons.is_empty() {
        html.leaf("p", &[("class", "quiet")], "Nothing: every case of this run was played and judged.");
    }
    html.within("ul", &[("class", "reasons")], |html| {
        for ((verdict, reason), cases) in reasons {
            html.within("li", &[], |html| {
                badge(html, verdict.0, false);
                html.within("div", &[], |html| {
                    html.leaf("p", &[], if reason.is_empty() { "no reason was noted" } else { reason });
                    html.within("p", &[("class", "seen")], |html| {
                        for (at, case) in cases.iter().enumerate() {
                            html.text(if at == 0 { "" } else { ", " });
                            html.leaf("a", &[("href", &format!("#{}", anchor("case", &case.id)))], &case.id);
                        }
                    });
                });
            });
        }
    });
    if !report.run.complete {
        let text = "This run was filtered or split: cases that were not chosen are not in this report.";
        html.leaf("p", &[("class", "quiet")], text);
    }
}
