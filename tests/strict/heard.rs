//! What an app hears when a person removes it, over a real listener: the ping `fb_sig_…` of 2010 and the `signed_request`
//! that came after it, each verified here by the published algorithm; and what the reference partner does with such messages
//! at its own address, forged ones above all.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::reference::{Base, Reference, ReferenceConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use serde_json::{Value as Json, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::connect::{APP, CALLBACK, SECRET, Site};
use super::http::{Answer, Pairs, encoded, get, post};

/// A request as an app's server read it.
struct Heard {
    head: String,
    form: BTreeMap<String, String>,
}

/// An app's server: every request comes out of the channel once it was answered.
async fn listener() -> (SocketAddr, UnboundedReceiver<Heard>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let (address, (told, heard)) = (listener.local_addr().expect("an address"), unbounded_channel());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            let (head, length) = loop {
                let mut some = [0; 4096];
                let count = stream.read(&mut some).await.unwrap_or(0);
                bytes.extend_from_slice(&some[..count]);
                let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
                if let Some(end) = text.find("\r\n\r\n") {
                    let length =
                        text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
                    break (String::from_utf8_lossy(&bytes[..end]).into_owned(), end + 4 + length.unwrap_or(0));
                }
                assert!(count > 0, "a request was cut: {text}");
            };
            while bytes.len() < length {
                let mut some = [0; 4096];
                let count = stream.read(&mut some).await.expect("the rest of the body");
                bytes.extend_from_slice(&some[..count]);
            }
            let body = &bytes[head.len() + 4..];
            let form = url::form_urlencoded::parse(body).into_owned().collect();
            stream.write_all(b"HTTP/1.1 204 So\r\nconnection: close\r\n\r\n").await.expect("it listens");
            let _ = told.send(Heard { head, form });
        }
    });
    (address, heard)
}

/// The members that an `fb_sig` vouches for, by the algorithm as it was published; `None`: it vouches for none.
fn vouched_by_ping(form: &BTreeMap<String, String>, secret: &str) -> Option<BTreeMap<String, String>> {
    let members: BTreeMap<String, String> = form
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("fb_sig_")?.to_owned(), value.clone())))
        .collect();
    (form.get("fb_sig") == Some(&fb_sig(&members, secret))).then_some(members)
}

fn fb_sig(members: &BTreeMap<String, String>, secret: &str) -> String {
    let text: String = members.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Md5::digest(format!("{text}{secret}")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The payload of a `signed_request` by the algorithm as it was published; `None`: its seal is another one.
fn vouched_by_seal(text: &str, secret: &str) -> Option<Json> {
    let (seal, payload) = text.split_once('.')?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(payload.as_bytes());
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(seal).ok()?).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn sealed(payload: &Json, secret: &str) -> String {
    let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(payload.as_bytes());
    format!("{}.{payload}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The two messages that are sent about one removal, in the order of their kinds: ping, `signed_request`.
async fn both(heard: &mut UnboundedReceiver<Heard>) -> (Heard, Heard) {
    let next = async |heard: &mut UnboundedReceiver<Heard>| {
        let wait = tokio::time::timeout(std::time::Duration::from_secs(20), heard.recv());
        wait.await.expect("a message in time").expect("the listener lives")
    };
    let (one, other) = (next(heard).await, next(heard).await);
    if one.form.contains_key("fb_sig") { (one, other) } else { (other, one) }
}

fn dialog(scope: &str) -> String {
    format!("/www/dialog/oauth?{}", encoded(&[("client_id", APP), ("redirect_uri", CALLBACK), ("scope", scope)]))
}

#[tokio::test]
async fn who_removes_an_app_in_the_settings_is_told_of_by_both_kinds_of_message() {
    let (address, mut heard) = listener().await;
    let (ping, sealed) = (format!("http://{address}/post-remove"), format!("http://{address}/deauthorize"));
    let site = Site::start_telling(&[("deauthorize", &sealed), ("post_remove", &ping)]).await;
    let (back, cookies) = site.answer(0, &dialog("user_likes"), "allow").await;
    let answer = site.redeem(&back.parameter("code").unwrap(), CALLBACK).await;
    let token = url::form_urlencoded::parse(answer.body.as_bytes()).next().unwrap().1.into_owned();
    let page = site.ask(get("/www/settings/apps").header("cookie", &cookies)).await;
    assert!(page.body.contains(APP) && page.body.contains("see what you like"), "{page:?}");
    // Nobody removes anything for her.
    let stranger = site.ask(post("/www/settings/apps/remove", &[("app", APP)])).await;
    assert!(stranger.body.contains("Nobody is signed in"), "{stranger:?}");
    let other = site.ask(post("/www/settings/apps/remove", &[("app", "999")]).header("cookie", &cookies)).await;
    assert!(other.body.contains("may not see anything of you"), "{other:?}");
    assert_eq!(site.graph("me", &token).await.status, 200);
    let page = site.ask(post("/www/settings/apps/remove", &[("app", APP)]).header("cookie", &cookies)).await;
    assert!(page.body.contains(&format!("{APP} is removed.")) && page.body.contains("No app may see"), "{page:?}");
    assert!(site.graph("me", &token).await.body.contains("has not authorized this application"));

    let (ping, sealed) = both(&mut heard).await;
    for (message, path) in [(&ping, "/post-remove"), (&sealed, "/deauthorize")] {
        assert!(message.head.starts_with(&format!("POST {path} HTTP/1.1")), "{}", message.head);
        assert!(message.head.to_ascii_lowercase().contains("content-type: application/x-www-form-urlencoded"));
    }
    let said = vouched_by_ping(&ping.form, SECRET).unwrap_or_else(|| panic!("not signed: {:?}", ping.form));
    let uid = site.people[0].sub.as_str();
    for (name, value) in [("uninstall", "1"), ("user", uid), ("app_id", APP), ("api_key", APP), ("added", "0")] {
        assert_eq!(said.get(name).map(String::as_str), Some(value), "{said:?}");
    }
    assert_eq!(vouched_by_ping(&ping.form, "another secret"), None);
    assert_eq!(sealed.form.len(), 1, "{:?}", sealed.form);
    let payload = vouched_by_seal(&sealed.form["signed_request"], SECRET).expect("sealed");
    assert_eq!((&payload["user_id"], &payload["algorithm"]), (&json!(uid), &json!("HMAC-SHA256")));
    assert!(payload["issued_at"].is_i64(), "{payload}");
    assert_eq!(vouched_by_seal(&sealed.form["signed_request"], "another secret"), None);
}

#[tokio::test]
async fn an_app_that_removes_itself_is_told_only_where_the_option_says_so() {
    let (address, mut heard) = listener().await;
    let (ping, sealed) = (format!("http://{address}/post-remove"), format!("http://{address}/deauthorize"));
    let site = Site::start_telling(&[("deauthorize", &sealed), ("post_remove", &ping)]).await;
    let revoke = async |who: usize| {
        let token = site.token(who, "").await;
        let call = [("method", "auth.revokeAuthorization"), ("format", "JSON"), ("access_token", token.as_str())];
        assert_eq!(site.ask(post("/rest/restserver.php", &call)).await.body, "true");
    };
    revoke(0).await;
    site.option("api_removal_tells", json!(true));
    revoke(1).await;
    let (ping, sealed) = both(&mut heard).await;
    let uid = site.people[1].sub.as_str();
    assert_eq!(vouched_by_ping(&ping.form, SECRET).expect("signed")["user"], uid, "and nothing was heard of the first");
    assert_eq!(vouched_by_seal(&sealed.form["signed_request"], SECRET).expect("sealed")["user_id"], uid);
    let mallory = site.token(3, "").await;
    assert_eq!(site.posted("me/permissions", &mallory, &[("method", "delete")]).await.body, "true");
    let (ping, _) = both(&mut heard).await;
    assert_eq!(vouched_by_ping(&ping.form, SECRET).expect("signed")["user"], site.people[3].sub);
}

/// The reference partner beside a provider, and the cookies of somebody who is signed in there.
struct Portal {
    site: Site,
    partner: Reference,
}

impl Portal {
    async fn start() -> Portal {
        let site = Site::start().await;
        let at = |path: &str| format!("{}{path}", site.provider.issuer());
        let endpoints = [
            ("authorization", at("/www/dialog/oauth")),
            ("token", at("/graph/oauth/access_token")),
            ("userinfo", at("/graph/me")),
            ("api", at("/graph/me")),
        ];
        let config = ReferenceConfig {
            base: Base::Full,
            flaws: Default::default(),
            oddities: Default::default(),
            listen: "127.0.0.1:0".parse().unwrap(),
            dialect: "facebook-connect".to_owned(),
            issuer: site.provider.issuer().to_owned(),
            client_id: APP.to_owned(),
            client_secret: SECRET.to_owned(),
            endpoints: endpoints.into_iter().map(|(role, url)| (role.to_owned(), url)).collect(),
            provider: String::new(),
            tls: None,
            others: Vec::new(),
        };
        let partner = Reference::start(config).await.expect("a free port");
        let mut client = Site::client(APP);
        client.redirect_uris = vec![format!("{}/callback", partner.base_url())];
        site.provider.register(client);
        Portal { site, partner }
    }

    async fn ask(&self, ask: super::http::Ask) -> Answer {
        let port = self.partner.base_url().rsplit(':').next().unwrap().parse().unwrap();
        ask.send(SocketAddr::from(([127, 0, 0, 1], port))).await
    }

    /// Signs somebody in, from the partner's button to its page.
    async fn sign_in(&self, who: usize) -> String {
        let begun = self.ask(get("/login")).await;
        let mut cookies = begun.cookies();
        let dialog = begun.header("location").unwrap_or_else(|| panic!("{begun:?}")).to_owned();
        let target = dialog.strip_prefix(self.site.provider.issuer()).expect("the provider's dialog").to_owned();
        let (back, _) = self.site.answer(who, &target, "allow").await;
        let back = back.header("location").unwrap().to_owned();
        let target = back.strip_prefix(self.partner.base_url()).unwrap_or_else(|| panic!("{back}")).to_owned();
        let answer = self.ask(get(target.split('#').next().unwrap()).header("cookie", &cookies.join("; "))).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        // A later cookie of the same name counts.
        for new in answer.cookies() {
            let name = new.split('=').next().unwrap().to_owned();
            cookies.retain(|own| own.split('=').next() != Some(&name));
            cookies.push(new);
        }
        let cookies = cookies.join("; ");
        assert_eq!(self.who(&cookies).await, Some(self.site.people[who].sub.clone()));
        cookies
    }

    /// Whom the partner takes a browser for.
    async fn who(&self, cookies: &str) -> Option<String> {
        let me = self.ask(get("/me").header("cookie", cookies)).await;
        let json: Json = serde_json::from_str(&me.body).ok()?;
        json["sub"].as_str().map(str::to_owned)
    }
}

/// A ping as a partner got them, about somebody, with its members changed and signed by a secret.
fn ping(uid: &str, secret: &str, change: Pairs<'_>) -> Vec<(String, String)> {
    let usual = [("uninstall", "1"), ("user", uid), ("app_id", APP), ("api_key", APP), ("time", "1290124800.5")];
    let mut members: BTreeMap<String, String> =
        usual.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    members.extend(change.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let sig = fb_sig(&members, secret);
    let mut form: Vec<(String, String)> =
        members.into_iter().map(|(name, value)| (format!("fb_sig_{name}"), value)).collect();
    form.push(("fb_sig".to_owned(), sig));
    form
}

#[tokio::test]
async fn the_reference_partner_believes_no_forged_ping_and_a_sound_one() {
    let portal = Portal::start().await;
    let (alice, bob) = (portal.sign_in(0).await, portal.sign_in(1).await);
    let uid = portal.site.people[0].sub.clone();
    let send = async |form: &[(String, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        portal.ask(post("/post-remove", &form)).await.status
    };
    let mut about_another = ping(&portal.site.people[1].sub, SECRET, &[]);
    about_another.iter_mut().filter(|(name, _)| name == "fb_sig_user").for_each(|(_, value)| value.clone_from(&uid));
    let mut unsigned = ping(&uid, SECRET, &[]);
    unsigned.retain(|(name, _)| name != "fb_sig");
    let mut shouted = ping(&uid, SECRET, &[]);
    shouted.iter_mut().filter(|(name, _)| name == "fb_sig").for_each(|(_, value)| *value = value.to_ascii_uppercase());
    for (what, form) in [
        ("another secret", ping(&uid, "another secret", &[])),
        ("no secret", ping(&uid, "", &[])),
        ("a member changed afterwards", about_another),
        ("no signature", unsigned),
        ("a signature in capitals", shouted),
    ] {
        assert_eq!(send(&form).await, 400, "{what}");
        assert_eq!(portal.who(&alice).await, Some(uid.clone()), "{what}");
    }
    // Signed, and about something else.
    assert_eq!(send(&ping(&uid, SECRET, &[("uninstall", "0")])).await, 204);
    assert_eq!(portal.who(&alice).await, Some(uid.clone()));
    assert_eq!(send(&ping(&uid, SECRET, &[])).await, 204);
    assert_eq!(portal.who(&alice).await, None);
    assert_eq!(portal.who(&bob).await, Some(portal.site.people[1].sub.clone()), "it was about alice");
}

#[tokio::test]
async fn the_reference_partner_believes_no_forged_signed_request_and_a_sound_one() {
    let portal = Portal::start().await;
    let (alice, bob) = (portal.sign_in(0).await, portal.sign_in(1).await);
    let uid = portal.site.people[0].sub.clone();
    let payload = json!({ "user_id": uid, "algorithm": "HMAC-SHA256", "issued_at": 1_700_000_000 });
    let good = sealed(&payload, SECRET);
    let (seal, segment) = good.split_once('.').unwrap();
    let other_first = if seal.starts_with('A') { "B" } else { "A" };
    let other = sealed(&json!({ "user_id": portal.site.people[1].sub, "algorithm": "HMAC-SHA256" }), SECRET);
    let send = async |text: &str| portal.ask(post("/deauthorize", &[("signed_request", text)])).await.status;
    for (what, text) in [
        ("another secret", sealed(&payload, "another secret")),
        ("no secret", sealed(&payload, "")),
        ("another seal", format!("{other_first}{}.{segment}", &seal[1..])),
        ("the seal of another payload", format!("{}.{segment}", other.split('.').next().unwrap())),
        ("no seal", format!(".{segment}")),
        ("no dot", segment.to_owned()),
        ("nothing", String::new()),
        ("an algorithm that there is not", sealed(&json!({ "user_id": uid, "algorithm": "none" }), SECRET)),
    ] {
        assert_eq!(send(&text).await, 400, "{what}");
        assert_eq!(portal.who(&alice).await, Some(uid.clone()), "{what}");
    }
    assert_eq!(send(&good).await, 204);
    assert_eq!(portal.who(&alice).await, None);
    assert_eq!(portal.who(&bob).await, Some(portal.site.people[1].sub.clone()), "it was about alice");
}
