//! A certificate in words, for `verify`: a line for each thing, and nothing in it that could be taken for another line.

use std::collections::BTreeMap;

use crate::judge::printable;

use super::{STATEMENT, Verified};

/// What a certificate that holds says.
pub fn text(verified: &Verified, key_was_given: bool) -> String {
    let own = &verified.certificate;
    let say = |text: &str| printable(text);
    let mut out = format!("valid: {} ({}) at tier {}\n", say(&own.partner), say(&own.dialect), own.tier);
    let mut line = |what: &str, text: String| out.push_str(&format!("  {what:<9} {text}\n"));
    line("suite", format!("{}, digest {}: the one of this program", say(&own.suite.version), say(&own.suite.digest)));
    line("made", format!("{}, by countersign {}; good until {}", say(&own.date), say(&own.program), say(&own.until)));
    let whose =
        if key_was_given { "the given one" } else { "whose it is, this file cannot prove: compare it, or give --key" };
    line("signed", format!("{} by the key {}: {whose}", verified.key.alg(), verified.key.thumbprint()));
    line("identity", say(&own.identity));
    let totals = &own.totals;
    line(
        "verdicts",
        format!("{} passed, {} warned, {} not applicable", totals.pass, totals.warn, totals.not_applicable),
    );
    let how = if own.started { "started for the run" } else { "was running already" };
    line("partner", format!("{how}{}", if own.tls { ", over https" } else { ", over plain http" }));
    for case in own.cases.iter().filter(|case| !case.warned.is_empty()) {
        let rules: Vec<String> = case.warned.iter().map(|rule| say(rule)).collect();
        out.push_str(&format!("warned    {}: {}\n", say(&case.id), rules.join(", ")));
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in own.cases.iter().filter(|case| !case.not_tested.is_empty()) {
        reasons.entry(&case.not_tested).or_default().push(&case.id);
    }
    if !reasons.is_empty() {
        out.push_str("not tested, and why:\n");
    }
    for (reason, ids) in reasons {
        let ids: Vec<String> = ids.into_iter().map(say).collect();
        out.push_str(&format!("  {}\n      {}\n", say(reason), ids.join(" ")));
    }
    out.push_str(STATEMENT);
    out.push('\n');
    out
}
