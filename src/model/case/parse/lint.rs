//! What can only be seen across steps: names that nobody made, messages that nobody releases, cases that prove nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::model::case::{Act, BrowserName, Case, Expectation, Expected, FaultSource, Step, Target, Who};
use crate::model::diagnostic::nearest;
use crate::model::fault::{Fault, Pace, ProviderName};

use super::reader::{Node, Reader, members};

/// Fewer samples say nothing about entropy.
const SAMPLES: u32 = 100;

/// Looks a case over as a whole.
pub(super) fn case<'t>(reader: &Reader<'t>, case: &Case, table: &'t DeTable<'t>) {
    let steps: Vec<Node<'t>> = match table.get("step").map(|node| node.get_ref()) {
        Some(DeValue::Array(items)) => items.iter().collect(),
        _ => Vec::new(),
    };
    saved_names(reader, &steps, table);
    if reader.found_any() {
        // The rest speaks of steps by their order; with some of them unread it would find what is not there.
        return;
    }
    proves_something(reader, case);
    step_needs(reader, case, &steps);
    step_names(reader, case, &steps);
    chances(reader, case, &steps);
    held(reader, case, &steps);
    providers(reader, case);
    variants(reader, case);
}

fn proves_something(reader: &Reader<'_>, case: &Case) {
    let expects = case.steps.iter().any(|step| matches!(step.act, Act::Expect(_)));
    if !expects {
        let help = "end with what must be seen, for instance\n[[step]]\nexpect = { session = \"nobody\" }";
        return reader.whole("no step of this case is an expectation", help);
    }
    if case.is_negative() && case.kills.is_empty() {
        let what =
            if case.steps.iter().any(|step| matches!(step.act, Act::Fault(_))) { "a fault" } else { "an attack" };
        reader.whole(
            format!("this case has {what} but no `kills`, so nothing proves that it can fail"),
            "name a flaw (countersign partner --list-flaws), or add one to the reference partner",
        );
    }
}

/// What a step needs is worth saying only where the whole case does not need it; and what is left out with a step must
/// not be missed by one that stays.
fn step_needs<'t>(reader: &Reader<'t>, case: &Case, steps: &[Node<'t>]) {
    let expects = case.steps.iter().any(|step| matches!(step.act, Act::Expect(_)));
    if expects && case.own_expectations().next().is_none() {
        reader.whole(
            format!("no expectation is about the case's own rule, `{}`", case.requirement),
            "leave `requirement` out where it is meant",
        );
    }
    let mut saved: BTreeMap<&str, &Step> = BTreeMap::new();
    for (step, node) in case.steps.iter().zip(steps) {
        if let Some(need) = step.needs.iter().find(|need| case.needs.contains(need)) {
            let message = format!("the whole case needs `{need}`, so this step cannot be left out for lack of it");
            reader.error(place_of(node, &["needs"]), message, "take it out here, or out of the header");
        }
        let mut uses = Vec::new();
        collect_saved(node, &mut uses);
        let named = match &step.act {
            Act::Mend(name) => case.steps.iter().find(|own| own.name.as_ref() == Some(name)),
            Act::Expect(own) => case.steps.iter().find(|step| step.name.is_some() && step.name == own.since),
            _ => None,
        };
        let sources = uses.iter().filter_map(|(name, span)| Some((*saved.get(name.as_str())?, span.clone())));
        for (source, span) in sources.chain(named.map(|named| (named, key_span(node, step.act.word())))) {
            if let Some(need) = source.needs.iter().find(|need| !step.needs.contains(need)) {
                let message =
                    format!("without `{need}` the step of line {} is left out, and this one misses it", source.line);
                reader.error(span, message, format!("needs = [\"{need}\"] on this step as well"));
            }
        }
        saved.extend(step.save.iter().map(|(name, _)| (name.as_str(), step)));
    }
}

/// `{ saved = "trap" }` needs an earlier `save`.
fn saved_names<'t>(reader: &Reader<'t>, steps: &[Node<'t>], table: &'t DeTable<'t>) {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut all: Vec<(String, usize)> = Vec::new();
    for node in steps {
        if let Some((name, span, _)) = saves(node).first() {
            all.push((name.clone(), reader.line(span.start)));
        }
    }
    for node in steps {
        let mut uses = Vec::new();
        collect_saved(node, &mut uses);
        for (name, span) in uses {
            if name != "variant" && !known.contains_key(&name) {
                unknown_saved(reader, &name, span, &known, &all);
            }
        }
        for (name, span, _) in saves(node) {
            known.insert(name, reader.line(span.start));
        }
    }
    // Variants are worked out while steps run: any step may have saved what they speak of.
    if let Some(node) = table.get("variant") {
        let mut uses = Vec::new();
        collect_saved(node, &mut uses);
        for (name, span) in uses {
            if !known.contains_key(&name) {
                unknown_saved(reader, &name, span, &known, &all);
            }
        }
    }
}

fn unknown_saved(
    reader: &Reader<'_>,
    name: &str,
    span: Range<usize>,
    known: &BTreeMap<String, usize>,
    all: &[(String, usize)],
) {
    let near = nearest(name, known.keys().map(String::as_str));
    let help = match (near.and_then(|near| known.get(near).map(|line| (near, line))), all.first()) {
        (Some((near, line)), _) => format!("line {line} saves `{near}`"),
        (None, Some((other, line))) => format!("line {line} saves `{other}`; what is used must be saved before"),
        (None, None) => format!("an earlier step must keep it: save = {{ {name} = \"callback\" }}"),
    };
    reader.error(span, format!("nothing has saved `{name}`"), help);
}

fn saves<'t>(node: Node<'t>) -> Vec<(String, Range<usize>, Node<'t>)> {
    let DeValue::Table(step) = node.get_ref() else { return Vec::new() };
    match step.get("save").map(|node| node.get_ref()) {
        Some(DeValue::Table(table)) => {
            members(table).into_iter().map(|(name, span, node)| (name.to_owned(), span, node)).collect()
        }
        _ => Vec::new(),
    }
}

/// Every `saved = "…"` below a value.
fn collect_saved<'t>(node: Node<'t>, into: &mut Vec<(String, Range<usize>)>) {
    match node.get_ref() {
        DeValue::Table(table) => {
            for (name, _, value) in members(table) {
                match (name, value.get_ref()) {
                    ("saved", DeValue::String(text)) => into.push((text.to_string(), value.span())),
                    _ => collect_saved(value, into),
                }
            }
        }
        DeValue::Array(items) => items.iter().for_each(|item| collect_saved(item, into)),
        _ => {}
    }
}

/// The place of a member inside a step, for a caret.
fn place_of<'t>(node: Node<'t>, path: &[&str]) -> Range<usize> {
    let mut at = node;
    for key in path {
        match at.get_ref() {
            DeValue::Table(table) => match table.get(*key) {
                Some(inner) => at = inner,
                None => return at.span(),
            },
            _ => return at.span(),
        }
    }
    at.span()
}

/// `since` and `mend` name an earlier step.
fn step_names<'t>(reader: &Reader<'t>, case: &Case, steps: &[Node<'t>]) {
    let mut earlier: Vec<&str> = Vec::new();
    for (step, node) in case.steps.iter().zip(steps) {
        let wanted = match &step.act {
            Act::Mend(name) if name != "all" => Some((name.as_str(), place_of(node, &["mend"]))),
            Act::Expect(expectation) => {
                expectation.since.as_deref().map(|name| (name, place_of(node, &["expect", "since"])))
            }
            _ => None,
        };
        if let Some((name, span)) = wanted
            && !earlier.contains(&name)
        {
            match case.steps.iter().find(|later| later.name.as_deref() == Some(name)) {
                Some(later) => reader.error(
                    span,
                    format!("the step `{name}` comes later (line {})", later.line),
                    "only a step that is over can be spoken of: change the order",
                ),
                None => reader.unknown(span, &format!("no earlier step is called `{name}`"), name, &earlier, "step"),
            }
        }
        if let Some(name) = &step.name {
            if earlier.contains(&name.as_str()) {
                reader.error(
                    place_of(node, &["name"]),
                    format!("two steps are called `{name}`"),
                    "give one of them another name",
                );
            }
            earlier.push(name);
        }
    }
}

/// `unique` needs two chances to differ, `entropy` a hundred samples.
fn chances<'t>(reader: &Reader<'t>, case: &Case, steps: &[Node<'t>]) {
    let mut logins = 0u32;
    for (step, node) in case.steps.iter().zip(steps) {
        match &step.act {
            Act::SignIn(_) | Act::Visit(_) => logins = logins.saturating_add(step.repeat),
            Act::Expect(expectation) => {
                let alternatives: Vec<&Expectation> = match &expectation.subject {
                    Expected::Any(all) => all.iter().collect(),
                    _ => vec![expectation],
                };
                for alternative in alternatives {
                    if alternative.unique.is_some() && logins < 2 {
                        let span = place_of(node, &["expect", "unique"]);
                        reader.error(
                            span,
                            "there is one chance only, so nothing could come twice",
                            "repeat = 10 on the step before",
                        );
                    }
                    if alternative.entropy.is_some() && logins < SAMPLES {
                        let span = place_of(node, &["expect", "entropy"]);
                        reader.error(
                            span,
                            format!("{logins} samples say nothing about entropy"),
                            format!("repeat = {SAMPLES} on the step before"),
                        );
                    }
                }
            }
            _ => {}
        }
    }
}

struct Gate {
    name: String,
    line: usize,
    of: Option<String>,
    /// Tabs that wait behind it.
    stuck: Vec<(String, String)>,
}

/// A step that waits for a message that nobody releases would wait for ever.
fn held<'t>(reader: &Reader<'t>, case: &Case, steps: &[Node<'t>]) {
    let mut gates: Vec<Gate> = Vec::new();
    for (step, node) in case.steps.iter().zip(steps) {
        let browser = match &step.browser {
            BrowserName::Named(name) => name.clone(),
            BrowserName::New | BrowserName::Every => String::new(),
        };
        match &step.act {
            Act::Fault(source) => {
                let own: Vec<&Fault> = match source {
                    FaultSource::Here(fault) => vec![fault],
                    FaultSource::Variant => case.variants.iter().filter_map(|variant| variant.fault.as_ref()).collect(),
                };
                for patch in own.iter().flat_map(|fault| &fault.patches) {
                    if patch.operations.send == Some(Pace::Held) {
                        gates.push(Gate {
                            name: step.name.clone().unwrap_or_default(),
                            line: fault_line(reader, node, step.line),
                            of: patch.selectors.of.clone(),
                            stuck: Vec::new(),
                        });
                    }
                }
            }
            Act::Mend(name) => gates.retain(|gate| name != "all" && gate.name != *name),
            Act::SignIn(_) | Act::Visit(_) | Act::Consent(_) => {
                let person = match &step.act {
                    Act::SignIn(sign_in) => Some(&sign_in.answer.who),
                    Act::Consent(answer) => Some(&answer.who),
                    _ => None,
                };
                let back = matches!(&step.act, Act::Visit(visit) if visit.target == Target::Back);
                let tab = (browser.clone(), step.tab.clone());
                for gate in &mut gates {
                    let meant = match (&gate.of, person) {
                        (Some(of), Some(Who::Named(name))) => of == name,
                        (None, Some(_)) => true,
                        _ => false,
                    };
                    if step.background {
                        if meant {
                            gate.stuck.push(tab.clone());
                        }
                    } else if (meant || gate.stuck.contains(&tab)) && !back {
                        let word = step.act.word();
                        let span = key_span(node, word);
                        let message = format!(
                            "the step `{}` (line {}) still holds a message that this step in tab `{}` waits for",
                            gate.name, gate.line, step.tab
                        );
                        let line = reader.line(span.start);
                        let help = format!("put mend = \"{}\" before line {line}, or use another tab", gate.name);
                        reader.error(span, message, help);
                        return;
                    }
                }
            }
            _ => {}
        }
    }
}

/// The line where a gate's step names itself, else where its fault stands.
fn fault_line<'t>(reader: &Reader<'t>, node: Node<'t>, line: usize) -> usize {
    let DeValue::Table(table) = node.get_ref() else { return line };
    table.get("name").map_or(line, |name| reader.line(name.span().start))
}

fn key_span<'t>(node: Node<'t>, word: &str) -> Range<usize> {
    let DeValue::Table(table) = node.get_ref() else { return node.span() };
    members(table).into_iter().find(|(name, _, _)| *name == word).map_or_else(|| node.span(), |(_, span, _)| span)
}

/// Another provider than `main` exists only for partners that are registered with it.
fn providers(reader: &Reader<'_>, case: &Case) {
    let faults =
        case.variants.iter().filter_map(|variant| variant.fault.as_ref()).chain(case.steps.iter().filter_map(|step| {
            match &step.act {
                Act::Fault(FaultSource::Here(fault)) => Some(fault),
                _ => None,
            }
        }));
    let in_faults = faults.flat_map(|fault| &fault.patches).any(|patch| patch.selectors.at != ProviderName::Main);
    let in_steps = case.steps.iter().any(|step| {
        let at = match &step.act {
            Act::SignIn(sign_in) => sign_in.at,
            Act::Visit(visit) => visit.at,
            Act::Change(change) => change.at,
            Act::Notify(notify) => notify.at,
            Act::Provider(options) => options.at,
            Act::Expect(expectation) => expectation.selectors.at,
            _ => ProviderName::Main,
        };
        at != ProviderName::Main
    });
    let text = format!("{:?}{:?}", case.steps, case.variants);
    let in_values = ["other", "attacker"].iter().any(|name| text.contains(&format!("of: \"{name}\"")))
        || ["at: Other", "at: Attacker"].iter().any(|word| text.contains(word));
    if (in_faults || in_steps || in_values) && !case.all_needs().any(|need| need == "second-provider") {
        reader.whole(
            "this case speaks of a second provider, which not every partner has",
            "needs = [\"second-provider\"]",
        );
    }
}

/// A variant that no step reads changes nothing.
fn variants(reader: &Reader<'_>, case: &Case) {
    let reads_fault = case.steps.iter().any(|step| step.act == Act::Fault(FaultSource::Variant));
    let text = format!("{:?}", case.steps);
    let reads_value = text.contains("Saved(\"variant\")");
    let has_fault = case.variants.iter().any(|variant| variant.fault.is_some());
    let has_value = case.variants.iter().any(|variant| variant.fault.is_none());
    if has_fault && !reads_fault {
        reader.whole("no step puts the variants' faults in place", "[[step]]\nfault = \"variant\"");
    }
    if has_value && !reads_value {
        reader.whole("no step reads the variants' values", "write { saved = \"variant\" } where the value belongs");
    }
    if reads_fault && (has_value || case.variants.is_empty()) {
        reader.whole("a step puts the variant's fault in place, and a variant has none", "give each variant a fault");
    }
}
