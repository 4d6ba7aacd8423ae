//! The author's desk: begin a case, look it over, mend its style, try it, see what is covered.

mod common;

use std::path::Path;

use common::countersign;
use countersign::harness::suite::{Additions, Suite};
use countersign::model::tidy::tidy;
use serde_json::Value as Json;
use tempfile::tempdir;

#[test]
fn a_new_case_is_sound_as_it_stands_and_is_never_written_over() {
    let folder = tempdir().unwrap();
    let said = countersign(folder.path(), &["cases", "new", "login/second-thought", "--tier", "standard"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for part in ["cases/login/second-thought.toml written", "from tier standard upwards", "base min, oidc and full"] {
        assert!(said.out.contains(part), "{part} is missing in\n{}", said.out);
    }
    let path = folder.path().join("cases/login/second-thought.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(tidy(&text).as_deref(), Some(text.as_str()), "what we write is in our own style");

    let said = countersign(folder.path(), &["cases", "lint", "cases"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("names no flaw"), "{}", said.err);
    let said = countersign(folder.path(), &["cases", "try", "cases/login/second-thought.toml"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("login/second-thought: sound"), "{}", said.out);
    let run = ["run", "--cases", "cases", "login/second-thought", "--base", "min", "--tier", "standard"];
    assert_eq!(countersign(folder.path(), &run).code, 0);

    std::fs::write(&path, "mine").unwrap();
    let said = countersign(folder.path(), &["cases", "new", "login/second-thought"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("is there already"), "{}", said.err);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn a_new_case_needs_an_id_of_its_own_and_a_rule() {
    let folder = tempdir().unwrap();
    for (arguments, says) in [
        (vec!["happy"], "AREA/NAME"),
        (vec!["login/Happy"], "small letters"),
        (vec!["login/"], "AREA/NAME"),
        (vec!["../etc/x"], "AREA/NAME"),
        (vec!["login/.."], "small letters"),
        (vec!["login/happy"], "countersign cases show login/happy"),
        (vec!["login/x", "--requirement", "rfc6749/4.1.22"], "did you mean `rfc6749/4.1.2`?"),
    ] {
        let said = countersign(folder.path(), &[&["cases", "new"], &arguments[..]].concat());
        assert_eq!(said.code, 2, "{arguments:?}");
        assert!(said.err.contains(says), "{arguments:?}: {}", said.err);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}

#[test]
fn a_file_that_is_not_area_and_name_is_no_case() {
    let folder = tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("cases/login/deep")).unwrap();
    for path in ["cases/flat.toml", "cases/login/deep/down.toml", "cases/login/Big.toml"] {
        let path = folder.path().join(path);
        let case = "title = \"x\"\nrequirement = \"rfc6749/4.1\"\ntier = \"basic\"\n\n[[step]]\nexpect = { session = \"nobody\" }\n";
        std::fs::write(&path, case).unwrap();
        let said = countersign(folder.path(), &["cases", "--cases", "cases", "list"]);
        assert_eq!(said.code, 2, "{}", path.display());
        assert!(said.err.contains("is no id of a case") && said.err.contains("AREA/NAME.toml"), "{}", said.err);
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn trying_a_case_tells_what_it_catches_and_what_it_does_not() {
    let folder = tempdir().unwrap();
    let case = |kills: &str| {
        format!(
            "title = \"x\"\nrequirement = \"rfc6749/4.1.2.1\"\ntier = \"basic\"\nkills = [\"{kills}\"]\n\n[[step]]\nsign_in = {{ as = \"alice\", cancel = true }}\n\n[[step]]\nexpect = {{ response = \"<500\" }}\n"
        )
    };
    let path = folder.path().join("x.toml");
    std::fs::write(&path, case("cancel-crash")).unwrap();
    let said = countersign(folder.path(), &["cases", "try", "x.toml"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("killed    cancel-crash"), "{}", said.out);
    std::fs::write(&path, case("skip-state")).unwrap();
    let said = countersign(folder.path(), &["cases", "try", "--all", "x.toml"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("SURVIVED  skip-state"), "{}", said.out);
    let too = said.out.lines().find(|line| line.contains("It fails for these flaws, too")).expect(&said.out);
    assert!(too.contains("cancel-crash"), "{too}");
    assert!(said.out.contains("not sound yet"), "{}", said.out);
}

#[test]
fn lint_mends_the_style_and_nothing_else() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.toml");
    let text = "tier=\"basic\"\n# Why.\ntitle = 'x'\nrequirement = \"rfc6749/4.1\"\nkills = [\"skip-state\"]\n[[step]]\n\nexpect={session=\"nobody\"}\n";
    std::fs::write(&path, text).unwrap();
    let said = countersign(folder.path(), &["cases", "lint", "x.toml"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("its style is not that of the suite"), "{}", said.err);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "without --fix nothing is written");
    let said = countersign(folder.path(), &["cases", "lint", "--fix", "."]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.err.contains("style"), "{}", said.err);
    let expected = "# Why.\ntitle = 'x'\nrequirement = \"rfc6749/4.1\"\ntier = \"basic\"\nkills = [\"skip-state\"]\n\n[[step]]\nexpect = { session = \"nobody\" }\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    std::fs::write(&path, "title = = 1\n").unwrap();
    assert_eq!(countersign(folder.path(), &["cases", "lint", "--fix", "x.toml"]).code, 2);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "title = = 1\n", "what cannot be read is not touched");
    assert_eq!(countersign(folder.path(), &["cases", "lint", "--fix"]).code, 2, "nothing to write to");
}

#[test]
fn every_case_of_the_suite_can_be_brought_into_style_without_changing_what_it_means() {
    let suite = Suite::load(&Additions::default()).unwrap();
    for (id, text) in &suite.case_texts {
        let tidied = tidy(text).unwrap_or_else(|| panic!("{id} cannot be tidied"));
        let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).count();
        assert_eq!(comments(&tidied), comments(text), "{id} loses a comment");
        assert_eq!(tidy(&tidied).as_deref(), Some(tidied.as_str()), "{id}: a second time changes something");
        let long = tidied.lines().find(|line| line.chars().count() > 120 && line.starts_with("expect = {"));
        assert_eq!(long, None, "{id}");
    }
}

#[test]
fn coverage_goes_from_rule_to_case_to_flaw_as_text_and_json() {
    let folder = tempdir().unwrap();
    let said = countersign(folder.path(), &["cases", "coverage", "rfc6749/4.1.2.1"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("case      login/error-access-denied (basic)"), "{}", said.out);
    assert!(said.out.contains("cancel-crash"), "{}", said.out);
    let said = countersign(folder.path(), &["cases", "coverage", "--format", "json", "rfc6749/4.1.2.1"]);
    let report: Json = serde_json::from_str(&said.out).unwrap();
    let rule = &report["requirements"][0];
    assert_eq!((rule["id"].as_str(), rule["gap"].as_bool()), (Some("rfc6749/4.1.2.1"), Some(false)));
    assert!(rule["flaws"].as_array().unwrap().contains(&Json::from("cancel-crash")));
    assert_eq!(countersign(folder.path(), &["cases", "coverage", "no-such-rule"]).code, 4);
}

#[test]
fn coverage_fails_where_a_must_has_neither_a_case_nor_a_reason() {
    let folder = tempdir().unwrap();
    let rules = folder.path().join("specs/requirements");
    std::fs::create_dir_all(&rules).unwrap();
    let rule = |more: &str| {
        let text = format!(
            "[[requirement]]\nid = \"house/1\"\nlevel = \"MUST\"\nactor = \"partner\"\nclause = \"House rule 1\"\nsummary = \"A rule.\"\nchecked = \"https://house.example/ 2026-11-26\"\n{more}"
        );
        std::fs::write(rules.join("house.toml"), text).unwrap();
    };
    let coverage = || countersign(folder.path(), &["cases", "--specs", "specs", "coverage", "house/"]);
    rule("");
    let said = coverage();
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("missing: house/1 is a MUST of tier basic"), "{}", said.out);
    assert!(said.out.contains("specs/requirements/house.toml"), "{}", said.out);
    for more in ["untestable = \"nobody sees it from outside\"", "tier = \"standard\""] {
        rule(more);
        assert_eq!(coverage().code, 0, "{more}");
    }
    rule("");
    let cases = folder.path().join("cases/login");
    std::fs::create_dir_all(&cases).unwrap();
    let case = "title = \"x\"\nrequirement = \"house/1\"\ntier = \"basic\"\n\n[[step]]\nsign_in = { as = \"alice\" }\n\n[[step]]\nexpect = { session = \"alice\" }\n";
    std::fs::write(cases.join("house.toml"), case).unwrap();
    let with_case = ["cases", "--specs", "specs", "--cases", "cases", "coverage", "house/"];
    assert_eq!(countersign(folder.path(), &with_case).code, 0);
}

#[test]
fn a_rule_that_schemas_of_messages_enforce_is_covered_and_proved_by_flaws() {
    let folder = tempdir().unwrap();
    let said = countersign(folder.path(), &["cases", "coverage", "rfc6749/2.3"]);
    for part in
        ["schema    specs/dialects/oidc/messages/token.json", "flaws     secret-twice", " by schemas of messages"]
    {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let said = countersign(folder.path(), &["cases", "coverage", "--format", "json", "rfc7636/4.1"]);
    let report: Json = serde_json::from_str(&said.out).unwrap();
    let rule = &report["requirements"][0];
    assert_eq!((rule["id"].as_str(), rule["gap"].as_bool()), (Some("rfc7636/4.1"), Some(false)));
    assert!(rule["schemas"].as_array().unwrap().contains(&Json::from("dialects/acme/messages/token")), "{rule}");
}

#[test]
fn the_story_of_every_case_is_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let suite = Suite::load(&Additions::default()).unwrap();
    for case in &suite.cases {
        let story = countersign::report::story::text(case, &suite.requirements);
        assert!(story.contains(&format!("\n{:>2}. ", case.steps.len())), "{story}");
        for kill in &case.kills {
            assert!(story.contains(kill.as_str()), "{story}");
        }
        // Names of our own types, or of values that nobody put into words.
        for leak in ["{:?}", "Some(", "Literal(", "Run(", "::"] {
            assert!(!story.contains(leak), "{}: {leak} in\n{story}", case.id);
        }
    }
    let said = countersign(folder, &["cases", "show", "login/hapy"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("did you mean `login/happy`?"), "{}", said.err);
}

/// Who has written a case and asks for it is told how.
#[test]
fn a_case_in_a_folder_of_its_own_is_found_and_one_that_proves_nothing_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let new = ["cases", "new", "login/own", "--requirement", "rfc6749/4.1"];
    assert_eq!(countersign(folder.path(), &new).code, 0);
    let said = countersign(folder.path(), &["cases", "show", "login/own"]);
    assert!(
        said.code == 2 && said.err.contains("cases/login/own.toml is there\n  help: add --cases cases"),
        "{said:?}"
    );
    assert_eq!(countersign(folder.path(), &["cases", "--cases", "cases", "show", "login/own"]).code, 0);
    let tried = countersign(folder.path(), &["cases", "try", "cases/login/own.toml"]);
    assert!(tried.out.contains("sound\nNothing shows yet that it can fail"), "{}", tried.out);
}

/// A folder of the wrong level, and a dialect of two names, are no folder and no dialect.
#[test]
fn a_dialect_in_the_wrong_place_or_under_two_names_is_told_of_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("specs/dialects/harbour");
    std::fs::create_dir_all(&own).unwrap();
    let acme = include_str!("../specs/dialects/acme/dialect.toml");
    std::fs::write(own.join("dialect.toml"), acme.replace("name = \"acme\"", "name = \"habour\"")).unwrap();
    std::fs::write(own.join("personas.toml"), include_str!("../specs/dialects/acme/personas.toml")).unwrap();
    let list = |specs: &str| countersign(folder.path(), &["cases", "--specs", specs, "list", "login/happy"]);
    let named = list("specs");
    assert!(
        named.err.contains("specs/dialects/harbour/dialect.toml:2:9: this dialect calls itself `habour`"),
        "{named:?}"
    );
    std::fs::write(own.join("dialect.toml"), acme.replace("name = \"acme\"", "name = \"harbour\"")).unwrap();
    assert_eq!(list("specs").code, 0);
    let deep = list("specs/dialects");
    assert!(deep.code == 2 && deep.err.contains("nothing reads a file of that place and name"), "{deep:?}");
    let run = countersign(folder.path(), &["run", "--dialect", "harbour", "--specs", "specs"]);
    assert!(run.code == 2 && run.err.contains("the reference partner does not speak harbour"), "{run:?}");
}

/// Each part of what a case expects is told once.
#[test]
fn what_is_required_and_described_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let said = countersign(folder.path(), &["cases", "show", "tokens/bearer-in-header"]);
    let line = said.out.lines().find(|line| line.contains("userinfo requests")).unwrap();
    assert_eq!(line.matches("\"authorization\" is there").count(), 1, "{line}");
}

/// With `WRITE_CHANGELOG` set, what is missing is added to the version that is on top.
#[test]
fn every_must_for_partners_stands_once_in_the_changelog() {
    use countersign::harness::coverage::coverage;
    use countersign::model::changelog;
    use countersign::model::verdict::Level;
    let suite = Suite::load(&Additions::default()).unwrap();
    let releases = changelog::read(suite.changelog);
    assert_eq!(releases.first().map(|release| release.version), changelog::version(&suite.version));
    let listed: Vec<&str> = releases.iter().flat_map(|release| &release.musts).map(|(id, _)| id.as_str()).collect();
    let binds = |row: &countersign::harness::coverage::Row| {
        row.requirement.actor == "partner" && row.requirement.level == Level::Must
    };
    let musts: Vec<_> = coverage(&suite).into_iter().filter(binds).collect();
    let line = |row: &countersign::harness::coverage::Row| {
        format!("- `{}` ({}): {}", row.requirement.id, row.tier, row.requirement.summary)
    };
    let is_listed = |id: &str| listed.iter().filter(|own| **own == id).count();
    let twice: Vec<_> = listed.iter().filter(|id| is_listed(id) > 1).collect();
    assert!(twice.is_empty(), "twice in CHANGELOG.md: {twice:?}");
    let known = |id: &str| musts.iter().any(|row| row.requirement.id == id);
    let gone: Vec<_> = releases[0].musts.iter().filter(|(id, _)| !known(id)).collect();
    assert!(gone.is_empty(), "CHANGELOG.md lists for this version what is no MUST: {gone:?}");
    let missing: Vec<String> = musts.iter().filter(|row| is_listed(&row.requirement.id) == 0).map(line).collect();
    if std::env::var_os("WRITE_CHANGELOG").is_some() && !missing.is_empty() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("CHANGELOG.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, after) = text.split_once("### New MUSTs\n\n").unwrap();
        let end = after.find("\n\n").map_or(after.len(), |at| at + 1);
        let mut lines: Vec<&str> = after[..end].lines().chain(missing.iter().map(String::as_str)).collect();
        lines.sort_unstable();
        std::fs::write(&path, format!("{before}### New MUSTs\n\n{}\n{}", lines.join("\n"), &after[end..])).unwrap();
        return;
    }
    assert!(
        missing.is_empty(),
        "missing in CHANGELOG.md; add them with WRITE_CHANGELOG=1 cargo test --test desk changelog\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_rule_has_a_case_or_a_reason() {
    let said = countersign(Path::new(env!("CARGO_MANIFEST_DIR")), &["cases", "coverage"]);
    let missing: Vec<&str> = said.out.lines().filter(|line| line.starts_with("missing: ")).collect();
    assert_eq!((said.code, missing), (0, Vec::new()));
    // The suite's own rules go further: of whatever tier and level, none is left without one or the other.
    let open: Vec<&str> = said.out.split("\n\n").filter(|rule| rule.contains("\n    open ")).collect();
    assert_eq!(open, Vec::<&str>::new());
    assert!(said.out.trim_end().ends_with("; 0 open"), "{}", said.out);
}

#[test]
fn where_a_case_applies_with_a_habit_only_is_said_with_the_habit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let said = countersign(folder, &["cases", "show", "keys/mac-other-secret"]);
    assert!(said.out.contains("base min, oidc and full, where that has the habit symmetric-signature."), "{said:?}");
    assert!(said.out.contains("(base oidc, with the habit symmetric-signature)"), "{said:?}");
    let said = countersign(folder, &["cases", "show", "keys/alg-hs-client-secret"]);
    assert!(said.out.contains("base min, oidc and full.") && !said.out.contains("habit"), "{said:?}");
}

#[test]
fn a_case_is_explained_with_what_to_do_where_it_fails() {
    let folder = tempdir().unwrap();
    let said = countersign(folder.path(), &["explain", "tokens/nonce-wrong"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for part in [
        "tokens/nonce-wrong\n",
        "how to fix it  ",
        "- openid-client: ",
        "play it: countersign run tokens/nonce-wrong\n",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let said = countersign(folder.path(), &["explain", "tokens/nonce-wrng"]);
    assert!(said.code == 2 && said.err.contains("did you mean `tokens/nonce-wrong`?"), "{}", said.err);
}

#[test]
fn a_rule_that_a_finding_names_is_explained_with_what_to_do() {
    let folder = tempdir().unwrap();
    let said = countersign(folder.path(), &["explain", "rfc6749/2.3"]);
    assert_eq!(said.code, 0, "{}", said.err);
    for part in ["rfc6749/2.3 (MUST): A request authenticates", "section-2.3", "how to fix it  ", "- openid-client: "] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let said = countersign(folder.path(), &["explain", "rfc6749/3.1"]);
    assert!(said.out.contains("play it: countersign run login/request-params\n"), "{}", said.out);
}

#[test]
fn shells_and_man_know_every_command_and_flag() {
    let folder = tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let said = countersign(folder.path(), &["completions", shell]);
        assert_eq!(said.code, 0, "{}", said.err);
        for word in ["kill-matrix", "guard", "partition"] {
            assert!(said.out.contains(word), "{shell}: {word}");
        }
    }
    let whole = countersign(folder.path(), &["man"]);
    assert!(whole.out.contains(".TH countersign 1") && whole.out.contains("guard"), "{}", whole.out);
    let guard = countersign(folder.path(), &["man", "guard"]);
    assert!(guard.out.contains(".TH countersign-guard 1"), "{}", guard.out);
    assert!(guard.out.contains("partition"), "{}", guard.out);
    let wrong = countersign(folder.path(), &["man", "gaurd"]);
    assert!(wrong.code == 2 && wrong.err.contains("no command `gaurd`"), "{}", wrong.err);
}
