//! Case files and manifests as their authors write them: 26 cases that are right, and a file for each way of being
//! wrong, with the message that its author must see, to the letter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use countersign::harness::suite::{Additions, Suite};
use countersign::model::case::{Case, Vocabulary, parse};
use countersign::model::diagnostic::Diagnostic;
use countersign::model::manifest::{self, Names};

/// Files of a folder below `tests/language`, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language").join(folder);
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "toml")).collect();
    all.sort();
    all
}

/// The names of the suite, and those that the good files use beyond them: rules, flaws, dialects and capabilities of
/// later tiers.
fn vocabulary() -> Vocabulary {
    let mut names = Suite::load(&Additions::default()).unwrap().vocabulary;
    let add = |into: &mut BTreeSet<String>, all: &[&str]| into.extend(all.iter().map(|name| (*name).to_owned()));
    add(
        &mut names.requirements,
        &[
            "oidc-core/10.1.1",
            "oidc-core/10.2",
            "oidc-core/3.1.2",
            "oidc-core/5.3.2",
            "oidc-core/5.7",
            "rfc6749/10.10",
            "rfc6749/10.14",
            "rfc6749/4.1.2",
            "rfc9700/2.1.1",
            "rfc9700/4.14.2",
            "rfc9700/4.4.2",
            "rfc9700/4.7.1",
            "rfc6750/3.1",
            "rfc8628/3.5",
            "rfc8936/2.4",
            "oidc-backchannel/2.6",
            "oidc-backchannel/2.7",
            "oidc-backchannel/2.8",
            "partner/consent#follow-the-grant",
            "partner/consent#no-loop",
            "partner/fields#follow-the-source",
            "partner/session#own-identity",
            "partner/session#renewed-at-login",
            "facebook-login/rerequest",
        ],
    );
    add(
        &mut names.flaws,
        &[
            "code-replayed",
            "code-not-bound-to-browser",
            "crashes-on-missing-claim",
            "device-ignores-slow-down",
            "ignore-401",
            "jwe-inner-unsigned-ok",
            "jwks-never-refreshed",
            "keeps-preverified-links",
            "keeps-stale-fields",
            "logout-all-on-sid",
            "never-rerequests",
            "one-callback-for-all",
            "poll-no-ack",
            "prints-undefined",
            "provider-in-single-slot",
            "refresh-stampede",
            "state-predictable",
            "state-reused",
        ],
    );
    add(
        &mut names.capabilities,
        &["account", "checks-signature", "device-grant", "discovery", "id-token-encryption", "ssf-poll"],
    );
    add(&mut names.dialects, &["facebook-connect", "facebook-login"]);
    names
}

/// A changelog of our own, so that messages do not change with that of the program.
const CHANGELOG: &str = "## 0.1.0\n\n### New MUSTs\n\n- `a/1` (basic): First.\n- `a/2` (basic): Second.\n- `a/3` (basic): Third.\n- `a/4` (basic): Fourth.\n- `a/5` (basic): Fifth.\n- `a/6` (basic): Sixth.\n- `a/7` (basic): Seventh.\n- `a/8` (strict): Eighth.\n- `a/9` (strict): Ninth.\n";

fn read(file: &Path, shown: &str, names: &Vocabulary) -> Result<Case, String> {
    let text = std::fs::read_to_string(file).unwrap();
    let id = shown.trim_start_matches("cases/").trim_end_matches(".toml");
    parse(id, shown, &text, names).map_err(said)
}

fn said(wrong: Vec<Diagnostic>) -> String {
    wrong.iter().map(|one| format!("{one}\n")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_whole_language_can_be_read() {
    let names = vocabulary();
    let files = files("good");
    assert_eq!(files.len(), 26);
    for file in files {
        let shown = file.file_name().unwrap().to_string_lossy().into_owned();
        if let Err(wrong) = read(&file, &shown, &names) {
            panic!("{wrong}");
        }
    }
}

/// Compares what is said about each file of a folder with what stands beside it. With `WRITE_MESSAGES` set it writes
/// them instead: read the difference before it is committed.
fn each_has_its_message(folder: &str, at_least: usize, say: impl Fn(&Path, &str) -> Result<(), String>) {
    let files = files(folder);
    assert!(files.len() >= at_least);
    let mut different = Vec::new();
    for file in files {
        let expected = std::fs::read_to_string(file.with_extension("txt")).unwrap();
        let shown = expected.split(".toml").next().unwrap().to_owned() + ".toml";
        let said = say(&file, &shown).map(|()| format!("{shown}: nothing is wrong\n")).unwrap_or_else(|wrong| wrong);
        if std::env::var_os("WRITE_MESSAGES").is_some() {
            std::fs::write(file.with_extension("txt"), &said).unwrap();
        } else if said != expected {
            different.push(format!("--- {}\nexpected\n{expected}got\n{said}", file.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn each_way_of_writing_a_wrong_case_has_its_message() {
    let names = Suite::load(&Additions::default()).unwrap().vocabulary;
    each_has_its_message("wrong", 15, |file, shown| read(file, shown, &names).map(drop));
}

#[test]
fn each_way_of_writing_a_wrong_manifest_has_its_message() {
    let suite = Suite::load(&Additions::default()).unwrap();
    let names = Names {
        dialects: &suite.vocabulary.dialects,
        capabilities: &suite.capabilities,
        version: &suite.version,
        changelog: CHANGELOG,
    };
    each_has_its_message("manifests", 20, |file, shown| {
        let text = std::fs::read_to_string(file).unwrap();
        manifest::read(shown, &text, &names).map(drop).map_err(said)
    });
}
