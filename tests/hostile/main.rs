//! Partners that never start, die, hang, flood, turn in circles or lie: each costs what it must and nothing more. One
//! that is attached to blocks the run (exit 5), one that was started is a finding (exit 1); there is a sentence that
//! helps, no process stays behind, and nothing that was measured is lost.
//!
//! The partner is this very program, started with `HOSTILE` in its environment.

#[path = "../common/mod.rs"]
mod common;
mod page;
mod partner;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value as Json;

fn main() -> ExitCode {
    if let Ok(kind) = std::env::var("HOSTILE") {
        serve(kind);
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let started = |name: &str, kind: &'static str, says: &'static str| {
        Trial::test(format!("a started partner that {name} is a finding"), move || started_is_a_finding(kind, says))
    };
    let attached = |name: &str, kind: &'static str, says: &'static str| {
        Trial::test(format!("an attached partner that {name} blocks the run"), move || attached_blocks(kind, says))
    };
    let midway = |name: &str, kind: &'static str, rule: &'static str| {
        Trial::test(format!("a partner that {name} in the middle costs that case alone"), move || {
            one_case_is_lost(kind, rule)
        })
    };
    let trials = vec![
        Trial::test("the small partner is sound while nothing is wrong with it", sound_while_sound),
        Trial::test("a sound partner that is posted its answers passes", posted_and_sound),
        Trial::test("one that is posted its answers and binds nothing to the browser fails", posted_and_unbound),
        started("never starts", "never", "was not ready within 1 s: it never answered"),
        started("ends at once", "ends", "the partner never became ready: it exited with status 3"),
        started("is no program", "no-program", "cannot be started"),
        started("hangs", "hangs", "was not ready within 1 s"),
        started("answers 100 MB", "floods", "the login never came to its end"),
        started("redirects for ever", "redirects", "the login never came to its end"),
        started("takes an empty jar for alice", "alice", "the probe says \"alice\" to a browser with an empty jar"),
        attached("is not there", "absent", "nothing speaks HTTP at"),
        attached("hangs", "hangs", "gave no answer within 1 s"),
        attached("answers 100 MB", "floods", "the login never came to its end"),
        attached("redirects for ever", "redirects", "the login never came to its end"),
        attached("takes an empty jar for alice", "alice", "the probe says \"alice\" to a browser with an empty jar"),
        midway("dies", "dies-at-denial", "partner/resilience#stays-up"),
        midway("hangs", "hangs-at-denial", "rfc6749/4.1.2.1"),
        midway("floods", "floods-at-denial", "rfc6749/4.1.2.1"),
        midway("turns in circles", "redirects-at-denial", "rfc6749/4.1.2.1"),
        midway("babbles", "babbles-at-denial", "rfc6749/4.1.2.1"),
        midway("drips", "drips-at-denial", "rfc6749/4.1.2.1"),
    ];
    let mut trials = trials;
    trials
        .push(Trial::test("what fails a MUST once and not alone is told of, and is no fail", || once("crashes-once")));
    trials.push(Trial::test("what misses a SHOULD once and not alone is told of, too", || once("forgets-once")));
    trials.push(Trial::test("nothing that a partner says is live in a report", page::nothing_is_live));
    let real = Trial::test("nothing that a partner says is live in Chromium", page::nothing_is_live_in_chromium);
    let missing = page::chromium().is_none();
    trials.push(if missing { real.with_kind("needs chromium").with_ignored_flag(true) } else { real });
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Being the partner.
fn serve(kind: String) {
    match kind.as_str() {
        "never" => std::thread::park(),
        "ends" => std::process::exit(3),
        _ => {}
    }
    let value = |name: &str| std::env::var(name).unwrap_or_default();
    let listener = TcpListener::bind(format!("127.0.0.1:{}", value("PORT"))).expect("the port was chosen free");
    let settings = partner::Settings {
        kind,
        issuer: value("ISSUER"),
        client_id: value("CLIENT_ID"),
        client_secret: value("CLIENT_SECRET"),
        base: value("BASE_URL"),
    };
    partner::serve(&listener, settings);
}

const REST: &str = r#"
login = "/login"
logout = "/logout"

[session]
url = "/me"
who.subject = "/sub"

[capabilities]
has = ["state"]
"#;

fn manifest(base: &str, more: &str) -> String {
    format!(
        "name = \"hostile\"\npatience = \"1s\"\n\n[client]\nid = \"hostile\"\nsecret_env = \"HOSTILE_SECRET\"\nauth = \"client_secret_post\"\nredirect_uris = [\"{{base}}/callback\"]\n\n[scopes]\nrequired = [\"openid\"]\n\n[at]\nbase = \"{base}\"{REST}\n{more}"
    )
}

struct Outcome {
    code: Option<i32>,
    told: String,
    report: Json,
}

const CASES: [&str; 3] = ["login/happy", "login/error-access-denied", "security/state-wrong"];
/// Each sends a browser to a callback with what another one was given.
const ATTACKS: [&str; 3] = ["security/browser-swap", "security/state-other-session", "security/state-wrong"];

/// Runs a few cases against the partner of a manifest.
fn run(folder: &Path, manifest: &str, cases: &[&str]) -> Result<Outcome, Failed> {
    let path = folder.join("countersign.toml");
    std::fs::write(&path, manifest)?;
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["run", "--report", "json=-"])
        .args(cases)
        .arg("--partner")
        .arg(&path)
        .env("HOSTILE_SECRET", "plainletters123")
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}\n{told}"))?;
    Ok(Outcome { code: output.status.code(), told, report })
}

fn start(kind: &str) -> String {
    let program = std::env::current_exe().unwrap_or_default().display().to_string();
    let program = if kind == "no-program" { "/no/such/program".to_owned() } else { program };
    format!(
        "[start]\ncommand = [\"{program}\"]\nready_within = \"1s\"\nenv = {{ HOSTILE = \"{kind}\", PORT = \"{{port}}\", ISSUER = \"{{issuer}}\", CLIENT_ID = \"{{client.id}}\", CLIENT_SECRET = \"{{client.secret}}\", BASE_URL = \"{{base}}\" }}\n"
    )
}

fn of_started(kind: &str) -> Result<Outcome, Failed> {
    judged(kind, &CASES)
}

fn judged(kind: &str, cases: &[&str]) -> Result<Outcome, Failed> {
    let folder = tempfile::tempdir()?;
    let outcome = run(folder.path(), &manifest("http://127.0.0.1:{port}", &start(kind)), cases)?;
    nothing_stays_behind(folder.path())?;
    Ok(outcome)
}

/// Every process of the run was started in its folder.
fn nothing_stays_behind(folder: &Path) -> Result<(), Failed> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Ok(()) };
    let folder = folder.canonicalize()?;
    for process in processes.flatten() {
        let inside = std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == folder);
        if inside {
            return Err(format!("process {} was left behind", process.file_name().to_string_lossy()).into());
        }
    }
    Ok(())
}

fn must(holds: bool, what: &str, outcome: &Outcome) -> Result<(), Failed> {
    if holds {
        return Ok(());
    }
    Err(format!("{what}\nexit {:?}\n{}\n{:#}", outcome.code, outcome.told, outcome.report).into())
}

fn case<'a>(outcome: &'a Outcome, id: &str) -> &'a Json {
    let cases = outcome.report["cases"].as_array();
    cases.and_then(|all| all.iter().find(|case| case["id"] == id)).unwrap_or(&Json::Null)
}

fn sound_while_sound() -> Result<(), Failed> {
    let outcome = of_started("sound")?;
    must(outcome.code == Some(0), "it must pass", &outcome)?;
    for id in CASES {
        must(case(&outcome, id)["verdict"] == "pass", id, &outcome)?;
    }
    Ok(())
}

/// A verdict is final only once a second attempt, alone, comes to the same.
fn once(kind: &str) -> Result<(), Failed> {
    let outcome = judged(kind, &["login/callback-reload"])?;
    must(case(&outcome, "login/callback-reload")["verdict"] == "pass", "alone it passes", &outcome)?;
    must(outcome.code == Some(0), "it is no fail", &outcome)?;
    let findings = outcome.report["findings"].as_array().cloned().unwrap_or_default();
    let told = |own: &Json| own["requirement"] == "partner/concurrency#crosstalk" && own["verdict"] == "warn";
    must(findings.len() == 1 && findings.iter().all(told), "it is told of", &outcome)
}

fn posted_and_sound() -> Result<(), Failed> {
    let outcome = judged("posted", &[&CASES[..], &ATTACKS[..]].concat())?;
    must(outcome.code == Some(0), "it must pass", &outcome)?;
    for id in CASES.iter().chain(&ATTACKS) {
        must(case(&outcome, id)["verdict"] == "pass", id, &outcome)?;
    }
    Ok(())
}

/// What a browser is sent to by GET such a partner never hears: only a post shows what it believes.
fn posted_and_unbound() -> Result<(), Failed> {
    let outcome = judged("posted-unbound", &ATTACKS)?;
    must(outcome.code == Some(1), "it must be a finding", &outcome)?;
    for id in ["security/browser-swap", "security/state-other-session"] {
        must(case(&outcome, id)["verdict"] == "fail", id, &outcome)?;
    }
    Ok(())
}

fn started_is_a_finding(kind: &str, says: &str) -> Result<(), Failed> {
    let outcome = of_started(kind)?;
    must(outcome.code == Some(1), "it must be a finding", &outcome)?;
    let findings = outcome.report["findings"].to_string();
    must(outcome.report["findings"][0]["verdict"] == "fail", "the finding is a fail", &outcome)?;
    must(findings.contains(&Json::from(says).to_string().trim_matches('"').to_owned()), says, &outcome)?;
    must(findings.contains("help: "), "a sentence must help", &outcome)?;
    must(outcome.report["cases"].as_array().is_some_and(|cases| cases.len() == 3), "no case vanishes", &outcome)
}

fn attached_blocks(kind: &str, says: &str) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let provider = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let base = format!("http://127.0.0.1:{port}");
    let settings = partner::Settings {
        kind: kind.to_owned(),
        issuer: format!("http://localhost:{provider}"),
        client_id: "hostile".to_owned(),
        client_secret: "plainletters123".to_owned(),
        base: base.clone(),
    };
    if kind == "absent" {
        drop(listener);
    } else {
        std::thread::spawn(move || partner::serve(&listener, settings));
    }
    let folder = tempfile::tempdir()?;
    let provider = format!("[provider]\nissuer = \"http://localhost:{provider}\"\nlisten = \"127.0.0.1:{provider}\"\n");
    let outcome = run(folder.path(), &manifest(&base, &provider), &CASES)?;
    must(outcome.code == Some(5), "it must block the run", &outcome)?;
    let blocked = outcome.report["run"]["blocked"].as_str().unwrap_or_default();
    must(blocked.contains(says), says, &outcome)?;
    must(blocked.contains("help: "), "a sentence must help", &outcome)?;
    must(outcome.report["cases"].as_array().is_some_and(|cases| cases.len() == 3), "no case vanishes", &outcome)
}

/// Something goes wrong when the person refuses; the other cases are judged as if nothing had been.
fn one_case_is_lost(kind: &str, rule: &str) -> Result<(), Failed> {
    let outcome = of_started(kind)?;
    must(outcome.code == Some(1), "it must be a finding", &outcome)?;
    let denied = case(&outcome, "login/error-access-denied");
    must(denied["verdict"] == "fail", "the case fails", &outcome)?;
    let rules = denied["findings"].as_array().into_iter().flatten();
    must(rules.clone().any(|finding| finding["requirement"] == rule), rule, &outcome)?;
    for id in ["login/happy", "security/state-wrong"] {
        must(case(&outcome, id)["verdict"] == "pass", id, &outcome)?;
    }
    Ok(())
}
