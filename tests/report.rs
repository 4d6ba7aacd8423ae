//! The HTML and Markdown reports, as the program writes them: what they must say, and that there is advice.

mod common;

use std::path::Path;

use countersign::harness::suite::{Additions, Suite};
use countersign::model::verdict::Tier;
use scraper::{ElementRef, Html, Selector};

fn suite() -> Suite {
    Suite::load(&Additions::default()).unwrap_or_else(|wrong| panic!("{}", wrong[0]))
}

/// A page that the program wrote about the reference partner with a flaw.
fn page(folder: &Path, more: &[&str]) -> Html {
    let arguments = ["run", "login/happy", "tokens/aud-wrong", "consent/scope-reduced", "keys/rotate", "--base", "min"];
    let arguments: Vec<&str> =
        arguments.into_iter().chain(["--report", "html=page.html"]).chain(more.to_vec()).collect();
    let said = common::countersign(folder, &arguments);
    assert!(matches!(said.code, 0 | 1), "{said:?}");
    Html::parse_document(&std::fs::read_to_string(folder.join("page.html")).unwrap())
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn words(of: &ElementRef<'_>) -> String {
    of.text().collect::<String>()
}

fn one(page: &Html, selector: &str) -> String {
    let found = all(page, selector);
    assert_eq!(found.len(), 1, "{selector}");
    words(&found[0])
}

#[test]
fn every_requirement_of_tier_basic_has_advice() {
    let suite = suite();
    let mut missing: Vec<&str> = Vec::new();
    for case in suite.cases.iter().filter(|case| case.tier == Tier::Basic) {
        let steps = case.steps.iter().filter_map(|step| step.requirement.as_deref());
        missing.extend(steps.chain([case.requirement.as_str()]).filter(|id| !suite.advice.contains_key(*id)));
    }
    missing.extend(suite.messages.iter().map(|rule| &*rule.requirement).filter(|id| !suite.advice.contains_key(*id)));
    missing.sort_unstable();
    missing.dedup();
    assert!(missing.is_empty(), "no advice in specs/advice/ for {}", missing.join(", "));
}

#[test]
fn a_failure_is_told_with_its_rule_its_clause_what_was_seen_what_to_do_and_how_to_play_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path(), &["--flaw", "skip-aud"]);
    assert_eq!(one(&page, "header .verdict"), "1 case failed");
    let case = "details[id='case:tokens/aud-wrong']";
    assert_eq!(all(&page, &format!("{case}.fail[open]")).len(), 1, "what failed is open");
    let finding = one(&page, &format!("{case} .finding .rule"));
    assert!(finding.contains("oidc-core/3.1.3.7#3") && finding.contains("MUST"), "{finding}");
    let link = all(&page, &format!("{case} .finding .clause a"));
    assert_eq!(
        link[0].value().attr("href"),
        Some("https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation")
    );
    assert!(one(&page, &format!("{case} .expected")).contains("nobody"));
    assert!(one(&page, &format!("{case} .observed")).contains("alice"));
    let advice = one(&page, &format!("{case} .advice"));
    for part in ["Likely cause", "How to fix it", "In common libraries", "PyJWT"] {
        assert!(advice.contains(part), "{part}: {advice}");
    }
    assert_eq!(
        one(&page, &format!("{case} .rerun code")),
        "countersign run --flaw skip-aud --base min tokens/aud-wrong"
    );
}

#[test]
fn a_course_is_drawn_with_its_deviation_and_the_expectation_that_was_missed() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path(), &["--flaw", "skip-aud"]);
    let course = "details[id='case:tokens/aud-wrong'] .course";
    let drawn = all(&page, course);
    let message = Selector::parse("li.msg").unwrap();
    let told: Vec<String> = drawn[0].select(&message).map(|line| words(&line)).collect();
    let at = |start: &str| {
        let found = told.iter().position(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("{start}\n{}", told.join("\n")))
    };
    let callback = at("Browser \u{2192} PartnerGET  /callback");
    let token = at("Partner \u{2192} ProviderPOST token");
    let answer = at("Provider \u{2192} Partner200   tokendeviation");
    let home = told.iter().rposition(|line| line.starts_with("Partner \u{2192} Browser303")).expect("it goes home");
    assert!(callback < token && token < answer && answer < home, "{}", told.join("\n"));
    assert!(told[answer].contains("id_token.aud=somebody-else"), "{}", told[answer]);
    let missed = drawn[0].select(&Selector::parse("li.missed").unwrap()).map(|line| words(&line)).collect::<String>();
    assert!(missed.contains("nobody is signed in") && missed.contains("not what was seen"), "{missed}");
}

#[test]
fn keys_are_drawn_and_what_was_not_tested_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path(), &[]);
    assert_eq!(one(&page, "header .verdict"), "Everything that was tested holds");
    let keys: Vec<String> = all(&page, "details[id='case:keys/rotate'] li.msg.fault").iter().map(words).collect();
    assert!(keys.iter().any(|line| line.contains("jwks")), "{keys:?}");
    let untested = one(&page, "#untested");
    assert!(untested.contains("consent/scope-reduced"), "{untested}");
    assert!(untested.contains("the partner does not declare `features`"), "{untested}");
    assert!(untested.contains("filtered or split"), "{untested}");
    assert_eq!(all(&page, "#mend .card").len(), 0);
}

#[test]
fn no_secret_is_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let partner = common::partner(&folder.path().join("p"), "acme", &["secret-in-query"], "");
    let path = partner.display().to_string();
    let cases = ["run", "login", "--partner", &path, "--seed", "7"];
    let reports = ["--report", "html=page.html", "--report", "markdown=page.md", "--report", "json=page.json"];
    let said = common::countersign(folder.path(), &[cases.as_slice(), &reports].concat());
    assert_eq!(said.code, 1, "{said:?}");
    let secret = &countersign::model::persona::digest(&["7", "client secret"])[..32];
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    let markdown = std::fs::read_to_string(folder.path().join("page.md")).unwrap();
    assert!(
        page.contains("&lt;client secret&gt;") || page.contains("&lt;client_secret&gt;"),
        "the secret was on its way"
    );
    let json = std::fs::read_to_string(folder.path().join("page.json")).unwrap();
    for text in [page, markdown, json, said.out, said.err] {
        assert!(!text.contains(secret), "the client secret is in a report: {text}");
    }
}

#[test]
fn the_summary_of_a_step_is_added_to_and_annotations_are_made_in_actions_alone() {
    let folder = tempfile::tempdir().unwrap();
    let partner = common::partner(&folder.path().join("partners/acme"), "acme", &["skip-aud"], "");
    std::fs::write(folder.path().join("summary.md"), "of another command\n").unwrap();
    let run = |actions: bool| {
        let mut command = std::process::Command::new(common::PROGRAM);
        command.args(["run", "tokens/aud-wrong", "--report", "markdown=summary.md", "--partner"]);
        command.arg(&partner).current_dir(folder.path()).env_remove("GITHUB_ACTIONS");
        if actions {
            command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "summary.md");
            command.env("GITHUB_WORKSPACE", folder.path());
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(!String::from_utf8_lossy(&output.stdout).contains("::error"), "standard output is for what was asked");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = run(true);
    let notes: Vec<&str> = said.lines().filter(|line| line.starts_with("::")).collect();
    let begin = "::error file=partners/acme/countersign.toml,title=acme%3A tokens/aud-wrong%2C oidc-core/3.1.3.7#3::";
    assert!(notes.len() == 1 && notes[0].starts_with(begin) && notes[0].contains("%0Aexpected: "), "{said}");
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(summary.starts_with("of another command\n## Countersign: acme"), "{summary}");
    assert!(summary.contains("### fail: `tokens/aud-wrong`") && summary.contains("**How to fix it:**"), "{summary}");
    assert!(!run(false).contains("::error"), "nobody asked for annotations");
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(summary.starts_with("## Countersign: acme"), "a report of its own replaces the last one: {summary}");
}

#[test]
fn a_page_is_of_one_partner() {
    let folder = tempfile::tempdir().unwrap();
    let one = common::partner(&folder.path().join("a"), "acme", &[], "").display().to_string();
    let two = common::partner(&folder.path().join("b"), "bolt", &[], "").display().to_string();
    let both = ["run", "login/happy", "--partner", &one, "--partner", &two];
    let said = common::countersign(folder.path(), &[both.as_slice(), &["--report", "html=out/page.html"]].concat());
    assert!(said.code == 2 && said.err.contains("html=out/page-{partner}.html"), "{said:?}");
    let said =
        common::countersign(folder.path(), &[both.as_slice(), &["--report", "html=out/{partner}.html"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    for name in ["acme", "bolt"] {
        let text = std::fs::read_to_string(folder.path().join(format!("out/{name}.html"))).unwrap();
        assert!(text.contains(&format!("<h1>{name}</h1>")));
        assert!(text.contains("class=\"course "), "each has its diagrams");
    }
}

#[test]
fn a_run_that_is_blocked_says_so_once_in_every_report() {
    let folder = tempfile::tempdir().unwrap();
    let own = common::partner(folder.path(), "acme", &[], "");
    let text = std::fs::read_to_string(&own).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (before, after) = text.split_once("[start]\n").expect("it is a partner that is started");
    let after = after.split_once("\n[").map_or(String::new(), |(_, rest)| format!("[{rest}"));
    let attached = (before.to_owned() + &after)
        .replace("127.0.0.1:{port}", &format!("127.0.0.1:{free}"))
        .replace("[client]\n", "[client]\nsecret_env = \"ACME_SECRET\"\n")
        .replace("[provider]\n", "[provider]\nissuer = \"http://localhost:9\"\nlisten = \"127.0.0.1:0\"\n");
    std::fs::write(&own, attached).unwrap();
    let output = std::process::Command::new(common::PROGRAM)
        .args([
            "run",
            "login",
            "--partner",
            "countersign.toml",
            "--report",
            "html=page.html",
            "--report",
            "markdown=page.md",
        ])
        .current_dir(folder.path())
        .env("GITHUB_ACTIONS", "true")
        .env("ACME_SECRET", "plainletters123")
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(5), "{err}");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(told.matches("reason    the partner was not there").count(), 1, "{told}");
    let why = format!("nothing speaks HTTP at http://127.0.0.1:{free}");
    let page = Html::parse_document(&std::fs::read_to_string(folder.path().join("page.html")).unwrap());
    assert_eq!(one(&page, "header .verdict"), "Blocked: not everything could be judged");
    assert!(one(&page, "header pre").contains(&why));
    assert_eq!(one(&page, "#mend p"), "No requirement was judged.");
    assert_eq!(all(&page, "details.case[open]").len(), 0, "what was never played has nothing to show");
    assert!(one(&page, "#untested").contains("the partner was not there"));
    let markdown = std::fs::read_to_string(folder.path().join("page.md")).unwrap();
    assert_eq!(markdown.matches(&why).count(), 1, "{markdown}");
    assert_eq!(markdown.matches("the partner was not there").count(), 1, "{markdown}");
    let notes: Vec<&str> = err.lines().filter(|line| line.starts_with("::error")).collect();
    assert!(notes.len() == 2 && notes[0].contains(&why), "{err}");
}

#[test]
fn a_request_that_breaks_a_rule_for_messages_is_told_with_the_rule_the_exchange_and_how_to_play_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = |flaw: &str, base: &str, more: &[&str]| {
        let arguments = ["run", "login/happy", "--flaw", flaw, "--base", base, "--report", "json=report.json"];
        let said = common::countersign(folder.path(), &[&arguments[..], more].concat());
        assert_eq!(said.code, 1, "{said:?}");
        let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        (said, report["findings"].as_array().unwrap().clone())
    };
    // The login works, so it is a case that shows it; the token itself is never told.
    let (said, findings) = run("bearer-twice", "oidc", &[]);
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(finding["requirement"], "rfc6750/2");
    assert_eq!((&finding["level"], &finding["verdict"]), (&"MUST".into(), &"fail".into()));
    assert_eq!(finding["expected"], "an access token goes to userinfo in one way");
    assert_eq!(finding["rerun"], "countersign run --flaw bearer-twice --base oidc login/happy");
    assert!(finding["exchange"].as_str().unwrap().contains("GET "), "{finding}");
    assert!(finding["observed"].as_str().unwrap().contains("<access_token>"), "{finding}");
    assert!(said.out.contains("rerun     countersign run --flaw bearer-twice --base oidc login/happy"), "{}", said.out);
    // Not even the login works, and the rule says why.
    let (_, findings) = run("secret-twice", "min", &[]);
    let rules: Vec<&str> = findings.iter().filter_map(|finding| finding["requirement"].as_str()).collect();
    assert_eq!(rules, ["rfc6749/2.3", "partner/manifest#smoke"]);
    run("bearer-twice", "oidc", &["--report", "html=page.html"]);
    let page = Html::parse_document(&std::fs::read_to_string(folder.path().join("page.html")).unwrap());
    assert!(one(&page, "#run .rerun code").starts_with("countersign run --flaw bearer-twice"));
    assert!(one(&page, "#run .finding .rule").contains("rfc6750/2"));
}

/// A partner that passes on what a fault planted is not to blame for it; its requests are judged by the control run.
#[test]
fn what_a_partner_passes_on_of_a_deviation_breaks_no_rule_for_messages() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: String| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let case = "title = \"A planted code is handed in, and signs nobody in\"\nrequirement = \"rfc6749/4.1.3\"\ntier = \"basic\"\nkills = [\"code-replayed\"]\n\n[[step]]\nfault = { in = \"authorization_response\", set = { code = \"planted\" } }\n\n[[step]]\nsign_in = { as = \"alice\" }\n\n[[step]]\nexpect = { session = \"nobody\" }\n\n[[step]]\nexpect.request = \"token\"\nexpect.matches.properties.code.const = \"planted\"\n";
    write("cases/login/planted-code.toml", case.to_owned());
    let findings = |of_the_code: &str| {
        let rule = format!(
            "{{ \"allOf\": [{{ \"x-requirement\": \"rfc6749/3.2\", \"properties\": {{ \"code\": {{ \"items\": {of_the_code} }} }} }}] }}"
        );
        write("specs/dialects/oidc/messages/token.json", rule);
        let arguments = ["run", "login/planted-code", "--base", "min", "--report", "json=report.json"];
        let added = ["--cases", "cases", "--specs", "specs", "--replace"];
        let said = common::countersign(folder.path(), &[&arguments[..], &added].concat());
        let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap_or_else(|_| panic!("{said:?}"));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["cases"][0]["verdict"], "pass", "{said:?}");
        report["findings"].as_array().unwrap().len()
    };
    assert_eq!(findings("{ \"not\": { \"const\": \"planted\" } }"), 0, "the provider planted it");
    assert_eq!(findings("{ \"const\": \"planted\" }"), 1, "so it is in the control run, where nothing is planted");
}
