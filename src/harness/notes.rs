//! Notes of `cases lint`: what is no mistake and yet worth a thought. None of them changes an exit code.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::case::{Act, Case, Expectation, Expected, FaultSource};
use crate::model::diagnostic::Diagnostic;
use crate::model::fault::Pace;
use crate::model::tidy::tidy;

use super::suite::Suite;

/// The plain login proves that a login works; every other case must be able to fail.
const PLAIN_LOGIN: &str = "login/happy";

/// Notes on one case; `text` is its file.
pub fn of_case(case: &Case, text: &str) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    let mut note = |line: usize, message: String, help: &str| {
        notes.push(Diagnostic { line, ..Diagnostic::whole(&case.path, message, help) });
    };
    if case.kills.is_empty() && case.id != PLAIN_LOGIN {
        note(
            1,
            "this case names no flaw in `kills`, so nothing proves that it can fail".to_owned(),
            "countersign cases try FILE --all tells which flaws it catches",
        );
    }
    for both in case.needs.iter().filter(|need| case.unless.contains(need)) {
        note(
            1,
            format!("it needs `{both}` and does not apply where there is `{both}`: it never runs"),
            "drop one of them",
        );
    }
    for step in &case.steps {
        match &step.act {
            Act::Wait(length) => note(
                step.line,
                format!(
                    "`wait` lets {} pass; without a clock hook of the partner it does so in real time",
                    of(*length)
                ),
                "poke instead of waiting where you can: repeat = 5 on a visit",
            ),
            Act::Expect(expectation) => {
                for length in windows(expectation) {
                    note(
                        step.line,
                        format!("`for` costs {} of real time in every run", of(length)),
                        "look after an event instead: since, or a few visits with repeat",
                    );
                }
            }
            Act::Fault(FaultSource::Here(fault)) => {
                for patch in &fault.patches {
                    if let Some(Pace::After(length)) = &patch.operations.send {
                        note(
                            step.line,
                            format!("the answer comes {} late, in every run and in real time", of(*length)),
                            "send = \"held\" with `mend` waits for an event and not for the clock",
                        );
                    }
                }
            }
            _ => {}
        }
    }
    if tidy(text).is_some_and(|tidy| tidy != text) {
        note(1, "its style is not that of the suite".to_owned(), "countersign cases lint --fix FILE mends it");
    }
    notes
}

fn windows(expectation: &Expectation) -> Vec<Duration> {
    let mut all: Vec<Duration> = expectation.hold_for.into_iter().collect();
    if let Expected::Any(alternatives) = &expectation.subject {
        all.extend(alternatives.iter().flat_map(windows));
    }
    all
}

fn of(length: Duration) -> String {
    format!("{} s", length.as_secs_f64())
}

/// Notes on the suite as a whole: capabilities that no case asks for.
pub fn of_suite(suite: &Suite) -> Vec<Diagnostic> {
    let asked: BTreeSet<&str> =
        suite.cases.iter().flat_map(|case| case.all_needs().chain(case.unless.iter().map(String::as_str))).collect();
    let in_schemas =
        |name: &str| suite.schemas.values().any(|schema| schema.to_string().contains(&format!("\"{name}\"")));
    suite
        .capabilities
        .iter()
        .filter(|own| {
            !asked.iter().any(|asked| *asked == own.name || own.name.ends_with(':') && asked.starts_with(&own.name))
        })
        .filter(|own| !in_schemas(&own.name))
        .map(|own| {
            Diagnostic::whole(
                "specs/capabilities.toml",
                format!("no case asks for the capability `{}`", own.name),
                "a case for partners that have it: needs = [\"…\"]; or take it out",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::suite::Additions;
    use crate::model::case::{Vocabulary, parse};

    fn notes(text: &str) -> Vec<String> {
        let names = Vocabulary {
            requirements: BTreeSet::from(["rfc6749/4.1".to_owned()]),
            flaws: BTreeSet::from(["skip-state".to_owned()]),
            capabilities: BTreeSet::from(["state".to_owned()]),
            ..Vocabulary::default()
        };
        let case = parse("login/x", "x.toml", text, &names).unwrap();
        of_case(&case, text).iter().map(|note| format!("{}: {}", note.line, note.message)).collect()
    }

    const HEAD: &str = "title = \"x\"\nrequirement = \"rfc6749/4.1\"\ntier = \"basic\"\n";

    #[test]
    fn a_case_without_a_flaw_is_noted() {
        let said = notes(&format!(
            "{HEAD}\n[[step]]\nsign_in = {{ as = \"alice\" }}\n\n[[step]]\nexpect = {{ session = \"alice\" }}\n"
        ));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("names no flaw"));
    }

    #[test]
    fn windows_of_real_time_are_noted_with_their_line() {
        let said = notes(&format!(
            "{HEAD}kills = [\"skip-state\"]\n\n[[step]]\nfault = {{ in = \"token_response\", send = {{ after = \"3s\" }} }}\n\n[[step]]\nwait = \"90s\"\n\n[[step]]\nexpect = {{ session = \"alice\", for = \"2s\" }}\n"
        ));
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].starts_with("7: ") && said[0].contains("3 s late"), "{said:?}");
        assert!(said[1].starts_with("10: ") && said[1].contains("90 s"), "{said:?}");
        assert!(said[2].starts_with("13: ") && said[2].contains("2 s of real time"), "{said:?}");
    }

    #[test]
    fn what_never_runs_and_what_is_untidy_is_noted() {
        let said = notes(&format!(
            "{HEAD}kills = [\"skip-state\"]\nneeds = [\"state\"]\nunless = [\"state\"]\n[[step]]\nexpect = {{ session = \"nobody\" }}\n"
        ));
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("it never runs") && said[1].contains("style"), "{said:?}");
    }

    #[test]
    fn a_capability_that_no_case_asks_for_is_noted() {
        let mut suite = Suite::load(&Additions::default()).unwrap();
        let named = |suite: &Suite| of_suite(suite).iter().any(|note| note.message.contains("`state`"));
        assert!(!named(&suite));
        suite.cases.clear();
        assert!(named(&suite));
    }
}
