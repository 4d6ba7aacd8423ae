//! A small relying party that logs in and can be made to misbehave. It trusts whatever it gets: only its conduct as a
//! process and as an HTTP server matters here.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::common::asked::{Asked, read};
use super::common::redeem::redeem;
use super::page::PAYLOAD;

/// What it has been told.
pub struct Settings {
    pub kind: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    pub base: String,
}

#[derive(Default)]
struct Memory {
    /// Session cookie -> subject.
    sessions: HashMap<String, String>,
    /// State -> session cookie.
    logins: HashMap<String, String>,
    made: u64,
    /// It did once what it does once.
    stumbled: bool,
}

/// Serves for ever.
pub fn serve(listener: &TcpListener, settings: Settings) {
    let settings = Arc::new(settings);
    let memory = Arc::new(Mutex::new(Memory::default()));
    for stream in listener.incoming().flatten() {
        let (settings, memory) = (Arc::clone(&settings), Arc::clone(&memory));
        std::thread::spawn(move || {
            let _ = answer(stream, &settings, &memory);
        });
    }
}

fn answer(mut stream: TcpStream, settings: &Settings, memory: &Mutex<Memory>) -> std::io::Result<()> {
    let Some(asked) = read(&mut stream)? else { return Ok(()) };
    let denied = asked.query.contains_key("error");
    match (settings.kind.as_str(), asked.path.as_str()) {
        ("hangs", _) => {
            std::thread::park();
            Ok(())
        }
        ("floods", "/login") => flood(&mut stream),
        ("redirects", "/login") => reply(&mut stream, "302 Found", "location: /login\r\n", ""),
        ("injects-itself", "/me") => {
            reply(&mut stream, "200 OK", "", &serde_json::json!({ "sub": PAYLOAD }).to_string())
        }
        ("injects", "/callback") if denied => {
            let mut memory = memory.lock().unwrap();
            memory.sessions.extend(asked.session.clone().map(|session| (session, PAYLOAD.to_owned())));
            reply(&mut stream, "303 See Other", &format!("location: /{}?{}\r\n", injected(), injected()), PAYLOAD)
        }
        ("alice", "/me") => reply(&mut stream, "200 OK", "", r#"{"sub":"alice"}"#),
        ("dies-at-denial", "/callback") if denied => std::process::exit(7),
        ("hangs-at-denial", "/callback") if denied => {
            std::thread::park();
            Ok(())
        }
        ("floods-at-denial", "/callback") if denied => flood(&mut stream),
        ("redirects-at-denial", "/callback") if denied => {
            let again = format!("location: {}/callback?error=again\r\n", settings.base);
            reply(&mut stream, "302 Found", &again, "")
        }
        ("babbles-at-denial", "/callback") if denied => stream.write_all(b"\x00\xff\x1b[2J this is no HTTP\r\n\r\n"),
        ("drips-at-denial", "/callback") if denied => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")?;
            while stream.write_all(b".").is_ok() {
                std::thread::park_timeout(Duration::from_millis(100));
            }
            Ok(())
        }
        _ => behave(&mut stream, &asked, settings, memory),
    }
}

/// What it says, as a part of an address.
fn injected() -> String {
    url::form_urlencoded::byte_serialize(PAYLOAD.as_bytes()).collect()
}

fn flood(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 104857600\r\n\r\n")?;
    let block = vec![b'a'; 1 << 20];
    (0..100).try_for_each(|_| stream.write_all(&block))
}

/// A plain login as it should be, but for checking anything.
fn behave(stream: &mut TcpStream, asked: &Asked, settings: &Settings, memory: &Mutex<Memory>) -> std::io::Result<()> {
    let posted = settings.kind.starts_with("posted");
    let subject = |memory: &Memory| asked.session.as_ref().and_then(|own| memory.sessions.get(own).cloned());
    match asked.path.as_str() {
        "/login" => {
            let (state, cookie) = {
                let mut memory = memory.lock().unwrap();
                memory.made += 1;
                let (state, cookie) = (format!("state-{}", memory.made), format!("session-{}", memory.made));
                memory.logins.insert(state.clone(), cookie.clone());
                (state, cookie)
            };
            let Settings { issuer, client_id, base, .. } = settings;
            // Another site posts the answer: only such a cookie comes along.
            let (mode, site) = if posted { ("&response_mode=form_post", "None; Secure") } else { ("", "Lax") };
            let more = if settings.kind == "injects" { format!("&{0}={0}", injected()) } else { String::new() };
            let head = format!(
                "location: {issuer}/authorize?response_type=code&client_id={client_id}&redirect_uri={base}/callback&scope=openid&state={state}{mode}{more}\r\nset-cookie: sid={cookie}; HttpOnly; SameSite={site}; Path=/\r\n"
            );
            reply(stream, "302 Found", &head, "")
        }
        "/callback" => {
            let told = if posted { &asked.form } else { &asked.query };
            let own = told.get("state").and_then(|state| memory.lock().unwrap().logins.remove(state));
            let (Some(cookie), Some(code)) = (own, told.get("code")) else {
                if settings.kind.ends_with("-once") && !std::mem::replace(&mut memory.lock().unwrap().stumbled, true) {
                    if settings.kind == "crashes-once" {
                        return reply(stream, "500 Internal Server Error", "", "something went wrong");
                    }
                    memory.lock().unwrap().sessions.clear();
                }
                return reply(stream, "400 Bad Request", "", "the login was refused");
            };
            let unbound = settings.kind == "posted-unbound";
            if asked.session.as_ref() != Some(&cookie) && !unbound {
                return reply(stream, "400 Bad Request", "", "another browser began this login");
            }
            let client = (settings.client_id.as_str(), settings.client_secret.as_str());
            match redeem(&settings.issuer, code, &format!("{}/callback", settings.base), client) {
                Some(subject) => {
                    let head = format!("location: /\r\nset-cookie: sid={cookie}; HttpOnly; Path=/\r\n");
                    memory.lock().unwrap().sessions.insert(cookie, subject);
                    reply(stream, "303 See Other", if unbound { &head } else { "location: /\r\n" }, "")
                }
                None => reply(stream, "502 Bad Gateway", "", "the provider gave no token"),
            }
        }
        "/me" => match subject(&memory.lock().unwrap()) {
            Some(subject) => reply(stream, "200 OK", "", &serde_json::json!({ "sub": subject }).to_string()),
            None => reply(stream, "401 Unauthorized", "", "{}"),
        },
        "/logout" => {
            if let Some(own) = &asked.session {
                memory.lock().unwrap().sessions.remove(own);
            }
            reply(stream, "303 See Other", "location: /\r\n", "")
        }
        _ => reply(stream, "200 OK", "", "hello"),
    }
}

fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &str) -> std::io::Result<()> {
    let kind = if body.starts_with('{') { "application/json" } else { "text/plain" };
    let text = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {kind}\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes())
}
