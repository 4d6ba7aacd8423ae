//! `countersign check`, for each way in which a site or its manifest can be wrong: what it says is kept in `tests/said/`,
//! and must have the words that name the trouble and the way out.
//!
//! The site is this very program, started with `SITE` in its environment.

#[path = "../common/mod.rs"]
mod common;
mod partner;

use std::net::TcpListener;
use std::process::ExitCode;

use common::said::{masked, same};
use common::{Said, countersign, site};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    if let Ok(kind) = std::env::var("SITE") {
        let value = |name: &str| std::env::var(name).unwrap_or_default();
        let settings = partner::Settings {
            kind,
            issuer: value("ISSUER"),
            client_id: value("CLIENT_ID"),
            client_secret: value("CLIENT_SECRET"),
            base: value("BASE_URL"),
            port: value("PORT"),
        };
        partner::serve(&settings);
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = WAYS.iter().map(Way::trial).collect();
    trials.push(Trial::test("a sound site is ready", || {
        let said = check(&manifest("sound"), &[]);
        must(said.code == 0 && said.out.ends_with("Ready: countersign run\n"), "ready", &said)?;
        must(!said.out.contains("What does not"), "nothing is wrong", &said)
    }));
    trials.push(Trial::test("a port that is taken is told before anything is started", taken));
    trials.push(Trial::test("an address of the provider that is taken is told", provider_taken));
    trials.push(Trial::test("check tells of cookies-lost-between-two-names", two_names));
    trials.push(Trial::test("a secret that is nowhere is told with its variable", || {
        let fixed = manifest("sound").replace("{port}\"\nlogin", &format!("{}\"\nlogin", free()));
        let variable = "secret_env = \"A_SECRET_THAT_IS_NOT_SET\"\nauth";
        let attached = fixed.replace("auth", variable).split("[start]").next().unwrap_or_default().to_owned();
        let own = "[provider]\nissuer = \"http://localhost:9\"\nlisten = \"127.0.0.1:9\"\n";
        let said = check(&(attached + own), &[]);
        must(said.code == 5, "blocked", &said)?;
        must(said.out.contains("from A_SECRET_THAT_IS_NOT_SET, which is not set"), "the variable", &said)?;
        must(said.out.contains("export A_SECRET_THAT_IS_NOT_SET="), "what to do", &said)
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// One way of being wrong.
struct Way {
    /// The file's name in `tests/said/`.
    name: &'static str,
    /// What is wrong with the site; `sound` where it is the manifest.
    site: &'static str,
    /// Replaced in the manifest.
    change: (&'static str, &'static str),
    code: i32,
    /// What must be said.
    says: &'static [&'static str],
}

const NO: (&str, &str) = ("", "");

const WAYS: [Way; 37] = [
    way(
        "probe-elsewhere",
        "sound",
        ("url = \"/me\"", "url = \"/mee\""),
        &["the probe says nobody after a login that rested on 200", "/mee answered 404", "[session] url"],
    ),
    way(
        "identity-is-in-the-id-token",
        "sound",
        ("who.subject = \"/sub\"", "who.subject = \"/sub\"\nidentity_from = \"userinfo\""),
        &["with an ID token that cannot be read", "leave identity_from out of [session]"],
    ),
    way(
        "reset-is-not-there",
        "sound",
        ("[start]", "[accounts]\nreset = { method = \"POST\", path = \"/forget\" }\n\n[start]"),
        &["[accounts] reset, /forget, answers 404", "must answer 2xx"],
    ),
    way("probe-points-elsewhere", "another-pointer", NO, &["the person is on /me", "who = { subject = \"/user/id\" }"]),
    way(
        "probe-names-a-stranger",
        "own-id",
        NO,
        &["the probe names `4711`, who is nobody that the provider knows", "[session.who]"],
    ),
    way(
        "redirect-uri-slash",
        "slash",
        NO,
        &[
            "differs from what is registered by a slash at its end",
            "^ from here on",
            "redirect_uris = [\"{base}/callback/\"]",
        ],
    ),
    way("redirect-uri-host", "localhost", NO, &["by its host", "^ from here on", "hand it {base}"]),
    way(
        "redirect-uri-port",
        "sound",
        ("{base}/callback", "http://127.0.0.1:1/callback"),
        &["by its port", "redirect_uris = [\"{base}/callback\"]"],
    ),
    way("redirect-uri-scheme", "https-callback", NO, &["by its scheme"]),
    way("redirect-uri-path", "sound", ("{base}/callback", "{base}/cb"), &["by its path"]),
    way(
        "issuer-needs-https",
        "wants-https",
        NO,
        &["the partner refuses an issuer that is not https", "only requests to HTTPS are allowed", "run with --tls"],
    ),
    way(
        "issuer-needs-https-by-code",
        "wants-https-by-code",
        NO,
        &["the partner refuses an issuer that is not https (failed: OAUTH_HTTP_REQUEST_FORBIDDEN)", "run with --tls"],
    ),
    way(
        "redirect-uri-by-another-name",
        "sound",
        ("{base}/callback", "{scheme}://localhost:{port}/callback"),
        &["by its host", "redirect_uris = [\"{base}/callback\"]"],
    ),
    way(
        "logout-is-not-there",
        "sound",
        ("logout = \"/logout\"", "logout = \"/log-out\""),
        &["/log-out answered 404: there is no such place", "[at] logout must be the path"],
    ),
    way(
        "logout-takes-post",
        "post-logout",
        NO,
        &["/logout answered 405: it takes another method", "logout = { path = \"…\", method = \"POST\""],
    ),
    way(
        "never-asks-the-provider",
        "silent",
        NO,
        &["the partner asked the provider for nothing", "{issuer} in [start] env"],
    ),
    way(
        "another-provider",
        "another-provider",
        NO,
        &["https://login.example/authorize: that is not the provider of this run", "{issuer}"],
    ),
    way(
        "another-client-id",
        "another-id",
        NO,
        &["the partner calls itself `somebody` at the provider, and the manifest `site`", "{client.id}"],
    ),
    way(
        "another-authentication",
        "sound",
        ("client_secret_post", "client_secret_basic"),
        &[
            "it authenticates by client_secret_post, and the manifest says client_secret_basic",
            "auth = \"client_secret_post\"",
        ],
    ),
    way("wrong-secret", "wrong-secret", NO, &["the client secret is wrong", "{client.secret}"]),
    way("no-cookie", "no-cookie", NO, &["the partner set no cookie in the whole login", "cookie.secure", "--tls"]),
    way("callback-refuses", "refuses", NO, &["/callback answered 400", "it shows: state mismatch"]),
    way(
        "login-is-not-there",
        "sound",
        ("login = \"/login\"", "login = \"/log-in\""),
        &["404, there is no such place", "[at] login"],
    ),
    way(
        "login-shows-a-button",
        "button",
        NO,
        &["a page that does not lead to the provider", "method = \"POST\", page = ", "--browser chromium"],
    ),
    way("login-takes-post", "post-only", NO, &["405, it takes another method", "method = \"POST\""]),
    way("logout-stays-in", "stays-in", NO, &["after signing out: the probe says", "[at] logout must end the session"]),
    way(
        "not-declared",
        "nonce",
        NO,
        &["the partner uses `nonce`, and the manifest does not say so", "has = [\"state\", \"nonce\"]"],
    ),
    way(
        "max-age-not-declared",
        "max-age",
        NO,
        &["the partner uses `max-age`, and the manifest does not say so", "has = [\"state\", \"max-age\"]"],
    ),
    way(
        "not-seen",
        "sound",
        ("has = [\"state\"]", "has = [\"state\", \"refresh\", \"pkce\"]"),
        &["declares `pkce`, and a plain login shows nothing of it", "has = [\"state\", \"refresh\"]"],
    ),
    way(
        "command-not-found",
        "sound",
        ("command = [", "command = [\"no-such-program\", "),
        &["`no-such-program` cannot be started"],
    ),
    way(
        "command-ends",
        "sound",
        ("command = [", "command = [\"sh\", \"-c\", \"echo first; echo 'no configuration' >&2; exit 3\", "),
        &["it exited with status 3; its last output:", "no configuration"],
    ),
    way(
        "setup-not-run",
        "sound",
        ("command = [", "setup = [\"npm\", \"ci\"]\ncommand = [\"./node_modules/.bin/site\", "),
        &["cannot be started", "run `npm ci` in . once"],
    ),
    way(
        "never-ready",
        "sound",
        ("command = [", "ready = \"/readyz\"\nready_within = \"1s\"\ncommand = ["),
        &["/readyz was not ready within 1 s: it answered 404", "[start] ready must be a path that answers 2xx"],
    ),
    way(
        "never-listens",
        "sound",
        ("command = [", "ready_within = \"1s\"\ncommand = [\"sh\", \"-c\", \"exec sleep 30\", "),
        &["it never answered", "hand it {port}"],
    ),
    Way {
        code: 2,
        ..way(
            "known-is-false",
            "sound",
            ("[start]", FALSE_KNOWN),
            &[
                "there is no such case",
                "there is no such requirement",
                "it has no reason",
                "it was known until 2020-01-01",
            ],
        )
    },
    way(
        "several-at-once",
        "nonce",
        ("has = [\"state\"]", "has = [\"state\", \"pkce\"]"),
        &["1. the partner uses", "2. the manifest declares"],
    ),
    way(
        "nobody-is-signed-in-by-everybody",
        "sound",
        ("url = \"/me\"", "url = \"/\"\nwho.username = { css = \"p\" }\n#"),
        &["the probe says \"hello\" to a browser with an empty jar"],
    ),
];

const FALSE_KNOWN: &str = r#"[[known]]
case = "login/hapy"
requirement = "rfc6749/4.1.2"
reason = "a slip of the pen"

[[known]]
case = "login/happy"
requirement = "rfc6749/99"
until = "2020-01-01"

[start]"#;

const fn way(
    name: &'static str,
    site: &'static str,
    change: (&'static str, &'static str),
    says: &'static [&'static str],
) -> Way {
    Way { name, site, change, code: 5, says }
}

impl Way {
    fn trial(&'static self) -> Trial {
        Trial::test(format!("check tells of {}", self.name), || self.compare())
    }

    fn compare(&self) -> Result<(), Failed> {
        let own = manifest(self.site);
        let changed = own.replacen(self.change.0, self.change.1, 1);
        if self.change != NO && changed == own {
            return Err(format!("`{}` is not in the manifest", self.change.0).into());
        }
        let said = check(&changed, &[]);
        must(said.code == self.code, "the exit code", &said)?;
        for part in self.says {
            must(said.out.contains(part), part, &said)?;
        }
        must(said.out.contains("What to do\n"), "what to do", &said)?;
        same(&format!("tests/said/check-{}.txt", self.name), &said.out);
        Ok(())
    }
}

fn manifest(kind: &str) -> String {
    let program = std::env::current_exe().unwrap_or_default().display().to_string();
    site("site", &[&program], &format!("SITE = \"{kind}\", "))
}

/// What `check` says of a manifest, with everything taken out that is another in each run.
fn check(manifest: &str, more: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("countersign.toml"), manifest).unwrap();
    let arguments = [&["check"][..], more].concat();
    let said = countersign(folder.path(), &arguments);
    let program = std::env::current_exe().unwrap_or_default().display().to_string();
    let out = masked(&said.out.replace(&program, "<site>"), folder.path());
    Said { out, ..said }
}

fn must(holds: bool, what: &str, said: &Said) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(format!("{what}\nexit {}\n{}{}", said.code, said.out, said.err).into()) }
}

fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn taken() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let fixed = manifest("sound").replacen("http://127.0.0.1:{port}", &format!("http://127.0.0.1:{port}"), 1);
    let said = check(&fixed, &[]);
    must(said.code == 5, "blocked", &said)?;
    must(said.out.contains("port <port> of [at] base is taken"), "the port", &said)?;
    must(said.out.contains("base = \"http://127.0.0.1:{port}\""), "what to do", &said)?;
    drop(listener);
    let said = check(&fixed, &[]);
    must(said.code == 0, "and where it is free it is taken by the partner", &said)
}

fn provider_taken() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let own =
        format!("[provider]\nissuer = \"http://localhost:{}\"\nlisten = \"{address}\"\n\n[start]", address.port());
    let said = check(&manifest("sound").replace("[start]", &own), &[]);
    must(said.code == 5, "blocked", &said)?;
    must(said.out.contains("cannot listen on 127.0.0.1:<port>"), "the address", &said)?;
    must(said.out.contains("[provider] listen"), "what to do", &said)
}

/// Registered as the site sends it, and yet of no use: the browser comes back under another name.
fn two_names() -> Result<(), Failed> {
    let port = free();
    let fixed = manifest("localhost")
        .replacen("http://127.0.0.1:{port}", &format!("http://127.0.0.1:{port}"), 1)
        .replacen("{base}/callback", &format!("http://localhost:{port}/callback"), 1);
    let said = check(&fixed, &[]);
    must(said.code == 5, "blocked", &said)?;
    for part in ["the login began at 127.0.0.1 and came back to localhost", "use one name in both"] {
        must(said.out.contains(part), part, &said)?;
    }
    same("tests/said/check-cookies-lost-between-two-names.txt", &said.out);
    Ok(())
}
