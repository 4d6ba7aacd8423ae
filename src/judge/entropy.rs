//! How hard a value is to guess, as far as samples can show it (CATALOGUE 5.4): constants, counters, clocks and short
//! values are found, randomness is never proved.

use super::Mismatch;

/// Fewer samples say nothing.
const SAMPLES: usize = 100;

pub(super) fn judge(values: &[String], name: &str, bits: u32) -> Option<Mismatch> {
    let expected = format!("{name} is worth at least {bits} bits");
    if values.len() < SAMPLES {
        return Some(Mismatch::unknown(expected, format!("only {} samples of {SAMPLES}", values.len())));
    }
    let estimate = estimate(values);
    (estimate < f64::from(bits)).then(|| Mismatch::new(expected, format!("by the samples it is worth {estimate:.0}")))
}

/// Sum over positions of the min-entropy of the character there; a repeated value is worth nothing, and a position that
/// only ever grows from sample to sample (a counter, a clock) neither.
fn estimate(values: &[String]) -> f64 {
    let mut sorted: Vec<&String> = values.iter().collect();
    sorted.sort();
    if sorted.windows(2).any(|two| two[0] == two[1]) {
        return 0.0;
    }
    let samples: Vec<Vec<char>> = values.iter().map(|value| value.chars().collect()).collect();
    let length = samples.iter().map(Vec::len).min().unwrap_or(0);
    let alphabet: std::collections::BTreeSet<char> = samples.iter().flatten().copied().collect();
    let cap = (alphabet.len().max(1) as f64).log2();
    (0..length)
        .map(|at| {
            let column: Vec<char> = samples.iter().map(|sample| sample[at]).collect();
            let changes = column.windows(2).filter(|two| two[0] != two[1]).count();
            let falls = column.windows(2).filter(|two| two[1] < two[0]).count();
            // A counter's digit falls at most when it turns over; a random one falls about as often as it rises.
            if changes == 0 || falls * 4 < changes {
                return 0.0;
            }
            let mut counts = std::collections::BTreeMap::new();
            for c in &column {
                *counts.entry(*c).or_insert(0usize) += 1;
            }
            let most = counts.values().max().copied().unwrap_or(1) as f64;
            let correction = (counts.len() as f64 - 1.0) / (2.0 * column.len() as f64);
            (-(most / column.len() as f64).log2() + correction).min(cap)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(count: usize) -> Vec<String> {
        (0..count).map(|n| crate::model::persona::digest(&[&n.to_string()])[..32].to_owned()).collect()
    }

    #[test]
    fn random_values_are_worth_something_and_counters_nothing() {
        assert!(judge(&random(120), "state", 64).is_none());
        let counters: Vec<String> = (0..120).map(|n| format!("state-{n:08}")).collect();
        assert!(judge(&counters, "state", 64).is_some());
        assert!(judge(&vec!["same".to_owned(); 120], "state", 1).is_some());
    }

    #[test]
    fn too_few_samples_say_nothing() {
        assert!(judge(&random(20), "state", 64).unwrap().inconclusive);
    }
}
