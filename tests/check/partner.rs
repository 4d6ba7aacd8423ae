//! A small site with one thing wrong, by the name of it. It trusts whatever it gets: how it is set up is what matters.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;

use super::common::asked::read;
use super::common::redeem::redeem;

/// What is wrong with it, and what it has been told.
pub struct Settings {
    pub kind: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    pub base: String,
    pub port: String,
}

#[derive(Default)]
struct Memory {
    /// Cookie -> subject.
    sessions: HashMap<String, String>,
    made: u64,
}

/// Serves for ever, one request after the other.
pub fn serve(settings: &Settings) {
    let listener = TcpListener::bind(format!("127.0.0.1:{}", settings.port)).expect("the port was chosen free");
    let memory = Mutex::new(Memory::default());
    for stream in listener.incoming().flatten() {
        let _ = answer(stream, settings, &memory);
    }
}

fn answer(mut stream: TcpStream, settings: &Settings, memory: &Mutex<Memory>) -> std::io::Result<()> {
    let Some(asked) = read(&mut stream)? else { return Ok(()) };
    let kind = settings.kind.as_str();
    let subject = asked.session.as_ref().and_then(|own| memory.lock().unwrap().sessions.get(own).cloned());
    let mut reply = |status: &str, headers: &str, body: &str| {
        let content = if body.starts_with('{') { "application/json" } else { "text/html" };
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {content}\r\n{headers}content-length: {length}\r\n\r\n"
        );
        stream.write_all((head + body).as_bytes())
    };
    match asked.path.as_str() {
        "/login" if kind == "wants-https" => {
            eprintln!("OperationProcessingError: only requests to HTTPS are allowed");
            reply("500 Internal Server Error", "", "<p>Something went wrong</p>")
        }
        "/login" if kind == "wants-https-by-code" => {
            eprintln!("failed: OAUTH_HTTP_REQUEST_FORBIDDEN");
            reply("502 Bad Gateway", "", "<p>The provider cannot be used at the moment.</p>")
        }
        "/login" if kind == "silent" => reply("500 Internal Server Error", "", "<p>No configuration</p>"),
        "/login" if kind == "another-provider" => {
            reply("302 Found", "location: https://login.example/authorize?client_id=x\r\n", "")
        }
        "/login" if kind == "button" => {
            reply("200 OK", "", "<form method=post action=/login><button>Log in</button></form>")
        }
        "/login" if kind == "post-only" && asked.method == "GET" => reply("405 Method Not Allowed", "", ""),
        "/login" => {
            let mut memory = memory.lock().unwrap();
            memory.made += 1;
            let cookie = format!("session-{}", memory.made);
            let Settings { issuer, client_id, .. } = settings;
            let client_id = if kind == "another-id" { "somebody" } else { client_id };
            let more = match kind {
                "nonce" => "&nonce=n",
                "max-age" => "&max_age=60",
                _ => "",
            };
            let callback = callback(settings);
            let set = if kind == "no-cookie" {
                String::new()
            } else {
                format!("set-cookie: sid={cookie}; HttpOnly; Path=/\r\n")
            };
            let place = format!(
                "location: {issuer}/authorize?response_type=code&client_id={client_id}&redirect_uri={callback}&scope=openid&state={cookie}{more}\r\n"
            );
            reply("302 Found", &(place + &set), "")
        }
        "/callback" if kind == "refuses" => reply("400 Bad Request", "", "<p>state mismatch</p>"),
        "/callback" => match asked.query.get("code").and_then(|code| whose(settings, code)) {
            Some(subject) => {
                let session = asked.session.clone().unwrap_or_default();
                memory.lock().unwrap().sessions.insert(session, subject);
                reply("303 See Other", "location: /\r\n", "")
            }
            None => reply("303 See Other", "location: /failed\r\n", ""),
        },
        "/me" => match subject {
            None => reply("401 Unauthorized", "", "{}"),
            Some(subject) if kind == "another-pointer" => {
                reply("200 OK", "", &serde_json::json!({ "user": { "id": subject } }).to_string())
            }
            Some(_) if kind == "own-id" => reply("200 OK", "", r#"{"sub":"4711"}"#),
            Some(subject) => reply("200 OK", "", &serde_json::json!({ "sub": subject }).to_string()),
        },
        "/logout" if kind == "post-logout" => reply("405 Method Not Allowed", "", ""),
        "/logout" => {
            if let (Some(own), true) = (&asked.session, kind != "stays-in") {
                memory.lock().unwrap().sessions.remove(own);
            }
            reply("303 See Other", "location: /\r\n", "")
        }
        "/" | "/failed" => reply("200 OK", "", "<p>hello</p>"),
        _ => reply("404 Not Found", "", "<p>nothing here</p>"),
    }
}

/// What it tells the provider.
fn callback(settings: &Settings) -> String {
    match settings.kind.as_str() {
        "slash" => format!("{}/callback/", settings.base),
        "localhost" => format!("http://localhost:{}/callback", settings.port),
        "https-callback" => format!("https://127.0.0.1:{}/callback", settings.port),
        _ => format!("{}/callback", settings.base),
    }
}

/// Whose a code is, asked as this site asks.
fn whose(settings: &Settings, code: &str) -> Option<String> {
    let secret = if settings.kind == "wrong-secret" { "guessed" } else { &settings.client_secret };
    redeem(&settings.issuer, code, &callback(settings), (&settings.client_id, secret))
}
