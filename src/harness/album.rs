//! The album: a decided case drawn as a ladder, and compared with the one that is stored.

use std::path::Path;

use crate::model::case::Case;
use crate::model::course::{Course, Rung};
use crate::model::hex::hex;
use crate::model::result::{Report, SnapshotState};
use crate::model::verdict::Verdict;

use super::decide::Decided;
use super::drive::Played;
use super::guard::Judged;
use super::ladder::{self, Drawing, Part};
use super::run::{RunRequest, SnapshotMode};
use super::snapshot;

/// Draws a case and does with it what the run's mode says.
///
/// Nothing is drawn of a case that does not apply, and `accept` never takes over one that failed or about which nothing
/// can be said: accepting can never turn a failure green.
pub fn keep(request: &RunRequest, report: &Report, root: &Path, decided: &Decided) -> SnapshotState {
    if request.snapshots == SnapshotMode::Off || decided.variants.is_empty() {
        return SnapshotState::None;
    }
    let Some(case) = request.suite.cases.iter().find(|case| case.id == decided.result.id) else {
        return SnapshotState::None;
    };
    let (partner, dialect, id) = (&report.partner.name, &report.partner.dialect, &decided.result.id);
    let ladder = draw(case, decided);
    match &request.snapshots {
        SnapshotMode::Off => SnapshotState::None,
        SnapshotMode::Compare => match snapshot::compare(root, partner, dialect, id, &ladder, None) {
            SnapshotState::Missing => SnapshotState::None,
            state => state,
        },
        SnapshotMode::Guard { log } => snapshot::compare(root, partner, dialect, id, &ladder, log.as_deref()),
        SnapshotMode::Accept if decided.result.verdict >= Verdict::Inconclusive && !is_known(decided) => {
            SnapshotState::None
        }
        SnapshotMode::Accept => snapshot::accept(root, partner, dialect, id, &ladder),
    }
}

/// The ladder of a case that was played, where the run is to draw it.
pub fn ladder(request: &RunRequest, decided: &Decided) -> Option<String> {
    let wanted = request.ladders && !decided.variants.is_empty() && decided.result.verdict != Verdict::NotApplicable;
    let case = wanted.then(|| request.suite.cases.iter().find(|case| case.id == decided.result.id)).flatten()?;
    Some(draw(case, decided))
}

/// SHA-256 of a ladder's text, in hexadecimal digits: what `sha256sum` says of a file that holds it.
pub fn digest(ladder: &str) -> String {
    use sha2::Digest as _;
    hex(&sha2::Sha256::digest(ladder.as_bytes()))
}

/// A failure that the manifest names may be drawn as it is: the verdict stands in the ladder.
fn is_known(decided: &Decided) -> bool {
    let mut failures = decided.result.findings.iter().filter(|finding| finding.verdict >= Verdict::Inconclusive);
    decided.result.verdict == Verdict::Fail && failures.all(|finding| finding.known)
}

fn draw(case: &Case, decided: &Decided) -> String {
    let parts: Vec<Part<'_>> = decided
        .variants
        .iter()
        .map(|judged| Part {
            variant: judged.variant.as_deref(),
            rungs: &judged.rungs,
            lines: &judged.lines,
            verdict: judged.verdict,
            reason: &judged.reason,
        })
        .collect();
    ladder::draw(case, &parts)
}

/// The rungs of what was played. Drawn as soon as an attempt is judged, so that its transcript need not be kept.
pub fn rungs(case: &Case, played: &Played, client_id: &str) -> String {
    ladder::rungs(case, &drawing(played, client_id))
}

/// The same as data for a diagram.
pub fn course(case: &Case, played: &Played, client_id: &str) -> Vec<Rung> {
    ladder::course(case, &drawing(played, client_id), &played.facts)
}

/// Hands over the courses of a decided case. Of variants that hold, the first stands for all.
pub fn courses(variants: &mut [Judged]) -> Vec<Course> {
    let first = variants.iter().position(|judged| judged.verdict == Verdict::Pass);
    let course = |(at, judged): (usize, &mut Judged)| {
        let rungs = std::mem::take(&mut judged.course);
        let shown = judged.verdict != Verdict::Pass || first == Some(at);
        Course {
            variant: judged.variant.clone(),
            verdict: judged.verdict,
            reason: judged.reason.clone(),
            rungs: if shown { rungs } else { Vec::new() },
        }
    };
    variants.iter_mut().enumerate().map(course).collect()
}

fn drawing<'a>(played: &'a Played, client_id: &'a str) -> Drawing<'a> {
    Drawing {
        transcript: &played.transcript,
        observations: &played.observations,
        people: &played.people,
        base: &played.base,
        issuer: &played.issuer,
        other_issuers: &played.other_issuers,
        secrets: &played.facts.secrets,
        redirect_uris: &played.facts.redirect_uris,
        client_id,
    }
}
