//! The control interface: what it does, to whom it does it, and what it refuses without changing anything.

use countersign::provider::{Control, Everyday};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::http::{Answer, Ask, get, method};
use super::site::{SECRET, Site, Tokens};

const AT: &str = "/_countersign";

async fn site() -> Site {
    let everyday =
        Everyday { login_by_hint: true, tenants: true, control: Some(Control::default()), ..Everyday::default() };
    Site::start_everyday(|_| {}, everyday).await
}

fn tell(how: &str, target: &str, body: &Json) -> Ask {
    method(how, &format!("{AT}/{target}")).body("application/json", body.to_string())
}

async fn told(site: &Site, how: &str, target: &str, body: Json) -> Answer {
    site.ask(tell(how, target, &body)).await
}

async fn state(site: &Site) -> Json {
    site.ask(get(&format!("{AT}/state"))).await.json()
}

/// Somebody logs in without a page.
async fn code(site: &Site, who: &str, state: &str) -> String {
    let answer = site.authorize(&[("login_hint", who), ("state", state)]).await;
    answer.parameter("code").unwrap_or_else(|| panic!("{answer:?}"))
}

fn claims(tokens: &Tokens) -> Json {
    use base64::Engine as _;
    let part = tokens.id.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn subject(site: &Site, code: &str) -> String {
    claims(&Tokens::of(&site.redeem(code, &[]).await))["sub"].as_str().unwrap().to_owned()
}

fn false_subject(whom: Json) -> Json {
    json!({ "fault": { "in": "id_token", "set": { "sub": "somebody-else" } }, "for": whom })
}

#[tokio::test]
async fn a_provider_of_a_run_has_no_control_interface() {
    let site = Site::start().await;
    for target in ["/_countersign", "/_countersign/", "/_countersign/state", "/_countersign/exchanges"] {
        assert_eq!(site.ask(get(target)).await.status, 404, "{target}");
    }
}

#[tokio::test]
async fn a_fault_follows_one_login_of_one_person_and_meets_nobody_else() {
    let site = site().await;
    let put = told(&site, "POST", "faults", false_subject(json!({ "persona": "alice" }))).await;
    assert_eq!(put.status, 201, "{put:?}");
    // Bob is first with every request; alice's fault is still hers.
    let bobs = code(&site, "bob", "b1").await;
    let hers = code(&site, "alice", "a1").await;
    let next = code(&site, "alice", "a2").await;
    assert_eq!(subject(&site, &next).await, site.alice.sub, "only one login was asked for");
    assert_eq!(subject(&site, &bobs).await, site.bob.sub);
    assert_eq!(subject(&site, &hers).await, "somebody-else");
    let seen = site.ask(get(&format!("{AT}/faults/{}", put.json()["id"]))).await.json();
    assert_eq!((&seen["delivered"], &seen["waits_for"]), (&json!(1), &json!(0)), "{seen}");
    let exchanges = site.ask(get(&format!("{AT}/exchanges?endpoint=token"))).await.json();
    let with: Vec<&Json> =
        exchanges["exchanges"].as_array().unwrap().iter().filter(|own| own.get("faults").is_some()).collect();
    assert_eq!(with.len(), 1);
    assert_eq!(with[0]["login"], seen["logins"][0]);
}

#[tokio::test]
async fn a_fault_may_be_tied_to_a_state_or_a_client() {
    let site = site().await;
    told(&site, "POST", "faults", false_subject(json!({ "state": "this one" }))).await;
    let denied = json!({
        "fault": "fault = { in = \"authorization_response\", error = \"access_denied\" }", "for": { "client": "poster" }, "times": 2,
    });
    assert_eq!(told(&site, "POST", "faults", denied).await.status, 201);
    let (other, own) = (code(&site, "alice", "another").await, code(&site, "bob", "this one").await);
    assert_eq!(subject(&site, &other).await, site.alice.sub);
    assert_eq!(subject(&site, &own).await, "somebody-else");
    let mut errors = Vec::new();
    for _ in 0..3 {
        let answer = site.authorize(&[("client_id", "poster"), ("login_hint", "bob")]).await;
        errors.push(answer.parameter("error"));
    }
    assert_eq!(errors, [Some("access_denied".to_owned()), Some("access_denied".to_owned()), None]);
}

#[tokio::test]
async fn two_faults_of_a_kind_go_to_two_logins_and_one_that_was_taken_away_goes_to_none() {
    let site = site().await;
    for sub in ["one", "two", "three"] {
        let fault = json!({ "fault": { "in": "id_token", "set": { "sub": sub } }, "for": { "client": "shop" } });
        let id = told(&site, "POST", "faults", fault).await.json()["id"].clone();
        if sub == "two" {
            assert_eq!(site.ask(method("DELETE", &format!("{AT}/faults/{id}"))).await.status, 204);
        }
    }
    let mut subjects = Vec::new();
    for _ in 0..3 {
        let code = code(&site, "alice", "s").await;
        subjects.push(subject(&site, &code).await);
    }
    assert_eq!(subjects, ["one", "three", &site.alice.sub]);
}

#[tokio::test]
async fn a_fault_for_everybody_stays_at_its_issuer_until_it_is_taken_away() {
    let site = site().await;
    let fault = json!({
        "fault": { "in": "discovery_response", "set": { "issuer": "http://elsewhere" } }, "for": { "everybody": true },
    });
    let at = "/t1/_countersign/faults";
    let put = site.ask(method("POST", at).body("application/json", fault.to_string())).await;
    assert_eq!(put.status, 201, "{put:?}");
    let issuer =
        async |prefix: &str| site.ask(get(&format!("{prefix}/.well-known/openid-configuration"))).await.text("issuer");
    assert_eq!(issuer("/t1").await, "http://elsewhere");
    assert_eq!(issuer("").await, site.provider.issuer());
    assert_eq!(site.ask(method("DELETE", &format!("{at}/{}", put.json()["id"]))).await.status, 204);
    assert_eq!(issuer("/t1").await, format!("{}/t1", site.provider.issuer()));
}

#[tokio::test]
async fn people_are_added_changed_and_removed() {
    let site = site().await;
    let dora = json!({ "fields": { "sub": "d-1", "email": "dora@acme.test", "name": "Dora" } });
    let put = told(&site, "PUT", "personas/dora", dora).await;
    assert_eq!((put.status, put.text("sub")), (200, "d-1".to_owned()));
    let first = site.authorize(&[("login_hint", "dora@acme.test"), ("scope", "openid email profile")]).await;
    let first = first.parameter("code").unwrap();
    let tokens = Tokens::of(&site.redeem(&first, &[]).await);
    let change = json!({ "set": { "email": "new@acme.test" }, "drop": ["name"] });
    assert_eq!(told(&site, "PATCH", "personas/dora", change).await.status, 200);
    let now = site.userinfo(&tokens.access).await.json();
    assert_eq!((now["email"].as_str(), now.get("name")), (Some("new@acme.test"), None));
    told(&site, "PATCH", "personas/dora", json!({ "account": "disabled" })).await;
    assert_eq!(site.authorize(&[("login_hint", "dora")]).await.status, 200, "she cannot sign in");
    assert_eq!(site.ask(method("DELETE", &format!("{AT}/personas/dora"))).await.status, 204);
    assert_eq!(site.userinfo(&tokens.access).await.status, 401);
    assert!(!state(&site).await.to_string().contains("d-1"));
}

#[tokio::test]
async fn tokens_are_given_without_a_page_and_revoked_by_person_and_client() {
    let site = site().await;
    let give = async |who: &str, client: &str| {
        let asked = json!({ "persona": who, "client": client, "scopes": ["openid", "email"], "nonce": "n" });
        Tokens::of(&told(&site, "POST", "tokens", asked).await)
    };
    let (hers, theirs, his) = (give("alice", "shop").await, give("alice", "poster").await, give("bob", "shop").await);
    assert_eq!(claims(&hers)["nonce"], "n");
    assert_eq!(site.userinfo(&hers.access).await.text("sub"), site.alice.sub);
    let gone = told(&site, "POST", "revoke", json!({ "persona": "alice", "client": "shop" })).await;
    assert_eq!(gone.json(), json!({ "revoked": 2 }));
    assert_eq!(site.userinfo(&hers.access).await.status, 401);
    assert_eq!(site.refreshed(&hers.refresh, &[]).await.text("error"), "invalid_grant");
    assert_eq!(site.userinfo(&theirs.access).await.status, 200);
    assert_eq!(site.userinfo(&his.access).await.status, 200);
    told(&site, "POST", "revoke", json!({ "token": his.refresh })).await;
    assert_eq!(site.userinfo(&his.access).await.status, 401);
}

#[tokio::test]
async fn keys_rotate_and_the_clock_moves() {
    let site = site().await;
    let kids = async || site.ask(get("/jwks")).await.json()["keys"].as_array().unwrap().clone();
    let before = kids().await;
    let first = code(&site, "alice", "s").await;
    let tokens = Tokens::of(&site.redeem(&first, &[]).await);
    assert_eq!(told(&site, "POST", "keys/rotate", json!({})).await.status, 200);
    let after = kids().await;
    assert_eq!(after.len(), 2 * before.len());
    let next = code(&site, "alice", "s").await;
    let new = Tokens::of(&site.redeem(&next, &[]).await);
    let header = |token: &str| token.split('.').next().unwrap().to_owned();
    assert_ne!(header(&new.id), header(&tokens.id), "another kid");
    told(&site, "POST", "keys/rotate", json!({ "withdraw": true })).await;
    assert!(kids().await.iter().all(|key| !after.contains(key)));
    assert_eq!(told(&site, "POST", "clock", json!({ "advance": "2h" })).await.json()["offset"], 7200);
    assert_eq!(site.userinfo(&new.access).await.status, 401, "it has expired");
    told(&site, "POST", "clock", json!({ "offset": "0s" })).await;
    assert_eq!(site.userinfo(&new.access).await.status, 200);
    assert_eq!(site.ask(method("POST", &format!("{AT}/reset")).body("application/json", "{}")).await.status, 204);
    assert_eq!(site.userinfo(&new.access).await.status, 401, "everything is forgotten");
}

#[tokio::test]
async fn whoever_waits_for_an_exchange_gets_it_when_it_happens_and_without_secrets() {
    let site = site().await;
    let last = site.ask(get(&format!("{AT}/exchanges"))).await.json()["last"].clone();
    let target = format!("{AT}/exchanges?after={last}&endpoint=token&client=shop&persona=alice&wait=20s");
    let address = site.provider.address();
    let waiting = tokio::spawn(async move { get(&target).send(address).await });
    let bobs = code(&site, "bob", "s").await;
    site.redeem(&bobs, &[]).await;
    let code = code(&site, "alice", "s").await;
    let tokens = Tokens::of(&site.redeem(&code, &[]).await);
    let answer = waiting.await.unwrap();
    let own = answer.json()["exchanges"].clone();
    assert_eq!(own.as_array().unwrap().len(), 1, "{own}");
    assert_eq!(own[0]["id_token"]["claims"]["sub"], site.alice.sub.as_str());
    for secret in [code.as_str(), SECRET, &tokens.access, &tokens.refresh, &tokens.id] {
        assert!(!answer.body.contains(secret), "{}", answer.body);
    }
    let page = site.ask(get(&format!("{AT}/"))).await;
    assert!(page.status == 200 && !page.body.contains(&code) && page.body.contains("POST token"), "{page:?}");
    let all = site.ask(get(&format!("{AT}/exchanges?secrets=show&endpoint=token&persona=alice"))).await;
    assert!(all.body.contains(&code) && all.body.contains(&tokens.refresh));
    let none = site.ask(get(&format!("{AT}/exchanges?endpoint=api&wait=50ms"))).await;
    assert_eq!((none.status, none.json()["exchanges"].clone()), (200, json!([])));
}

#[tokio::test]
async fn exchanges_are_told_as_they_happen() {
    let site = site().await;
    let mut stream = tokio::net::TcpStream::connect(site.provider.address()).await.unwrap();
    stream.write_all(b"GET /_countersign/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut said = String::new();
    let mut until = async |wanted: &str| {
        while !said.contains(wanted) {
            let mut bytes = [0; 4096];
            let reading = tokio::time::timeout(std::time::Duration::from_secs(20), stream.read(&mut bytes)).await;
            let count = reading.expect("in time").unwrap();
            assert!(count > 0, "it ended after {said}");
            said += &String::from_utf8_lossy(&bytes[..count]);
        }
        said.clone()
    };
    assert!(until("exchanges follow").await.contains("text/event-stream"));
    let code = code(&site, "alice", "s").await;
    let said = until("\n\n").await;
    let said = if said.contains("\"endpoint\":\"authorization\"") {
        said
    } else {
        until("\"endpoint\":\"authorization\"").await
    };
    assert!(!said.contains(&code), "{said}");
}

#[tokio::test]
async fn what_it_is_told_wrongly_it_refuses_with_advice_and_nothing_has_changed() {
    let site = site().await;
    let before = state(&site).await;
    let fault = json!({ "in": "id_token", "set": { "sub": "x" } });
    let alice = json!({ "persona": "alice" });
    let wrong = [
        ("POST", "faults", json!({ "fault": fault, "for": {} })),
        ("POST", "faults", json!({ "fault": fault, "for": { "persona": "alice", "everybody": true } })),
        ("POST", "faults", json!({ "fault": fault, "for": { "persona": "zoe" } })),
        ("POST", "faults", json!({ "fault": fault, "for": { "client": "nobody" } })),
        ("POST", "faults", json!({ "fault": fault, "for": alice, "times": 0 })),
        ("POST", "faults", json!({ "fault": fault })),
        ("POST", "faults", json!({ "fault": fault, "for": alice, "tmies": 1 })),
        ("POST", "faults", json!({ "fault": { "in": "id_tokn", "set": { "sub": "x" } }, "for": alice })),
        ("POST", "faults", json!({ "fault": { "in": "id_token" }, "for": alice })),
        ("POST", "faults", json!({ "fault": { "in": "id_token", "set": { "sub": null } }, "for": alice })),
        ("POST", "faults", json!({ "fault": "fault = {", "for": alice })),
        ("POST", "faults", json!({ "fault": "", "for": alice })),
        ("POST", "faults", json!({ "fault": [], "for": alice })),
        ("POST", "faults", json!({ "fault": 7, "for": alice })),
        ("POST", "faults", json!({ "fault": { "in": "jwks_response", "status": 500 }, "for": alice })),
        ("PUT", "personas/alice", json!({ "fields": { "sub": 7 } })),
        ("PUT", "personas/alice", json!({ "feilds": {} })),
        ("PUT", "personas/%ff", json!({})),
        ("PUT", "personas/twin", json!({ "fields": { "sub": site.bob.sub } })),
        ("PATCH", "personas/alice", json!({ "set": { "name": "Z" }, "drop": ["nmae"] })),
        ("PATCH", "personas/alice", json!({ "set": { "name": "Z" }, "drop": ["sub"] })),
        ("PATCH", "personas/alice", json!({ "set": { "name": "Z" }, "visible": { "nmae": "only_me" } })),
        ("PATCH", "personas/alice", json!({ "set": { "name": "Z" }, "visible": { "name": "nobody" } })),
        ("POST", "reset", json!({ "all": true })),
        ("GET", "state?persona=alice", json!({})),
        ("GET", "faults?persona=alice", json!({})),
        ("POST", "devices", json!({ "client": "shop", "polls": ["maybe"] })),
        ("POST", "devices", json!({ "client": "nobody", "polls": ["deny"] })),
        ("POST", "devices", json!({ "client": "shop", "polls": [] })),
        ("POST", "devices", json!({ "client": "shop", "polls": ["allow"] })),
        ("PATCH", "personas/zoe", json!({ "set": { "name": "Z" } })),
        ("PATCH", "personas/alice", json!({ "set": { "name": "Z", "sub": 1 } })),
        ("PATCH", "personas/alice", json!({ "set": { "name": "Z" }, "account": "gone" })),
        ("DELETE", "personas/zoe", json!({})),
        ("POST", "revoke", json!({})),
        ("POST", "revoke", json!({ "token": "unknown" })),
        ("POST", "clock", json!({})),
        ("POST", "clock", json!({ "advance": "1h", "offset": "1h" })),
        ("POST", "clock", json!({ "advance": "an hour" })),
        ("POST", "clock", json!({ "advance": "99999999999999999d" })),
        ("POST", "keys/rotate", json!({ "with": true })),
        ("POST", "tokens", json!({ "persona": "alice", "client": "shop", "scopes": ["opened"] })),
        ("POST", "tokens", json!({ "persona": "alice", "client": "shop", "scopes": [] })),
        ("POST", "tokens", json!({ "persona": "zoe", "client": "shop", "scopes": ["openid"] })),
        ("POST", "nothing", json!({})),
        ("DELETE", "faults", json!({})),
        ("DELETE", "faults/99", json!({})),
        ("GET", "exchanges?wiat=1s", json!({})),
        ("GET", "exchanges?wait=1", json!({})),
        ("GET", "exchanges?endpoint=tkoen", json!({})),
        ("GET", "exchanges?secrets=yes", json!({})),
    ];
    for (how, target, body) in wrong {
        let answer = told(&site, how, target, body.clone()).await;
        assert!((400..500).contains(&answer.status), "{how} {target} {body}: {answer:?}");
        assert!(answer.text("error").len() > 8 && answer.text("help").len() > 3, "{answer:?}");
    }
    let by_place = "{\"fault\": {\"in\": \"id_token\", \"set\": {\"sub\": \"x\"}}, \"for\": [\"alice\"]}";
    let empty = site.ask(method("POST", &format!("{AT}/faults")).body("application/json", "")).await;
    assert_eq!(empty.status, 400, "{empty:?}");
    for (how, target) in [
        ("POST", "faults"),
        ("POST", "revoke"),
        ("POST", "keys/rotate"),
        ("POST", "clock"),
        ("POST", "tokens"),
        ("POST", "devices"),
        ("POST", "reset"),
        ("PUT", "personas/alice"),
        ("PATCH", "personas/alice"),
    ] {
        // A list is no object whose members stand in some order.
        let lists = ["[]", "[null]", "[{}]", "[\"alice\", null]", "[\"1h\", null]", "[true]"];
        for bad in lists.into_iter().chain(["{", "null", "\"x\"", "{}{}", by_place]) {
            let answer = site.ask(method(how, &format!("{AT}/{target}")).body("application/json", bad)).await;
            assert_eq!(answer.status, 400, "{how} {target} {bad}: {answer:?}");
            assert!(answer.text("help").contains("schema"), "{answer:?}");
        }
    }
    assert_eq!(state(&site).await, before);
}

#[tokio::test]
async fn neither_another_machine_nor_another_site_may_use_it() {
    let site = site().await;
    let before = state(&site).await;
    let ask = || tell("PUT", "personas/eve", &json!({}));
    let refused = [
        ask().header("origin", "http://evil.test"),
        ask().header("origin", "null"),
        ask().header("sec-fetch-site", "cross-site"),
        ask().header("sec-fetch-site", "same-site"),
        ask().header("x-forwarded-for", "10.0.0.1"),
        ask().header("forwarded", "for=10.0.0.1"),
        method("PUT", &format!("{AT}/personas/eve")).body("text/plain", "{}"),
        method("PUT", &format!("{AT}/personas/eve")).body("application/x-www-form-urlencoded", "a=b"),
        method("PUT", &format!("{AT}/personas/eve")),
    ];
    for ask in refused {
        let answer = site.ask(ask).await;
        assert!(matches!(answer.status, 403 | 415), "{answer:?}");
        assert!(answer.header("access-control-allow-origin").is_none());
    }
    let rebound = "PUT /_countersign/personas/eve HTTP/1.1\r\nhost: evil.test\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    assert_eq!(super::http::raw(site.provider.address(), rebound.as_bytes()).await.status, 403);
    let preflight = method("OPTIONS", &format!("{AT}/personas/eve"))
        .header("origin", "http://evil.test")
        .header("access-control-request-method", "PUT");
    assert_eq!(site.ask(preflight).await.status, 403);
    assert_eq!(state(&site).await, before);
    assert_eq!(
        site.ask(ask().header("origin", "http://localhost").header("sec-fetch-site", "same-origin")).await.status,
        200
    );
}

#[tokio::test]
async fn with_a_token_whoever_shows_it_may_use_it_and_nobody_else() {
    let token = "0123456789abcdef";
    let everyday = Everyday { control: Some(Control { token: Some(token.to_owned()) }), ..Everyday::default() };
    let site = Site::start_everyday(|_| {}, everyday).await;
    let ask = || get(&format!("{AT}/state"));
    for refused in [ask(), ask().bearer("0123456789abcdeX"), ask().bearer(""), ask().basic(token, "x")] {
        let answer = site.ask(refused).await;
        assert_eq!((answer.status, answer.header("www-authenticate").is_some()), (401, true));
    }
    for let_in in
        [ask().bearer(token), ask().basic("anybody", token), ask().bearer(token).header("x-forwarded-for", "1.2.3.4")]
    {
        assert_eq!(site.ask(let_in).await.status, 200);
    }
}

#[tokio::test]
async fn answers_are_as_the_schema_says() {
    let site = site().await;
    told(&site, "POST", "faults", false_subject(json!({ "client": "shop" }))).await;
    let code = code(&site, "alice", "s").await;
    site.redeem(&code, &[]).await;
    let schema = site.ask(get(&format!("{AT}/schema"))).await.json();
    let of = |member: &str| {
        let mut own = schema["properties"][member].clone();
        assert!(own.is_object(), "{member} is not in the schema");
        own["definitions"] = schema["definitions"].clone();
        own["$schema"] = schema["$schema"].clone();
        jsonschema::validator_for(&own).unwrap()
    };
    for target in ["state", "exchanges", "faults"] {
        let answer = site.ask(get(&format!("{AT}/{target}"))).await.json();
        let wrong: Vec<String> = of(&format!("GET {target}"))
            .iter_errors(&answer)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{target}: {wrong:?}");
    }
    assert!(of("POST faults").is_valid(&false_subject(json!({ "client": "shop" }))));
    assert!(!of("POST faults").is_valid(&json!({ "fault": {}, "fro": {} })));
}
