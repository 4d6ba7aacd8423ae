//! The provider's pages as Chromium lays them out, on a phone and on a wide screen, in both colour schemes: every field and
//! button has a name, headings are in order, text has contrast, nothing is too small or too wide (WCAG 2.2, level AA).
//! Where there is no Chromium, the test says so and looks at nothing.

use std::process::Command;

use super::serve::Serving;

const SCRIPT: &str = include_str!("accessible.js");

/// The one that is installed.
fn chromium() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.into_iter().find(|name| Command::new(name).arg("--version").output().is_ok_and(|said| said.status.success()))
}

/// What is wrong with these pages; `None`: nobody could look.
fn complaints(pages: &[(&str, String)], dark: bool) -> Option<String> {
    let Some(chromium) = chromium() else {
        eprintln!("IGNORED: there is no Chromium on this machine, so nobody looked at the pages");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let pages: Vec<serde_json::Value> =
        pages.iter().map(|(name, html)| serde_json::json!({ "name": name, "html": html })).collect();
    let pages = serde_json::to_string(&pages).unwrap().replace("</", "<\\/");
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><style>:root{{color-scheme:light dark}}</style><pre id=result></pre><script>const pages = {pages};\n{SCRIPT}</script>"
    );
    let path = folder.path().join("pages.html");
    std::fs::write(&path, page).unwrap();
    let mut command = Command::new(chromium);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
    if dark {
        command.arg("--blink-settings=preferredColorScheme=0");
    }
    let said = command.arg(format!("file://{}", path.display())).output().expect("Chromium can be started");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let (_, result) = said.split_once("<pre id=\"result\">").unwrap_or_else(|| panic!("Chromium said {said}"));
    let result = result.split("</pre>").next().unwrap();
    let scheme = if dark { "dark" } else { "light" };
    let (first, wrong) = result.split_once('\n').unwrap_or_else(|| panic!("it did not look: {result:?}"));
    assert_eq!(first, format!("looked at {}, {scheme}", 2 * pages_of(&pages)));
    Some(wrong.to_owned())
}

fn pages_of(json: &str) -> usize {
    serde_json::from_str::<Vec<serde_json::Value>>(&json.replace("<\\/", "</")).unwrap().len()
}

/// Every page that a person can see, as `serve` gives it.
fn all_pages() -> Vec<(&'static str, String)> {
    let (serving, _) = Serving::start(&[]);
    let login = "/authorize?response_type=code&client_id=demo&redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2Fcallback&scope=openid+profile+email+contacts";
    let body = |answer: &str| answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap();
    let cookies = |answer: &str| {
        let own = answer.lines().filter_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
        own.collect::<Vec<_>>().join("; ")
    };
    let first = serving.get(login);
    let transaction =
        first.split("name=\"transaction\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let browser = cookies(&first);
    let wrong = format!("transaction={transaction}&username=nobody&password=wrong");
    let refused = serving.post("/authorize/login", &browser, &wrong);
    let consent = serving.post("/authorize/login", &browser, &format!("transaction={transaction}&persona=alice"));
    let signed_in = cookies(&consent);
    let begun =
        serving.post("/device_authorization", "x=y\r\nauthorization: Basic ZGVtbzpzZWNyZXQ=", "scope=openid+email");
    let user_code = begun.split("\"user_code\":\"").nth(1).map_or("", |rest| rest.split('"').next().unwrap());
    let pages = vec![
        ("login", body(&first)),
        ("login refused", body(&refused)),
        ("consent", body(&consent)),
        ("sign out", body(&serving.post("/end_session", &signed_in, "x=y"))),
        ("signed out", body(&serving.get("/end_session"))),
        ("error", body(&serving.get("/authorize?client_id=nobody"))),
        ("device code", body(&serving.get("/device"))),
        ("device", body(&serving.get(&format!("/device?user_code={user_code}")))),
        ("nothing there", body(&serving.get("/nothing"))),
        ("what happens", body(&serving.get("/_countersign/")).replace("<details>", "<details open>")),
    ];
    for (name, wanted) in [("consent", "Share with demo?"), ("sign out", "Sign out of"), ("what happens", "POST")] {
        let (_, html) = pages.iter().find(|(own, _)| *own == name).unwrap();
        assert!(html.contains(wanted), "{name}: {html}");
    }
    pages
}

/// Those of Facebook that a person sees in the pop-ups of its script, and where she removes apps.
fn pages_of_facebook() -> Vec<(&'static str, String)> {
    const PAGE: &str = "http%3A%2F%2F127.0.0.1%3A3000";
    let client = "--client=1234567890123:secret:http://127.0.0.1:3000/callback";
    let (serving, _) = Serving::start(&["--dialect", "facebook-login", client]);
    let body = |answer: &str| answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap();
    let cookies = |answer: &str| {
        let own = answer.lines().filter_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
        own.collect::<Vec<_>>().join("; ")
    };
    let transaction =
        |page: &str| page.split("name=\"transaction\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let about = format!("client_id=1234567890123&origin={PAGE}&cb=f1&display=popup&sdk=js");
    let share =
        format!("{about}&href=https%3A%2F%2Fpartner.example%2Fa-page&name=A+story&description=What+it+is+about");
    let login = serving.get(&format!("/www/v19.0/dialog/oauth?{about}&scope=email,user_friends,user_likes"));
    let browser = cookies(&login);
    let form = format!("transaction={}&persona=alice", transaction(&login));
    let consent = serving.post("/www/dialog/oauth/login", &browser, &form);
    let signed_in = format!("{browser}; {}", cookies(&consent));
    let form = format!("transaction={}&scope=email&decision=allow", transaction(&consent));
    serving.post("/www/dialog/oauth/consent", &signed_in, &form);
    let as_her = |target: &str| serving.get_with(target, &signed_in);
    let pages = vec![
        ("pop-up: login", body(&login)),
        ("pop-up: permissions", body(&consent)),
        ("pop-up: share", body(&as_her(&format!("/www/dialog/share?{share}")))),
        ("pop-up: share, nobody", body(&serving.get(&format!("/www/dialog/share?{share}")))),
        ("pop-up: done", body(&serving.get(&format!("/www/connect/xd?{about}")))),
        (
            "pop-up: not of the app",
            body(&serving.get("/www/dialog/share?client_id=1234567890123&origin=http://evil.example")),
        ),
        ("settings", body(&as_her("/www/settings/apps"))),
    ];
    let wanted = [
        ("permissions", "Share with"),
        ("share", "A story"),
        ("nobody", "Nobody is signed in"),
        ("done", "close"),
        ("settings", "Remove"),
    ];
    for (name, wanted) in wanted {
        let (_, html) = pages.iter().find(|(own, _)| own.ends_with(name)).unwrap();
        assert!(html.contains(wanted), "{name}: {html}");
    }
    pages
}

#[test]
fn every_page_can_be_used_by_everybody_in_both_colour_schemes_and_on_a_phone() {
    let mut pages = all_pages();
    pages.extend(pages_of_facebook());
    for dark in [false, true] {
        if let Some(wrong) = complaints(&pages, dark) {
            assert!(wrong.trim().is_empty(), "{wrong}");
        }
    }
}

#[test]
fn a_page_that_cannot_be_used_is_noticed() {
    let page = "<html><body><h3>x</h3><p style='color:#999;background:#fff'>faint</p><form><input name=a><button></button><fieldset></fieldset></form><div style='width:2000px'>wide</div>";
    let Some(wrong) = complaints(&[("bad", page.to_owned())], false) else { return };
    for what in [
        "no language",
        "no title",
        "no main part",
        "skips a level",
        "contrast",
        "a has no label",
        "no name",
        "no legend",
        "wide",
    ] {
        assert!(wrong.contains(what), "{what} was not noticed:\n{wrong}");
    }
}
