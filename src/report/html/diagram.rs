//! A case's course as a sequence diagram: lanes for browser, partner and provider, an arrow for each message. In a narrow
//! window, and for a screen reader, it is a list.

use crate::model::case::{Act, Case};
use crate::model::course::{Course, Mark, Rung};
use crate::model::exchange::Party;
use crate::model::fault::ProviderName;
use crate::report::story;

use super::write::Html;

/// More lanes than the style knows are drawn as the last one.
const MOST_LANES: usize = 6;

fn lane_name(party: Party) -> String {
    match party {
        Party::Agent => "Browser".to_owned(),
        Party::Partner => "Partner".to_owned(),
        Party::Provider(ProviderName::Main) => "Provider".to_owned(),
        Party::Provider(at) => format!("Provider \u{201c}{}\u{201d}", at.name()),
        Party::Elsewhere => "Elsewhere".to_owned(),
    }
}

/// Who takes part, from left to right.
fn lanes(rungs: &[Rung]) -> Vec<Party> {
    let mut all = vec![Party::Agent, Party::Partner, Party::Provider(ProviderName::Main)];
    for rung in rungs {
        if let Rung::Message { from, to, .. } = rung {
            all.extend([*from, *to]);
        }
    }
    all.sort();
    all.dedup();
    all.truncate(MOST_LANES);
    all
}

/// Draws one variant.
pub(super) fn draw(html: &mut Html, case: Option<&Case>, course: &Course) {
    let lanes = lanes(&course.rungs);
    let count = format!("course lanes{}", lanes.len());
    html.within("figure", &[("class", &count)], |html| {
        html.within("div", &[("class", "lanes"), ("aria-hidden", "true")], |html| {
            for lane in &lanes {
                html.leaf("span", &[], &lane_name(*lane));
            }
        });
        html.within("ol", &[("class", "rungs")], |html| {
            for rung in &course.rungs {
                line(html, case, course.variant.as_deref(), rung, &lanes);
            }
        });
    });
}

fn line(html: &mut Html, case: Option<&Case>, variant: Option<&str>, rung: &Rung, lanes: &[Party]) {
    match rung {
        Rung::Step { step, missed } => self::step(html, case, variant, *step, *missed),
        Rung::Message { from, to, head, rest, mark, browser } => {
            let at = |party: &Party| lanes.iter().position(|lane| lane == party).unwrap_or(lanes.len() - 1);
            let (left, right) = (at(from).min(at(to)), at(from).max(at(to)));
            let right = right.max(left + 1).min(lanes.len() - 1);
            let direction = if at(from) <= at(to) { "right" } else { "left" };
            let answer = if head.starts_with(|c: char| c.is_ascii_uppercase()) { "" } else { " answer" };
            let marked = match mark {
                Mark::Plain => "",
                Mark::Fault => " fault",
                Mark::Attack => " attack",
            };
            html.within("li", &[("class", &format!("msg c{left}{right} {direction}{answer}{marked}"))], |html| {
                html.leaf("span", &[("class", "who")], &format!("{} \u{2192} {}", lane_name(*from), lane_name(*to)));
                html.within("span", &[("class", "head")], |html| {
                    // Whose address it is, the lanes say.
                    let head = head.replacen(" {base}/", " /", 1).replacen(" {issuer}/", " /", 1);
                    html.leaf("b", &[], &head);
                    match mark {
                        Mark::Plain => {}
                        Mark::Fault => html.leaf("em", &[("class", "mark")], "deviation"),
                        Mark::Attack => html.leaf("em", &[("class", "mark")], "attack"),
                    }
                    if let Some(browser) = browser {
                        html.leaf("i", &[], &format!("browser {browser}"));
                    }
                });
                if !rest.is_empty() {
                    html.leaf("span", &[("class", "rest")], rest);
                }
                html.leaf("span", &[("class", "arrow"), ("aria-hidden", "true")], "");
            });
        }
        Rung::Look { text, browser } => html.within("li", &[("class", "look")], |html| {
            html.leaf("b", &[], "Probe: ");
            html.text(text);
            if let Some(browser) = browser {
                html.text(&format!(" (browser {browser})"));
            }
        }),
        Rung::Gap(count) => html.leaf("li", &[("class", "gap")], &format!("{count} more lines are left out")),
    }
}

fn step(html: &mut Html, case: Option<&Case>, variant: Option<&str>, step: usize, missed: bool) {
    let Some((case, of_case)) = case.and_then(|case| Some((case, case.steps.get(step)?))) else { return };
    let kind = match of_case.act {
        Act::Expect(_) if missed => "step expect missed",
        Act::Expect(_) => "step expect",
        Act::Fault(_) => "step deviates",
        _ if of_case.attack => "step attacks",
        _ => "step",
    };
    html.within("li", &[("class", kind)], |html| {
        html.leaf("span", &[("class", "number")], &format!("{}", step + 1));
        html.text(&format!(" {}", story::deed(case, of_case, variant)));
        if missed {
            html.leaf("strong", &[], " \u{2014} this is not what was seen");
        }
    });
}
