//! Facebook Connect of 2010 on the wire: what its clients sent, what it answered, and that nothing forged opens anything.

use countersign::model::case::{Change, Expirable, ProviderOptions};
use countersign::model::dialect::Dialect;
use countersign::model::fault::{
    Address, Fault, Layer, Message, Object, Operations, Patch, ProviderName, Selectors, Sign, SignatureShape,
    SigningKey,
};
use countersign::model::persona::{Audience, Person};
use countersign::model::value::{Environment as _, Source, Value};
use countersign::provider::dialect::facebook::{legacy_sig, seal};
use countersign::provider::{ClientRegistration, Everyday, Provider, ProviderConfig};
use serde_json::{Value as Json, json};

use super::http::{Answer, Ask, Pairs, encoded, get, method, post};
use super::site::hidden;

pub const APP: &str = "1234567890123";
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const CALLBACK: &str = "http://127.0.0.1:1/callback";

pub struct Site {
    pub provider: Provider,
    pub people: Vec<Person>,
}

impl Site {
    pub async fn start() -> Site {
        Site::start_telling(&[]).await
    }

    /// With the callbacks of the app: by name, and where they are.
    pub async fn start_telling(callbacks: Pairs<'_>) -> Site {
        let dialect = Dialect::from_files(
            include_str!("../../specs/dialects/facebook-connect/dialect.toml"),
            include_str!("../../specs/dialects/facebook-connect/personas.toml"),
        )
        .unwrap_or_else(|error| panic!("{error}"));
        let mint = |own| Person::mint(own, &own.name, 1, "strict", None, None);
        let people: Vec<Person> = dialect.personas.iter().map(mint).collect();
        let callbacks = callbacks.iter().map(|(name, to)| ((*name).to_owned(), (*to).to_owned())).collect();
        let config = ProviderConfig {
            clients: vec![ClientRegistration { callbacks, ..Site::client(APP) }, Site::client("999")],
            people: people.clone(),
            ..ProviderConfig::new(dialect)
        };
        Site { provider: Provider::serve(config, Everyday::default()).await.expect("a free port"), people }
    }

    /// An app: its secret is known for the first, and `another secret` for any other.
    pub fn client(id: &str) -> ClientRegistration {
        ClientRegistration {
            id: id.to_owned(),
            secret: Some(if id == APP { SECRET } else { "another secret" }.to_owned()),
            auth: "client_secret_post".to_owned(),
            redirect_uris: vec![CALLBACK.to_owned()],
            ..ClientRegistration::default()
        }
    }

    /// Sets an option of the dialect.
    pub fn option(&self, name: &str, value: Json) {
        let dialect = vec![(name.to_owned(), Value::Literal(value))];
        self.provider
            .everybody()
            .options(&ProviderOptions { dialect, ..ProviderOptions::default() })
            .expect("an option");
    }

    /// One more app.
    pub fn register(&self, id: &str, secret: &str) {
        let (id, secret) = (id.to_owned(), Some(secret.to_owned()));
        self.provider.register(ClientRegistration { id, secret, ..ClientRegistration::default() });
    }

    pub async fn ask(&self, ask: Ask) -> Answer {
        ask.send(self.provider.address()).await
    }

    /// Somebody opens an address that asks her to sign in, does so, and answers: the redirect, and her cookies.
    pub async fn answer(&self, who: usize, target: &str, decision: &str) -> (Answer, String) {
        let page = self.ask(get(target)).await;
        assert_eq!(page.status, 200, "{page:?}");
        let (mut cookies, transaction) = (page.cookies(), hidden(&page.body, "transaction"));
        let person = &self.people[who];
        let form = [("transaction", transaction.as_str()), ("username", &person.login), ("password", &person.password)];
        let page = self.ask(post("/graph/oauth/authorize/login", &form).header("cookie", &cookies.join("; "))).await;
        assert_eq!(page.status, 200, "{page:?}");
        cookies.extend(page.cookies());
        let cookies = cookies.join("; ");
        let form = [("transaction", transaction.as_str()), ("decision", decision)];
        let back = self.ask(post("/graph/oauth/authorize/consent", &form).header("cookie", &cookies)).await;
        assert_eq!(back.status, 302, "{back:?}");
        (back, cookies)
    }

    pub async fn token(&self, who: usize, scope: &str) -> String {
        let asked = [("client_id", APP), ("redirect_uri", CALLBACK), ("scope", scope)];
        let (back, _) = self.answer(who, &format!("/www/dialog/oauth?{}", encoded(&asked)), "allow").await;
        let answer = self.redeem(&back.parameter("code").expect("a code"), CALLBACK).await;
        member(&answer, "access_token").unwrap_or_else(|| panic!("{answer:?}"))
    }

    pub async fn redeem(&self, code: &str, redirect_uri: &str) -> Answer {
        let form = [("client_id", APP), ("client_secret", SECRET), ("redirect_uri", redirect_uri), ("code", code)];
        self.ask(get(&format!("/graph/oauth/access_token?{}", encoded(&form)))).await
    }

    pub async fn graph(&self, path: &str, token: &str) -> Answer {
        let joint = if path.contains('?') { '&' } else { '?' };
        self.ask(get(&format!("/graph/{path}{joint}{}", encoded(&[("access_token", token)])))).await
    }

    pub async fn posted(&self, path: &str, token: &str, members: Pairs<'_>) -> Answer {
        let mut form = members.to_vec();
        form.push(("access_token", token));
        self.ask(post(&format!("/graph/{path}"), &form)).await
    }

    fn made(&self, kind: &str, of: &str) -> String {
        let source = Source::Token {
            kind: kind.to_owned(),
            of: Some(of.to_owned()),
            at: ProviderName::Main,
            client: None,
            time: None,
            sign: None,
        };
        self.provider.everybody().source(&source).expect("it is made").to_text()
    }
}

/// A member of a form-encoded body.
fn member(answer: &Answer, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(answer.body.as_bytes());
    pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

fn names(answer: &Answer) -> Vec<String> {
    let data = answer.json()["data"].as_array().cloned().unwrap_or_else(|| panic!("no list: {answer:?}"));
    data.iter().filter_map(|item| Some(item["name"].as_str()?.to_owned())).collect()
}

fn error(answer: &Answer) -> (u16, String, String) {
    let error = &answer.json()["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (answer.status, text("type"), text("message"))
}

#[tokio::test]
async fn a_code_gives_a_form_with_token_and_seconds_and_opens_the_profile() {
    let site = Site::start().await;
    let asked =
        [("client_id", APP), ("redirect_uri", CALLBACK), ("scope", "email,user_work_history"), ("state", "s 1")];
    let (back, _) = site.answer(0, &format!("/graph/oauth/authorize?{}", encoded(&asked)), "allow").await;
    assert_eq!(back.parameter("state").as_deref(), Some("s 1"));
    let code = back.parameter("code").expect("a code");
    let answer = site.redeem(&code, CALLBACK).await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"), "{answer:?}");
    let token = member(&answer, "access_token").expect("a token");
    assert_eq!(member(&answer, "expires").as_deref(), Some("7200"));
    assert!(member(&answer, "token_type").is_none() && member(&answer, "scope").is_none(), "{answer:?}");
    let uid = site.people[0].sub.clone();
    let shape: Vec<&str> = token.split('|').collect();
    assert!(
        shape.len() == 3 && shape[0] == APP && shape[1].starts_with("2.") && shape[1].ends_with(&format!("-{uid}")),
        "{token}"
    );

    let me = site.graph("me", &token).await;
    assert_eq!(me.header("content-type"), Some("text/javascript; charset=UTF-8"));
    let me = me.json();
    assert_eq!((me["id"].as_str(), me["name"].as_str()), (Some(uid.as_str()), Some("Alice Archer")), "{me}");
    assert_eq!(me["work"][0]["employer"]["name"], "Archer & Daughters");
    assert!(me["email"].is_string());
    // Not granted, and not for everyone: the member is left out.
    assert!(me.get("birthday").is_none() && me.get("relationship_status").is_none(), "{me}");

    let again = error(&site.redeem(&code, CALLBACK).await);
    assert_eq!(again, (400, "OAuthException".into(), "This authorization code has been used.".into()));
    assert_eq!(error(&site.graph("me", &token).await).0, 400, "what a code gave that was used twice is revoked");
}

#[tokio::test]
async fn offline_access_has_no_end() {
    let site = Site::start().await;
    let asked = [("client_id", APP), ("redirect_uri", CALLBACK), ("scope", "offline_access")];
    let (back, _) = site.answer(0, &format!("/www/dialog/oauth?{}", encoded(&asked)), "allow").await;
    let answer = site.redeem(&back.parameter("code").expect("a code"), CALLBACK).await;
    assert!(member(&answer, "expires").is_none(), "{answer:?}");
    assert_eq!(site.graph("me", &member(&answer, "access_token").unwrap()).await.status, 200);
}

#[tokio::test]
async fn a_user_agent_gets_its_token_in_the_fragment() {
    let site = Site::start().await;
    let asked = [("client_id", APP), ("redirect_uri", CALLBACK), ("type", "user_agent")];
    let (back, _) = site.answer(0, &format!("/graph/oauth/authorize?{}", encoded(&asked)), "allow").await;
    let to = back.header("location").unwrap_or_default();
    assert!(to.starts_with(&format!("{CALLBACK}#access_token=")) && to.contains("&expires_in=7200"), "{to}");
}

#[tokio::test]
async fn a_refusal_and_wrong_requests_are_told_as_they_were() {
    let site = Site::start().await;
    let asked = [("client_id", APP), ("redirect_uri", CALLBACK), ("state", "s")];
    let (back, _) = site.answer(0, &format!("/www/dialog/oauth?{}", encoded(&asked)), "deny").await;
    for (name, value) in [
        ("error_reason", "user_denied"),
        ("error", "access_denied"),
        ("error_description", "The user denied your request."),
        ("state", "s"),
    ] {
        assert_eq!(back.parameter(name).as_deref(), Some(value), "{back:?}");
    }
    assert!(back.parameter("code").is_none());
    for wrong in [
        [("client_id", APP), ("redirect_uri", "http://127.0.0.1:2/callback")],
        [("client_id", APP), ("redirect_uri", "http://127.0.0.1:1@evil.example/")],
        [("client_id", APP), ("redirect_uri", "https://127.0.0.1:1/callback")],
        [("client_id", "77"), ("redirect_uri", CALLBACK)],
    ] {
        let answer = site.ask(get(&format!("/www/dialog/oauth?{}", encoded(&wrong)))).await;
        assert!(answer.status == 400 && answer.header("location").is_none(), "{answer:?}");
    }
}

#[tokio::test]
async fn the_token_endpoint_takes_no_wrong_code_secret_or_address() {
    let site = Site::start().await;
    let asked = [("client_id", APP), ("redirect_uri", CALLBACK)];
    let (back, _) = site.answer(0, &format!("/www/dialog/oauth?{}", encoded(&asked)), "allow").await;
    let code = back.parameter("code").unwrap();
    let elsewhere = site.redeem(&code, "http://127.0.0.1:1/other").await;
    assert!(error(&elsewhere).2.contains("identical to the one you used in the OAuth dialog request"), "{elsewhere:?}");
    assert_eq!(
        elsewhere
            .header("www-authenticate")
            .map(|text| text.starts_with("OAuth \"Facebook Platform\" \"invalid_code\"")),
        Some(true)
    );
    assert_eq!(error(&site.redeem("guessed", CALLBACK).await).2, "Error validating verification code.");
    let form = [("client_id", APP), ("client_secret", "wrong"), ("redirect_uri", CALLBACK), ("code", &code)];
    let answer = site.ask(post("/graph/oauth/access_token", &form)).await;
    assert_eq!(error(&answer), (400, "OAuthException".into(), "Error validating client secret.".into()));
    let form = [("client_id", "999"), ("client_secret", "another secret"), ("redirect_uri", CALLBACK), ("code", &code)];
    assert_eq!(error(&site.ask(post("/graph/oauth/access_token", &form)).await).0, 400);
    assert!(member(&site.redeem(&code, CALLBACK).await, "access_token").is_some());
}

#[tokio::test]
async fn an_app_has_a_token_of_its_own_which_is_no_persons() {
    let site = Site::start().await;
    for (kind, value) in [("type", "client_cred"), ("grant_type", "client_credentials")] {
        let form = [("client_id", APP), ("client_secret", SECRET), (kind, value)];
        let answer = site.ask(post("/graph/oauth/access_token", &form)).await;
        let token = member(&answer, "access_token").unwrap_or_else(|| panic!("{answer:?}"));
        assert!(token.starts_with("1234567890123|") && token.len() == APP.len() + 28, "{token}");
        assert!(member(&answer, "expires").is_none());
        assert!(error(&site.graph("me", &token).await).2.contains("An active access token must be used"));
        assert_eq!(site.graph(&site.people[0].sub, &token).await.json()["name"], "Alice Archer");
    }
    let form = [("client_id", APP), ("client_secret", "wrong"), ("type", "client_cred")];
    assert_eq!(site.ask(post("/graph/oauth/access_token", &form)).await.status, 400);
    for forged in ["1234567890123|", "1234567890123|guessed", "999|0123456789abcdef0123456789abcdef"] {
        assert_eq!(error(&site.graph("me", forged).await).2, "Invalid OAuth access token.", "{forged}");
    }
}

#[tokio::test]
async fn a_short_token_is_exchanged_for_one_of_sixty_days_by_its_own_app_alone() {
    let site = Site::start().await;
    let short = site.token(0, "user_likes").await;
    let ask = |app: &'static str, secret: &'static str, token: &str| {
        let kind = ("grant_type", "fb_exchange_token");
        post(
            "/graph/oauth/access_token",
            &[("client_id", app), ("client_secret", secret), kind, ("fb_exchange_token", token)],
        )
    };
    let answer = site.ask(ask(APP, SECRET, &short)).await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(member(&answer, "expires").as_deref(), Some("5184000"), "{answer:?}");
    let long = member(&answer, "access_token").expect("a token");
    assert_ne!(long, short);
    assert_eq!(names(&site.graph("me/likes", &long).await).len(), 3, "it opens what the short one did");
    assert_eq!(error(&site.ask(ask("999", "another secret", &short)).await).2, "Invalid OAuth access token.");
    assert_eq!(error(&site.ask(ask(APP, SECRET, "guessed")).await).2, "Invalid OAuth access token.");
    let own = format!("{APP}|{SECRET}");
    assert_eq!(site.ask(ask(APP, SECRET, &own)).await.status, 400, "an app token speaks for nobody");
    // One without end does not get one.
    let endless = site.token(1, "offline_access").await;
    assert!(member(&site.ask(ask(APP, SECRET, &endless)).await, "expires").is_none());
}

#[tokio::test]
async fn a_token_that_expired_says_when() {
    let site = Site::start().await;
    let token = site.token(0, "user_likes").await;
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let change = Change { of: "alice".to_owned(), expire: Some(Expirable::AccessToken), ..Change::default() };
    site.provider.everybody().change(&change).unwrap();
    let (status, kind, message) = error(&site.graph("me", &token).await);
    assert_eq!((status, kind.as_str()), (400, "OAuthException"));
    let times: Vec<u64> = message.split(|c: char| !c.is_ascii_digit()).filter_map(|text| text.parse().ok()).collect();
    let said = "Error validating access token: Session has expired at unix time ";
    assert!(message.starts_with(said) && times.len() == 2, "{message}");
    assert!(before <= times[0] && times[0] <= times[1] && times[1] < before + 60, "{message}");
}

#[tokio::test]
async fn friends_groups_photos_and_likes_are_seen_as_granted_and_shown() {
    let site = Site::start().await;
    let alice = site.token(0, "user_groups,user_photos,user_likes,friends_photos,friends_groups").await;
    assert_eq!(names(&site.graph("me/friends", &alice).await), ["Bob Baker"]);
    assert_eq!(names(&site.graph("me/groups", &alice).await).len(), 3);
    assert_eq!(names(&site.graph("me/photos", &alice).await), ["Harbour at noon", "Bob on the pier"]);
    assert_eq!(names(&site.graph("me/albums", &alice).await), ["Summer"]);
    let bob = &site.people[1].sub;
    assert_eq!(names(&site.graph(&format!("{bob}/photos"), &alice).await), ["Loaves"]);
    assert!(names(&site.graph(&format!("{bob}/likes"), &alice).await).is_empty(), "friends_likes was not granted");
    assert!(names(&site.graph("me/interests", &alice).await).is_empty());
    let album = site.graph("me/albums", &alice).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(names(&site.graph(&format!("{album}/photos"), &alice).await).len(), 2);
    // Paging: as far as there is a `next`, and no further.
    let mut next =
        format!("{}/graph/me/likes?limit=2&access_token={}", site.provider.issuer(), alice.replace('|', "%7C"));
    let mut all = Vec::new();
    for _ in 0..5 {
        let target = next.split_once(&site.provider.issuer().to_owned()).unwrap().1.to_owned();
        let page = site.ask(get(&target)).await;
        all.extend(names(&page));
        match page.json()["paging"]["next"].as_str() {
            Some(address) => next = address.to_owned(),
            None => break,
        }
    }
    assert_eq!(all, ["Old Maps", "The Velvet Harbour", "Allotments"]);
    assert_eq!(next.matches("access_token=").count(), 1, "{next}");
}

#[tokio::test]
async fn what_changes_its_audience_is_gone_at_the_next_look() {
    let site = Site::start().await;
    let alice = site.token(0, "user_work_history").await;
    assert!(site.graph("me", &alice).await.json()["work"].is_array());
    let visible = vec![("work".to_owned(), Audience::OnlyMe)];
    let change = Change { of: "alice".to_owned(), visible, ..Change::default() };
    site.provider.everybody().change(&change).unwrap();
    let me = site.graph("me", &alice).await.json();
    assert!(me.get("work").is_none() && me["name"] == "Alice Archer", "{me}");
}

#[tokio::test]
async fn what_a_token_may_not_see_looks_like_what_is_not_there() {
    let site = Site::start().await;
    let (alice, mallory) = (site.token(0, "user_photos").await, site.token(3, "friends_photos").await);
    let photo = site.graph("me/photos", &alice).await.json()["data"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(site.graph(&photo, &alice).await.json()["name"], "Bob on the pier");
    let hidden = site.graph(&photo, &mallory).await;
    assert_eq!((hidden.status, hidden.body.as_str()), (200, "false"));
    assert_eq!(site.graph("77", &mallory).await.body, "false");
    assert_eq!(
        error(&site.graph("no.such.name", &mallory).await).2,
        "(#803) Some of the aliases you requested do not exist: no.such.name"
    );
    assert_eq!(error(&site.graph("me/nothing", &mallory).await).2, "Unknown path components: /nothing");
}

#[tokio::test]
async fn a_story_is_published_once_with_its_privacy() {
    let site = Site::start().await;
    let without = site.token(0, "").await;
    let refused = site.posted("me/feed", &without, &[("message", "Hello")]).await;
    assert_eq!((error(&refused).0, error(&refused).2.starts_with("(#200)")), (403, true), "{refused:?}");
    let alice = site.token(0, "publish_stream,read_stream").await;
    let privacy = [("message", "Hello"), ("link", "http://portal.example/1"), ("privacy", "{\"value\":\"SELF\"}")];
    let answer = site.posted("me/feed", &alice, &privacy).await;
    let id = answer.text("id");
    assert!(id.starts_with(&format!("{}_", site.people[0].sub)), "{id}");
    assert!(error(&site.posted("me/feed", &alice, &privacy).await).2.contains("Duplicate status message"));
    let to_all = site
        .posted("me/feed", &alice, &[("message", "For all"), ("privacy", "{\"value\":\"EVERYONE\"}")])
        .await
        .text("id");
    let wrong = site.posted("me/feed", &alice, &[("message", "x"), ("privacy", "SELF")]).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let wall = site.graph("me/feed", &alice).await.json();
    assert_eq!(wall["data"][0]["message"], "For all");
    assert!(wall["data"].as_array().unwrap().iter().all(|post| post["message"] != "Hello"), "hidden from apps: {wall}");
    let bob = site.token(1, "").await;
    assert_eq!(site.graph(&to_all, &bob).await.json()["message"], "For all");
    assert_eq!(site.graph(&id, &bob).await.body, "false");
    // Taken away by a POST that says DELETE.
    assert_eq!(error(&site.posted(&to_all, &bob, &[("method", "delete")]).await).2, "Unsupported delete request.");
    assert_eq!(site.posted(&to_all, &alice, &[("method", "delete")]).await.body, "true");
    assert_eq!(site.graph(&to_all, &alice).await.body, "false", "it is gone");
    let next = site.posted("me/feed", &alice, &[("message", "Once more")]).await.text("id");
    assert!(next != to_all && next != id, "a number that was taken away is given to no other story: {next}");
}

#[tokio::test]
async fn permissions_are_listed_and_taken_back() {
    let site = Site::start().await;
    let alice = site.token(0, "user_likes,publish_stream").await;
    let listed = site.graph("me/permissions", &alice).await.json();
    assert_eq!(listed, json!({ "data": [{ "installed": 1, "publish_stream": 1, "user_likes": 1 }] }));
    let gone = site
        .ask(method("DELETE", &format!("/graph/me/permissions/user_likes?{}", encoded(&[("access_token", &alice)]))))
        .await;
    assert_eq!(gone.body, "true");
    assert!(names(&site.graph("me/likes", &alice).await).is_empty());
    let all = site.posted("me/permissions", &alice, &[("method", "delete")]).await;
    assert_eq!(all.body, "true");
    assert!(error(&site.graph("me", &alice).await).2.contains("has not authorized this application"));
}

#[tokio::test]
async fn errors_have_the_style_of_the_draft_and_scripts_get_them_under_200() {
    let site = Site::start().await;
    let plain = site.graph("me", "guessed").await;
    assert_eq!(error(&plain), (400, "OAuthException".into(), "Invalid OAuth access token.".into()));
    let migrated = site.graph("me?client_id=1234567890123", "guessed").await.json();
    assert_eq!(migrated, json!({ "error": "invalid_token", "error_description": "Invalid OAuth access token." }));
    let script = site.graph("me?callback=FB.done", "guessed").await;
    assert!(script.status == 200 && script.body.starts_with("FB.done({") && script.body.ends_with(");"), "{script:?}");
    let evil = site.graph("me?callback=alert(1)//", "guessed").await;
    assert!(!evil.body.contains("alert"), "{evil:?}");
    assert_eq!(site.graph("me", "a").await.status, 400);
    let twice = site.ask(get("/graph/me?access_token=a&access_token=b")).await;
    assert_eq!(twice.status, 400);
}

#[tokio::test]
async fn what_sources_differ_in_is_an_option() {
    let site = Site::start().await;
    let alice = site.token(0, "user_likes").await;
    site.option("installed", json!(false));
    assert_eq!(site.graph("me/permissions", &alice).await.json(), json!({ "data": [{ "user_likes": 1 }] }));
    assert!(site.made("fbs_cookie", "alice").contains("%7C2."));
    site.option("cookie_values", json!("raw"));
    let raw = site.made("fbs_cookie", "alice");
    assert!(raw.contains("|2.") && legacy_sig::open_fbs_cookie(&raw, SECRET, 0).is_ok(), "{raw}");
    let plain = site.graph("me", "guessed").await;
    assert!(plain.status == 400 && plain.header("www-authenticate").is_some(), "{plain:?}");
    site.option("status_of_190", json!(401));
    site.option("www_authenticate", json!(false));
    let changed = site.graph("me", "guessed").await;
    assert!(changed.status == 401 && changed.header("www-authenticate").is_none(), "{changed:?}");
    assert_eq!(site.graph("me/nothing", &alice).await.status, 400, "another error keeps its status");
}

#[tokio::test]
async fn login_php_gives_a_signed_session_and_the_other_pages_know_of_it() {
    let site = Site::start().await;
    let asked = [
        ("api_key", APP),
        ("next", "http://127.0.0.1:1/back?perms=xxRESULTTOKENxx"),
        ("cancel_url", "http://127.0.0.1:1/no"),
        ("req_perms", "user_likes"),
        ("return_session", "1"),
        ("session_version", "3"),
        ("v", "1.0"),
    ];
    let target = format!("/www/login.php?{}", encoded(&asked));
    let (no, _) = site.answer(0, &target, "deny").await;
    assert_eq!(no.header("location"), Some("http://127.0.0.1:1/no"));
    let (back, cookies) = site.answer(0, &target, "allow").await;
    assert_eq!(back.parameter("perms").as_deref(), Some("basic,user_likes"));
    let session = |answer: &Answer| -> legacy_sig::Members {
        let json: Json = serde_json::from_str(&answer.parameter("session").expect("a session")).unwrap();
        let members = json.as_object().unwrap().iter();
        members
            .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect()
    };
    let opened = legacy_sig::open_session(session(&back), SECRET, 0).expect("signed by the secret of the app");
    assert_eq!(opened["uid"], site.people[0].sub);
    assert_eq!(site.graph("me", &opened["access_token"]).await.json()["id"], site.people[0].sub.as_str());

    let ask = [
        ("api_key", APP),
        ("ok_session", "http://127.0.0.1:1/ok"),
        ("no_session", "http://127.0.0.1:1/app"),
        ("no_user", "http://127.0.0.1:1/user"),
    ];
    let status = format!("/www/extern/login_status.php?{}", encoded(&ask));
    let there = site.ask(get(&status).header("cookie", &cookies)).await;
    assert!(there.header("location").unwrap().starts_with("http://127.0.0.1:1/ok?session="), "{there:?}");
    assert_eq!(site.ask(get(&status)).await.header("location"), Some("http://127.0.0.1:1/user"));
    let elsewhere = status.replace("127.0.0.1%3A1%2Fok", "evil.example%2Fok");
    assert_eq!(site.ask(get(&elsewhere).header("cookie", &cookies)).await.status, 400);

    let keys = [
        ("type", "client_cred"),
        ("client_id", APP),
        ("client_secret", SECRET),
        ("sessions", &format!("{},forged-1", opened["session_key"])),
    ];
    let exchanged = site.ask(post("/graph/oauth/exchange_sessions", &keys)).await.json();
    assert_eq!(
        (exchanged[0]["access_token"].as_str(), &exchanged[1]),
        (Some(opened["access_token"].as_str()), &Json::Null)
    );
    let foreign = [
        ("type", "client_cred"),
        ("client_id", "999"),
        ("client_secret", "another secret"),
        ("sessions", opened["session_key"].as_str()),
    ];
    assert_eq!(site.ask(post("/graph/oauth/exchange_sessions", &foreign)).await.json(), json!([null]));

    let bye = |token: &str, next: &str| {
        get(&format!("/www/logout.php?{}", encoded(&[("access_token", token), ("next", next)])))
    };
    assert_eq!(site.ask(bye("guessed", "http://127.0.0.1:1/bye").header("cookie", &cookies)).await.status, 400);
    assert_eq!(
        site.ask(bye(&opened["access_token"], "http://evil.example/").header("cookie", &cookies)).await.status,
        400
    );
    let out = site.ask(bye(&opened["access_token"], "http://127.0.0.1:1/bye").header("cookie", &cookies)).await;
    assert_eq!(out.header("location"), Some("http://127.0.0.1:1/bye"), "{out:?}");
    assert_eq!(
        site.ask(get(&status).header("cookie", &cookies)).await.header("location"),
        Some("http://127.0.0.1:1/user")
    );
    assert_eq!(site.graph("me", &opened["access_token"]).await.status, 400, "a session's token ends with it");
}

#[tokio::test]
async fn the_cookies_of_the_browser_are_sealed_and_open_what_they_say() {
    let site = Site::start().await;
    site.token(0, "user_likes").await;
    let fbs = site.made("fbs_cookie", "alice");
    let session = legacy_sig::open_fbs_cookie(&fbs, SECRET, 0).expect("signed");
    assert_eq!((session["uid"].as_str(), session["base_domain"].as_str()), (site.people[0].sub.as_str(), "127.0.0.1"));
    assert_eq!(site.graph("me", &session["access_token"]).await.status, 200);
    let fbsr = seal::open(&site.made("fbsr_cookie", "alice"), SECRET).expect("sealed");
    assert_eq!(fbsr["user_id"], site.people[0].sub.as_str());
    let code = fbsr["code"].as_str().unwrap();
    assert_eq!(site.redeem(code, CALLBACK).await.status, 400, "its redirect_uri is empty");
    let token = member(&site.redeem(code, "").await, "access_token").expect("a token");
    assert_eq!(site.graph("me", &token).await.json()["id"], site.people[0].sub.as_str());
    let canvas = seal::open(&site.made("signed_request", "alice"), SECRET).expect("sealed");
    assert!(canvas["issued_at"].is_number() && canvas["oauth_token"].is_string(), "{canvas}");
}

#[tokio::test]
async fn hosts_by_name_and_versions_in_front_are_the_same_addresses() {
    let site = Site::start().await;
    let alice = site.token(0, "").await;
    let query = encoded(&[("access_token", &alice)]);
    for target in ["/graph/v2.0/me", "/graph/me"] {
        assert_eq!(site.ask(get(&format!("{target}?{query}"))).await.json()["name"], "Alice Archer");
    }
    let header = site.ask(get("/graph/me").header("authorization", &format!("OAuth {alice}"))).await;
    assert_eq!(header.json()["name"], "Alice Archer");
}

/// A fault in how an object of the dialect is signed.
fn signed(object: Object, sign: Sign) -> Fault {
    let address = Address { message: Message::Object(object), layer: Layer::Members };
    let operations = Operations { sign: Some(sign), ..Operations::default() };
    Fault { patches: vec![Patch { address, selectors: Selectors::default(), operations }] }
}

fn forgeries() -> [Sign; 4] {
    let attacker = Some(SigningKey::Named("attacker".to_owned()));
    [
        Sign { key: attacker, ..Sign::default() },
        Sign { signature: SignatureShape::Flipped, ..Sign::default() },
        Sign { signature: SignatureShape::Missing, ..Sign::default() },
        Sign { payload_flipped: true, ..Sign::default() },
    ]
}

#[tokio::test]
async fn cookies_that_a_fault_changes_are_opened_by_nobody_and_sound_again_when_it_is_mended() {
    let site = Site::start().await;
    site.token(0, "user_likes").await;
    for sign in forgeries() {
        for kind in ["fbs_cookie", "fbsr_cookie"] {
            let fault = site.provider.everybody().put(&signed(Object::Dialect(kind.to_owned()), sign.clone()));
            let text = site.made(kind, "alice");
            let opened = match kind {
                "fbs_cookie" => legacy_sig::open_fbs_cookie(&text, SECRET, 0).is_ok(),
                _ => seal::open(&text, SECRET).is_ok(),
            };
            assert!(!opened, "{kind} {sign:?}: {text}");
            assert_eq!(site.provider.everybody().delivery(fault).delivered, 1, "{kind} {sign:?}");
            site.provider.everybody().mend(fault);
        }
    }
    assert!(legacy_sig::open_fbs_cookie(&site.made("fbs_cookie", "alice"), SECRET, 0).is_ok());
    assert!(seal::open(&site.made("fbsr_cookie", "alice"), SECRET).is_ok());
}
