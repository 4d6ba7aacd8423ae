//! A case told as a numbered story in plain English: what must hold, what happens, who must catch it.

mod acts;
mod expectations;
mod faults;
mod values;

use crate::model::case::{Act, BrowserName, Case, FaultSource, Step, VariantName};
use crate::model::requirement::Registry;
use crate::model::verdict::{LevelRule, Tier};
use crate::reference::FLAWS;

/// The whole story.
pub fn text(case: &Case, requirements: &Registry) -> String {
    let mut out = format!("{}\n{}\n\n", case.id, case.title);
    rule(&mut out, case, requirements);
    out.push_str(&format!("tier   {}\n", case.tier));
    for (what, list) in [("needs ", &case.needs), ("unless", &case.unless)] {
        if !list.is_empty() {
            out.push_str(&format!("{what} {}\n", list.join(", ")));
        }
    }
    if let Some(about) = &case.about {
        out.push_str(&format!("\n{about}\n"));
    }
    variants(&mut out, case);
    out.push('\n');
    for (number, step) in case.steps.iter().enumerate() {
        out.push_str(&format!("{:>2}. {}\n", number + 1, step_words(step, case, requirements)));
    }
    kills(&mut out, case);
    out
}

fn rule(out: &mut String, case: &Case, requirements: &Registry) {
    let Some(rule) = requirements.get(&case.requirement) else {
        return out.push_str(&format!("rule   {}\n", case.requirement));
    };
    let level = case.level.as_ref().map_or(rule.level.to_string(), level_words);
    out.push_str(&format!("rule   {} ({level}): {}\n       {}\n", rule.id, rule.summary, rule.clause));
    out.extend(rule.url.as_ref().map(|url| format!("       {url}\n")));
}

fn level_words(rule: &LevelRule) -> String {
    match rule {
        LevelRule::Fixed(level) => level.to_string(),
        LevelRule::ByTier(levels) => {
            levels.iter().map(|(tier, level)| format!("{level} from {tier}")).collect::<Vec<_>>().join(", ")
        }
    }
}

fn variants(out: &mut String, case: &Case) {
    if case.variants.is_empty() {
        return;
    }
    out.push_str("\nPlayed once for each of these, with a verdict of its own:\n");
    for variant in &case.variants {
        let name = match &variant.name {
            VariantName::Name(name) => name.clone(),
            VariantName::Each(list) => format!("each of the manifest's {}", list.name().replace('_', " ")),
        };
        let what = match (&variant.fault, &variant.value) {
            (Some(fault), _) => format!(": {}", faults::fault(fault)),
            (None, Some(value)) => format!(": {}", values::value(value)),
            (None, None) => String::new(),
        };
        let tier = variant.tier.filter(|tier| *tier != Tier::Basic).map(|tier| format!(" (from tier {tier})"));
        let level = variant.level.as_ref().map(|level| format!(" ({})", level_words(level)));
        out.push_str(&format!("  - {name}{what}{}{}\n", tier.unwrap_or_default(), level.unwrap_or_default()));
    }
}

/// Who must catch it: each flaw with what a partner that has it does wrong.
fn kills(out: &mut String, case: &Case) {
    if case.kills.is_empty() {
        return out.push_str("\nNo flaw of the reference partner is named that it must catch.\n");
    }
    out.push_str("\nIt must catch a partner in which\n");
    for kill in &case.kills {
        let flaw = FLAWS.iter().find(|flaw| flaw.id == kill);
        let what = flaw.map_or(String::new(), |flaw| {
            let habit = flaw.habit.map(|own| format!(", with the habit {own}")).unwrap_or_default();
            format!(": {} (base {}{habit})", flaw.what, flaw.base.name())
        });
        out.push_str(&format!("  - {kill}{what}\n"));
    }
}

/// What is done in a step, on one line; a deviation is that of this variant.
pub(super) fn deed(case: &Case, step: &Step, variant: Option<&str>) -> String {
    let is_this = |name: &VariantName| matches!(name, VariantName::Name(own) if Some(own.as_str()) == variant);
    let fault = case.variants.iter().find(|own| is_this(&own.name)).and_then(|own| own.fault.as_ref());
    let act = match (&step.act, fault) {
        (Act::Fault(FaultSource::Variant), Some(fault)) => format!("from now on, {}", faults::fault(fault)),
        _ => acts::act(&step.act, case),
    };
    place_and_times(act, step)
}

fn place_and_times(mut words: String, step: &Step) -> String {
    match &step.browser {
        BrowserName::Named(name) if name == "first" => {}
        BrowserName::Named(name) => words.push_str(&format!(" (browser \"{name}\")")),
        BrowserName::New => words.push_str(" (in a new browser)"),
        BrowserName::Every => words.push_str(" (in every browser)"),
    }
    if step.tab != "first" {
        words.push_str(&format!(" (tab \"{}\")", step.tab));
    }
    match (step.repeat, step.background) {
        (1, false) => {}
        (1, true) => words.push_str(", while the story goes on"),
        (times, false) => words.push_str(&format!(", {times} times")),
        (times, true) => words.push_str(&format!(", {times} times at once, while the story goes on")),
    }
    for (name, address) in &step.save {
        words.push_str(&format!("; keep its {address} as \"{name}\""));
    }
    words
}

fn step_words(step: &Step, case: &Case, requirements: &Registry) -> String {
    let mut words = place_and_times(acts::act(&step.act, case), step);
    if !step.needs.is_empty() {
        words = format!("if the partner has {}: {words}", step.needs.join(" and "));
    }
    if let Some(id) = &step.requirement {
        let level = step.level.as_ref().map(level_words);
        let level = level.or_else(|| requirements.get(id).map(|rule| rule.level.to_string())).unwrap_or_default();
        words.push_str(&format!("\n    {level} of {id}"));
        words.extend(requirements.get(id).map(|rule| format!(": {}", rule.summary)));
    } else if let Some(level) = &step.level {
        words.push_str(&format!("\n    here a {}", level_words(level)));
    }
    if step.attack || matches!(step.act, Act::Fault(_)) {
        words.push_str("   [not in the control run]");
    }
    words
}

/// The number of a step by its name.
fn number_of(case: &Case, name: &str) -> String {
    match case.steps.iter().position(|step| step.name.as_deref() == Some(name)) {
        Some(at) => format!("step {}", at + 1),
        None => format!("\"{name}\""),
    }
}
