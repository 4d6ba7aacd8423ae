//! A partner whose answers try to break out of the report: into HTML, into scripts and styles, into the terminal, into
//! the commands of GitHub Actions. Whatever it says is there to be read, and nothing of it is live.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use libtest_mimic::Failed;
use scraper::{Html, Selector};
use sha2::Digest as _;

/// What it says wherever it can. A title that reads `pwned` would tell that some of it ran.
pub const PAYLOAD: &str = "\"'></script></style></title></textarea>--><script>document.title='pwned'</script><img src=x onerror=document.title='pwned'><svg/onload=document.title='pwned'><a href=javascript:document.title='pwned'>go</a><!--]]>&lt;b&gt;${7*7}\n::error::pwned\n##[error]pwned\n```\n\u{0}\u{1b}[2J\u{202e}";

/// Elements that the report is made of; the last three are made by its own script.
const ELEMENTS: &str = "html head meta title style body header p h1 h2 h3 h4 h5 svg rect ul ol li b i em strong small dl dt dd div nav a main section article span code pre details summary figure footer script input button output";

fn must(holds: bool, what: impl Into<String>) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into().into()) }
}

/// Runs cases against it with every report, as GitHub Actions would. Gives the page's path and what was printed.
fn reported(folder: &Path, kind: &str) -> Result<(PathBuf, String), Failed> {
    let manifest = folder.join("countersign.toml");
    std::fs::write(&manifest, super::manifest("http://127.0.0.1:{port}", &super::start(kind)))?;
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["run", "login/happy", "login/error-access-denied", "security/state-wrong"])
        .args(["--report", "html=page.html", "--report", "markdown=page.md", "--report", "json=-"])
        .args(["--partner", "countersign.toml"])
        .current_dir(folder)
        .env("HOSTILE_SECRET", "plainletters123")
        .env("GITHUB_ACTIONS", "true")
        .env_remove("GITHUB_WORKSPACE")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    must(serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok(), "what is on standard output is no JSON")?;
    must(output.status.code() == Some(1), format!("it must fail: {:?}\n{said}", output.status))?;
    Ok((folder.join("page.html"), said))
}

/// Through an HTML parser that is not ours: nothing but what the report is made of.
pub fn nothing_is_live() -> Result<(), Failed> {
    for kind in ["injects", "injects-itself"] {
        let folder = tempfile::tempdir()?;
        let (page, said) = reported(folder.path(), kind)?;
        let text = std::fs::read_to_string(page)?;
        inert(&text)?;
        must(text.contains("&lt;script&gt;document.title="), "what it said is not on the page")?;
        let unruly =
            |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
        must(!text.chars().any(|c| unruly(&c)), "a control character is on the page")?;
        must(!said.chars().any(|c| unruly(&c)), format!("a control character was printed\n{said}"))?;
        for line in said.lines() {
            let ours = line.starts_with("::error file=countersign.toml,")
                || line.starts_with("::warning file=countersign.toml,");
            must(ours || !line.trim_start().starts_with("::"), format!("a command of its own: {line}"))?;
            must(!line.contains("##["), format!("a command of its own: {line}"))?;
        }
        markdown_is_inert(&std::fs::read_to_string(folder.path().join("page.md"))?)?;
    }
    Ok(())
}

/// What it said stands between fences only.
fn markdown_is_inert(text: &str) -> Result<(), Failed> {
    must(text.contains("document.title="), "what it said is not in the summary")?;
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            None if ticks.len() >= 3 => fence = Some(ticks),
            Some(own) if line == own => fence = None,
            Some(_) => {}
            None => must(!line.contains("document.title"), format!("outside of a fence: {line}"))?,
        }
    }
    must(fence.is_none(), "a fence is open at the end")
}

fn inert(text: &str) -> Result<(), Failed> {
    let page = Html::parse_document(text);
    must(!page.tree.nodes().any(|node| node.value().is_comment()), "there is a comment")?;
    let all = |name: &str| page.select(&Selector::parse(name).unwrap()).collect::<Vec<_>>();
    let policy = all("meta[http-equiv]");
    must(policy.len() == 1, "one policy")?;
    let policy = policy[0].value().attr("content").unwrap_or_default();
    let own = [
        ("style", include_str!("../../src/report/html/style.css")),
        ("script", include_str!("../../src/report/html/script.js")),
    ];
    for (name, source) in own {
        let found: Vec<String> = all(name).iter().map(|element| element.text().collect()).collect();
        must(found == [source], format!("there is another {name}"))?;
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(source.as_bytes()));
        must(policy.contains(&format!("{name}-src 'sha256-{digest}'")), format!("the policy lets the {name} in"))?;
    }
    must(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "the policy lets nothing else in")?;
    for element in all("*") {
        let name = element.value().name();
        must(ELEMENTS.split(' ').any(|own| own == name), format!("there is a <{name}>"))?;
        for (attribute, value) in element.value().attrs() {
            let loads = ["src", "srcset", "style", "action", "formaction", "srcdoc", "data", "xlink:href"];
            must(!attribute.starts_with("on") && !loads.contains(&attribute), format!("<{name} {attribute}={value}>"))?;
            let harmless = value.starts_with('#') || value.starts_with("https://");
            must(attribute != "href" || harmless, format!("a link to {value}"))?;
        }
    }
    Ok(())
}

/// The name of the browser, where there is one.
pub fn chromium() -> Option<&'static str> {
    let there = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(there)
}

/// In a real browser: the page's own script ran, and nothing else did.
pub fn nothing_is_live_in_chromium() -> Result<(), Failed> {
    let Some(browser) = chromium() else { return Err("needs chromium".into()) };
    for kind in ["injects", "injects-itself"] {
        let folder = tempfile::tempdir()?;
        let (page, _) = reported(folder.path(), kind)?;
        let output = Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"])
            .args(["--disable-component-update", "--disable-sync", "--virtual-time-budget=2000", "--dump-dom"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("file://{}", page.display()))
            .output()?;
        let seen = String::from_utf8_lossy(&output.stdout).into_owned();
        must(seen.contains("<input type=\"search\""), format!("its own script did not run\n{seen}"))?;
        must(!seen.contains("<title>pwned"), "something of the partner ran")?;
        inert(&seen)?;
    }
    Ok(())
}
