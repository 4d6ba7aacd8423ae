//! The same exchanges and probes as the ladder's, as data for a diagram: with steps, with discovery and keys, with what
//! was missed.

use crate::judge;
use crate::model::case::Case;
use crate::model::course::{Mark, Rung};
use crate::model::exchange::{Exchange, Party, Purpose};
use crate::model::fault::Endpoint;
use crate::model::observation::Observation;

use super::symbols::Symbols;
use super::{Drawing, probes, request_words, response_words};

/// Lines of one attempt that are kept; where there are more, those in the middle are left out.
const MOST: usize = 120;

/// How many of them are kept at the end, where what failed mostly is.
const AT_THE_END: usize = 50;

/// Everything that the attempt did, step by step. `facts`: of the attempt, for what its expectations saw.
pub fn course(case: &Case, drawing: &Drawing<'_>, facts: &judge::Facts) -> Vec<Rung> {
    let mut exchanges: Vec<&Exchange> = drawing.transcript.exchanges.iter().collect();
    exchanges.retain(|exchange| exchange.cause.purpose == Purpose::Case);
    exchanges.sort_by_key(|exchange| (exchange.cause.step, exchange.seq));
    // What nobody's browser caused, the fetch of keys for instance, has no name.
    let browsers = exchanges.iter().map(|exchange| exchange.cause.browser.as_str()).filter(|name| !name.is_empty());
    let several = browsers.collect::<std::collections::BTreeSet<&str>>().len() > 1;
    let named = |browser: &str| (several && !browser.is_empty()).then(|| judge::printable(browser));
    let mut symbols = Symbols::new(drawing);
    let mut rungs = Vec::new();
    for (step, act) in case.steps.iter().enumerate() {
        let seen: Vec<&Observation> = drawing.observations.iter().filter(|seen| seen.step == step).collect();
        let missed = seen.iter().any(|seen| !judge::observation(seen, drawing.transcript, facts).is_empty());
        rungs.push(Rung::Step { step: act.place, missed });
        let of_step = exchanges.iter().filter(|exchange| exchange.cause.step == step);
        // While a browser waits for the partner's answer, the partner talks to the provider.
        let mut awaited: Vec<(&str, &str, Rung)> = Vec::new();
        for (at, exchange) in of_step.enumerate() {
            let tab = (exchange.cause.browser.as_str(), exchange.cause.tab.as_str());
            if exchange.from == Party::Agent {
                rungs.extend(awaited.extract_if(.., |one| (one.0, one.1) == tab).map(|(_, _, answer)| answer));
            }
            let browser = named(&exchange.cause.browser);
            let (head, rest) = request_words(exchange, &mut symbols, drawing);
            let mark = if act.attack && at == 0 { Mark::Attack } else { Mark::Plain };
            let (from, to) = (exchange.from, exchange.to);
            rungs.push(Rung::Message { from, to, head, rest: tidy(&rest), mark, browser: browser.clone() });
            let (head, mut rest) = response_words(exchange, &mut symbols, drawing);
            let mark = if exchange.faults.is_empty() { Mark::Plain } else { Mark::Fault };
            // Long, and the same every time; of interest only where something in them is not.
            if mark == Mark::Plain && matches!(exchange.endpoint, Some(Endpoint::Discovery | Endpoint::Jwks)) {
                rest.clear();
            }
            let answer = Rung::Message { from: to, to: from, head, rest: tidy(&rest), mark, browser };
            if (from, to) == (Party::Agent, Party::Partner) {
                awaited.push((tab.0, tab.1, answer));
            } else {
                rungs.push(answer);
            }
        }
        rungs.extend(awaited.into_iter().map(|(_, _, answer)| answer));
        for observation in seen {
            let browser = named(&observation.browser);
            let texts = probes(observation, &mut symbols).into_iter();
            rungs.extend(texts.map(|text| Rung::Look { text, browser: browser.clone() }));
        }
    }
    bounded(rungs)
}

fn tidy(words: &str) -> String {
    words.trim().to_owned()
}

fn bounded(mut rungs: Vec<Rung>) -> Vec<Rung> {
    if rungs.len() > MOST {
        let left_out = MOST - AT_THE_END..rungs.len() - AT_THE_END;
        let count = left_out.len();
        rungs.splice(left_out, [Rung::Gap(count)]);
    }
    rungs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_course_keeps_its_beginning_and_its_end() {
        let long: Vec<Rung> = (0..1000).map(|step| Rung::Step { step, missed: false }).collect();
        let kept = bounded(long);
        assert_eq!(kept.len(), MOST + 1);
        assert_eq!(kept[MOST - AT_THE_END], Rung::Gap(1000 - MOST));
        assert_eq!(kept.last(), Some(&Rung::Step { step: 999, missed: false }));
    }
}
