//! What a provider team needs in CI: JUnit, only what failed, several partners, known failures that stay true.

mod common;

use std::path::Path;

use common::{countersign, partner};
use serde_json::Value as Json;
use tempfile::tempdir;

fn json(path: &Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn junit_of_a_run_has_a_suite_for_each_partner_and_area_and_its_failures_in_full() {
    let folder = tempdir().unwrap();
    partner(&folder.path().join("sound"), "sound", &[], "");
    partner(&folder.path().join("bad"), "bad", &["cancel-crash"], "");
    let said = countersign(
        folder.path(),
        &[
            "run",
            "--partner",
            "sound/countersign.toml",
            "--partner",
            "bad/countersign.toml",
            "--report",
            "junit=out/all.xml",
            "login/error-access-denied",
            "login/happy",
            "tokens/nonce-wrong",
        ],
    );
    assert_eq!(said.code, 1, "{}", said.err);
    let text = std::fs::read_to_string(folder.path().join("out/all.xml")).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let suites: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testsuite")).collect();
    let names: Vec<_> = suites.iter().filter_map(|suite| suite.attribute("name")).collect();
    assert_eq!(names, ["sound.login", "sound.tokens", "bad.login", "bad.run", "bad.tokens"]);
    let failures: Vec<_> = document.descendants().filter(|node| node.has_tag_name("failure")).collect();
    assert!(!failures.is_empty());
    for failure in &failures {
        let case = failure.parent().unwrap();
        assert_eq!(
            (case.attribute("classname"), case.attribute("name")),
            (Some("bad.login"), Some("error-access-denied"))
        );
        let body = failure.text().unwrap();
        for part in ["rule      ", "expected  ", "observed  ", "exchange  ", "rerun     countersign run --partner bad"]
        {
            assert!(body.contains(part), "{part} is missing in\n{body}");
        }
    }
    let skipped = document.descendants().filter(|node| node.has_tag_name("skipped"));
    let skipped: Vec<_> = skipped.filter_map(|node| node.parent().unwrap().attribute("name")).collect();
    assert_eq!(skipped, ["nonce-wrong", "nonce-wrong"]);
    let root = document.root_element();
    assert_eq!(root.attribute("failures"), Some("1"), "a test case counts once");
    assert_eq!((root.attribute("tests"), root.attribute("skipped")), (Some("7"), Some("2")));
}

#[test]
fn several_partners_give_a_matrix_a_report_each_and_the_worst_exit_code() {
    let folder = tempdir().unwrap();
    partner(&folder.path().join("a"), "acme", &[], "");
    partner(&folder.path().join("b"), "bolt", &["cancel-crash"], "");
    let both = ["run", "--partner", "a/countersign.toml", "--partner", "b/countersign.toml"];
    let rest = [
        "--report",
        "json=out/{partner}.json",
        "--report",
        "matrix=out/matrix.json",
        "login/error-access-denied",
        "happy",
    ];
    let said = countersign(folder.path(), &[&both[..], &rest[..]].concat());
    assert_eq!(said.code, 1, "{}", said.err);
    let cells = |id: &str| -> Vec<String> {
        let line = said.out.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{}", said.out));
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(cells("login/happy"), ["login/happy", "pass", "pass"]);
    assert_eq!(cells("login/error-access-denied"), ["login/error-access-denied", "pass", "FAIL"]);
    assert_eq!(json(&folder.path().join("out/acme.json"))["totals"]["fail"], 0);
    assert_eq!(json(&folder.path().join("out/bolt.json"))["totals"]["fail"], 1);
    let matrix = json(&folder.path().join("out/matrix.json"));
    assert_eq!(matrix["partners"][1]["exit_code"], 1);
    assert_eq!(matrix["cases"][0]["verdicts"], serde_json::json!({ "acme": "pass", "bolt": "fail" }));

    let said = countersign(folder.path(), &[&both[..], &["--report", "json=out.json"]].concat());
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--report json=out-{partner}.json"), "{}", said.err);
}

#[test]
fn fail_fast_judges_no_further_partner() {
    let folder = tempdir().unwrap();
    partner(&folder.path().join("a"), "acme", &["cancel-crash"], "");
    partner(&folder.path().join("b"), "bolt", &[], "");
    let both = ["run", "--partner", "a/countersign.toml", "--partner", "b/countersign.toml"];
    let rest = ["--fail-fast", "--report", "matrix=matrix.json", "login/error-access-denied"];
    let said = countersign(folder.path(), &[&both[..], &rest[..]].concat());
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("bolt is not judged any more"), "{}", said.err);
    assert_eq!(json(&folder.path().join("matrix.json"))["partners"].as_array().unwrap().len(), 1);
}

#[test]
fn snapshots_of_several_partners_each_stand_beside_their_manifest() {
    let folder = tempdir().unwrap();
    partner(&folder.path().join("a"), "acme", &[], "");
    partner(&folder.path().join("b"), "bolt", &[], "");
    let both = ["--partner", "a/countersign.toml", "--partner", "b/countersign.toml", "login/happy"];
    assert_eq!(countersign(folder.path(), &[&["accept"], &both[..]].concat()).code, 0);
    for path in ["a/snapshots/acme/oidc/login/happy.snap", "b/snapshots/bolt/oidc/login/happy.snap"] {
        assert!(folder.path().join(path).is_file(), "{path}");
    }
    let said = countersign(folder.path(), &[&["guard"], &both[..]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    let snap = folder.path().join("b/snapshots/bolt/oidc/login/happy.snap");
    let text = std::fs::read_to_string(&snap).unwrap();
    std::fs::write(&snap, text.replace("302", "303")).unwrap();
    let said = countersign(folder.path(), &[&["guard", "--report", "junit=guard.xml"], &both[..]].concat());
    assert_eq!(said.code, 3, "{}", said.err);
    let text = std::fs::read_to_string(folder.path().join("guard.xml")).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert_eq!(failure.attribute("message"), Some("the snapshot changed"));
    assert_eq!(failure.parent().unwrap().attribute("classname"), Some("bolt.login"));
}

#[test]
fn two_partners_of_one_name_are_refused_before_anything_is_started() {
    let folder = tempdir().unwrap();
    partner(&folder.path().join("a"), "acme", &[], "");
    partner(&folder.path().join("b"), "acme", &[], "");
    let said =
        countersign(folder.path(), &["run", "--partner", "a/countersign.toml", "--partner", "b/countersign.toml"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("are both named `acme`"), "{}", said.err);
}

#[test]
fn failed_runs_what_failed_last_until_nothing_is_left() {
    let folder = tempdir().unwrap();
    partner(folder.path(), "acme", &["cancel-crash"], "");
    let said = countersign(folder.path(), &["run", "--failed"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("there is no last run of acme"), "{}", said.err);
    assert!(said.err.contains("run it once without --failed"), "{}", said.err);

    assert_eq!(
        countersign(folder.path(), &["run", "login/happy", "login/error-access-denied", "login/code-once"]).code,
        1
    );
    let kept = folder.path().join(".countersign/last/acme/oidc.json");
    assert_eq!(json(&kept)["cases"], serde_json::json!({ "login/error-access-denied": "fail" }));
    assert!(folder.path().join(".countersign/.gitignore").is_file());

    let said = countersign(folder.path(), &["run", "--failed", "--report", "json=-"]);
    assert_eq!(said.code, 1);
    let report: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["cases"].as_array().unwrap().len(), 1);
    assert_eq!(report["run"]["complete"], false);

    // A run of other cases does not make it forgotten.
    assert_eq!(countersign(folder.path(), &["run", "login/happy"]).code, 0);
    assert_eq!(json(&kept)["cases"], serde_json::json!({ "login/error-access-denied": "fail" }));

    partner(folder.path(), "acme", &[], "");
    assert_eq!(countersign(folder.path(), &["run", "--failed"]).code, 0);
    let said = countersign(folder.path(), &["run", "--failed"]);
    assert_eq!(said.code, 4);
    assert!(said.err.contains("nothing failed and nothing was inconclusive in its last run"), "{}", said.err);
}

/// A sound partner whose manifest knows something; what is said about it, and the exit code.
fn known(entry: &str, flaws: &[&str]) -> (i32, String) {
    let folder = tempdir().unwrap();
    let path = partner(folder.path(), "acme", flaws, &format!("\n[[known]]\n{entry}\n"));
    let line = std::fs::read_to_string(path).unwrap().lines().position(|line| line.starts_with("case = ")).unwrap() + 1;
    let said = countersign(folder.path(), &["run", "login/error-access-denied", "tokens/nonce-wrong"]);
    if said.code == 2 {
        assert!(said.out.contains(&format!("countersign.toml:{line}:1: known failure of ")), "{}", said.out);
        assert!(said.out.contains("  help: "), "{}", said.out);
        assert!(said.out.contains("1 not applicable"), "nothing that was measured is lost: {}", said.out);
    }
    (said.code, said.out)
}

#[test]
fn a_known_failure_that_still_fails_fails_nothing() {
    let entry = "case = \"login/error-access-denied\"\nrequirement = \"rfc6749/4.1.2.1\"\nreason = \"shop/issue 12\"";
    let (code, out) = known(entry, &["cancel-crash"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("(known)"), "{out}");
}

#[test]
fn a_known_failure_that_is_not_true_ends_the_run_with_2_and_its_line() {
    let rule = "requirement = \"rfc6749/4.1.2.1\"";
    let reason = "reason = \"shop/issue 12\"";
    let table = [
        (
            format!("case = \"login/error-acces-denied\"\n{rule}\n{reason}"),
            "no such case",
            "did you mean `login/error-access-denied`?",
        ),
        (
            format!("case = \"login/error-access-denied\"\nrequirement = \"rfc6749/4.1.2.11\"\n{reason}"),
            "no such requirement",
            "did you mean `rfc6749/4.1.2.1`?",
        ),
        (format!("case = \"login/error-access-denied\"\n{rule}"), "it has no reason", "reason = "),
        (format!("case = \"login/error-access-denied\"\n{rule}\nreason = \" \""), "it has no reason", "reason = "),
        (
            format!("case = \"login/error-access-denied\"\n{rule}\n{reason}\nuntil = \"2026-01-31\""),
            "it was known until 2026-01-31",
            "give it a new date",
        ),
        (
            format!("case = \"login/error-access-denied\"\n{rule}\n{reason}\nuntil = \"soon\""),
            "`soon` is not a date",
            "until = \"2027-03-01\"",
        ),
    ];
    for (entry, says, helps) in table {
        let (code, out) = known(&entry, &["cancel-crash"]);
        assert_eq!(code, 2, "{entry}\n{out}");
        assert!(out.contains(says) && out.contains(helps), "{entry}\n{out}");
    }
    let entry = format!("case = \"login/error-access-denied\"\n{rule}\n{reason}");
    let (code, out) = known(&entry, &[]);
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("it does not fail any more") && out.contains("take the entry out"), "{out}");
    let entry = format!("case = \"tokens/nonce-wrong\"\n{rule}\n{reason}");
    let (code, out) = known(&entry, &[]);
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("the case does not apply: the partner does not declare `nonce`"), "{out}");
}

#[test]
fn shards_are_disjoint_complete_and_stable() {
    use countersign::harness::plan::in_partition;
    use countersign::harness::suite::{Additions, Suite};
    let suite = Suite::load(&Additions::default()).unwrap();
    for n in 1..=8 {
        let mut filled = 0;
        for k in 1..=n {
            filled += usize::from(suite.cases.iter().any(|case| in_partition(&case.id, (k, n))));
        }
        for case in &suite.cases {
            let homes = (1..=n).filter(|k| in_partition(&case.id, (*k, n))).count();
            assert_eq!(homes, 1, "{} of {n} shards", case.id);
        }
        assert!(filled > 1 || n == 1, "everything is in one of {n} shards");
    }
    // Where a case belongs does not change with the program: what a team has split stays split.
    assert!(in_partition("login/happy", (1, 2)), "login/happy has moved");
}

#[test]
fn the_shards_of_a_run_are_the_whole_run() {
    let folder = tempdir().unwrap();
    let ids = |arguments: &[&str]| -> Vec<String> {
        let said = countersign(
            folder.path(),
            &[&["run", "--base", "min", "--tier", "basic", "--report", "json=-", "login/"], arguments].concat(),
        );
        assert_eq!(said.code, 0, "{}", said.err);
        let report: Json = serde_json::from_str(&said.out).unwrap();
        report["cases"].as_array().unwrap().iter().map(|case| case["id"].as_str().unwrap().to_owned()).collect()
    };
    let whole = ids(&[]);
    let shards: Vec<Vec<String>> =
        ["hash:1/3", "hash:2/3", "hash:3/3"].iter().map(|shard| ids(&["--partition", shard])).collect();
    let mut together = shards.concat();
    together.sort();
    assert_eq!(together, whole);
    for wrong in ["hash:0/3", "hash:4/3", "3/3", "count:1/3", "hash:1"] {
        let said = countersign(folder.path(), &["run", "--partition", wrong]);
        assert_eq!(said.code, 2, "{wrong}");
        assert!(said.err.contains("hash:1/3"), "{}", said.err);
    }
}

#[test]
fn a_partner_that_is_not_there_costs_the_others_nothing() {
    let folder = tempdir().unwrap();
    let gone = folder.path().join("gone");
    std::fs::create_dir_all(&gone).unwrap();
    // A port that was free a moment ago and at which nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = format!(
        "name = \"gone\"\n\n[client]\nid = \"gone\"\nauth = \"none\"\nredirect_uris = [\"{{base}}/callback\"]\n\n[scopes]\nrequired = [\"openid\"]\n\n[at]\nbase = \"http://127.0.0.1:{port}\"\nlogin = \"/login\"\n\n[session]\nurl = \"/me\"\nwho.subject = \"/sub\"\n\n[provider]\nlisten = \"127.0.0.1:0\"\n"
    );
    std::fs::write(gone.join("countersign.toml"), text).unwrap();
    partner(&folder.path().join("there"), "there", &[], "");
    let both = ["run", "--partner", "gone/countersign.toml", "--partner", "there/countersign.toml", "login/happy"];
    let reports = ["--report", "json=out/{partner}.json", "--report", "junit=out/all.xml"];
    let said = countersign(folder.path(), &[&both[..], &reports[..]].concat());
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(json(&folder.path().join("out/gone.json"))["run"]["blocked"].is_string());
    assert_eq!(json(&folder.path().join("out/there.json"))["totals"]["pass"], 1);
    let text = std::fs::read_to_string(folder.path().join("out/all.xml")).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let blocked = document.descendants().find(|node| node.attribute("name") == Some("blocked")).unwrap();
    assert_eq!(blocked.attribute("classname"), Some("gone.run"));
}

#[test]
fn a_report_that_cannot_be_written_loses_no_other_one() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let run = ["run", "--base", "min", "login/happy", "--report", "json=file/x.json", "--report", "junit=ok.xml"];
    let said = countersign(folder.path(), &run);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("file/x.json") && said.err.contains("help: "), "{}", said.err);
    assert!(said.out.contains("1 passed"), "{}", said.out);
    assert!(folder.path().join("ok.xml").is_file());
}
