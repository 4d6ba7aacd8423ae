//! Dynamic registration (RFC 7591): off unless it is switched on; then a client gets what the provider does, and is told
//! by name what it does not do.

use serde_json::{Value as Json, json};

use super::http::{Answer, get, method, post};
use super::site::{AFTERWARDS, CALLBACK, SECRET, Site, Tokens, part, redemption};

async fn open() -> Site {
    Site::start_with(|config| config.registration = true).await
}

async fn register(site: &Site, asked: &Json) -> Answer {
    site.ask(method("POST", "/register").body("application/json", asked.to_string())).await
}

fn asked(more: Json) -> Json {
    let mut asked = json!({ "redirect_uris": [CALLBACK] });
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    asked
}

#[tokio::test]
async fn nobody_registers_where_it_is_not_switched_on() {
    let site = Site::start().await;
    assert_eq!(register(&site, &asked(json!({}))).await.status, 404);
    let metadata = site.ask(get("/.well-known/openid-configuration")).await.json();
    assert!(metadata.get("registration_endpoint").is_none());
}

#[tokio::test]
async fn a_registered_client_is_told_what_it_got_and_can_do_it() {
    let site = open().await;
    let answer = register(&site, &asked(json!({ "client_name": "Shop", "unknown": [1] }))).await;
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")), "{answer:?}");
    let told = answer.json();
    let names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "client_id",
            "client_id_issued_at",
            "client_secret",
            "client_secret_expires_at",
            "grant_types",
            "id_token_signed_response_alg",
            "post_logout_redirect_uris",
            "redirect_uris",
            "response_types",
            "subject_type",
            "token_endpoint_auth_method",
        ]
    );
    assert_eq!(told["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(told["redirect_uris"], json!([CALLBACK]));
    let (id, secret) = (answer.text("client_id"), answer.text("client_secret"));
    assert!(secret.len() >= 32);
    let code = site.code(&[("client_id", &id)]).await;
    let tokens = site.ask(redemption(&code, &[]).basic(&id, &secret)).await;
    assert_eq!(part(&tokens.text("id_token"), 1)["aud"], id.as_str());
}

#[tokio::test]
async fn every_registered_way_of_authentication_and_algorithm_is_the_one_that_counts() {
    let site = open().await;
    for (auth, alg) in [
        ("client_secret_basic", "EdDSA"),
        ("client_secret_post", "HS256"),
        ("client_secret_post", "PS256"),
        ("none", "ES256"),
        ("none", "RS256"),
    ] {
        let more = json!({
            "token_endpoint_auth_method": auth,
            "id_token_signed_response_alg": alg,
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let answer = register(&site, &asked(more)).await;
        let id = answer.text("client_id");
        assert_eq!(answer.json().get("client_secret").is_some(), auth != "none", "{auth}");
        let code = site.code(&[("client_id", &id)]).await;
        let secret = answer.json()["client_secret"].as_str().unwrap_or_default().to_owned();
        let (by_post, by_name) =
            ([("client_id", id.as_str()), ("client_secret", secret.as_str())], [("client_id", id.as_str())]);
        let ways = [
            ("client_secret_basic", redemption(&code, &[]).basic(&id, &secret)),
            ("client_secret_post", redemption(&code, &by_post)),
            ("none", redemption(&code, &by_name)),
        ];
        for (way, ask) in ways.iter().filter(|(way, _)| *way != auth) {
            if secret.is_empty() && *way == "client_secret_post" {
                continue;
            }
            site.ask(ask.clone()).await.refused(401, "invalid_client");
        }
        let own = ways.iter().find(|(way, _)| *way == auth).unwrap().1.clone();
        assert_eq!(part(&Tokens::of(&site.ask(own).await).id, 0)["alg"], alg);
    }
}

#[tokio::test]
async fn a_grant_that_was_not_registered_is_refused_and_its_token_not_given() {
    let site = open().await;
    let answer = register(&site, &asked(json!({}))).await;
    assert_eq!(answer.json()["grant_types"], json!(["authorization_code"]));
    let (id, secret) = (answer.text("client_id"), answer.text("client_secret"));
    let code = site.code(&[("client_id", &id)]).await;
    let tokens = site.ask(redemption(&code, &[]).basic(&id, &secret)).await;
    assert!(tokens.json().get("refresh_token").is_none());
    for grant in ["refresh_token", "client_credentials"] {
        let form = post("/token", &[("grant_type", grant), ("refresh_token", "x")]).basic(&id, &secret);
        site.ask(form).await.refused(400, "unauthorized_client");
    }
}

#[tokio::test]
async fn a_client_cannot_choose_its_id_or_secret_or_take_anothers_place() {
    let site = open().await;
    let more = json!({ "client_id": "shop", "client_secret": "mine", "redirect_uris": ["http://127.0.0.1:9/mine"] });
    let answer = register(&site, &asked(more)).await;
    assert_eq!(answer.status, 201);
    assert_ne!(answer.text("client_id"), "shop");
    assert_ne!(answer.text("client_secret"), "mine");
    site.authorize(&[("redirect_uri", "http://127.0.0.1:9/mine")]).await.told_to_the_person();
    let own = post("/token", &[("grant_type", "client_credentials")]).basic("shop", SECRET);
    assert_eq!(site.ask(own).await.status, 200);
}

#[tokio::test]
async fn a_redirect_uri_that_no_browser_should_be_sent_to_is_refused() {
    let site = open().await;
    for uris in [
        json!([]),
        json!(null),
        json!("http://127.0.0.1:1/callback"),
        json!([1]),
        json!(["/callback"]),
        json!(["http://"]),
        json!(["http://127.0.0.1:1/callback#x"]),
        json!(["http://127.0.0.1:1/call back"]),
        json!(["javascript:alert(1)"]),
        json!(["data:text/html,x"]),
        json!(["http://127.0.0.1:1/good", "JavaScript:alert(1)"]),
        json!([format!("http://127.0.0.1:1/{}", "a".repeat(3000))]),
        json!(vec!["http://127.0.0.1:1/callback"; 21]),
    ] {
        let answer = register(&site, &json!({ "redirect_uris": uris })).await;
        assert_eq!((answer.status, answer.text("error").as_str()), (400, "invalid_redirect_uri"), "{uris}");
    }
    register(&site, &json!({})).await.refused(400, "invalid_redirect_uri");
    for uri in ["https://shop.example/callback", "http://localhost:3000/cb?x=y", "com.example.app:/callback"] {
        assert_eq!(register(&site, &json!({ "redirect_uris": [uri] })).await.status, 201, "{uri}");
    }
}

#[tokio::test]
async fn what_the_provider_does_not_do_is_refused_by_name() {
    let site = open().await;
    for (name, value) in [
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_method", json!(1)),
        ("grant_types", json!(["implicit"])),
        ("grant_types", json!(["authorization_code", "password"])),
        ("grant_types", json!([])),
        ("response_types", json!(["token"])),
        ("response_types", json!(["code", "code id_token"])),
        ("subject_type", json!("pairwise")),
        ("id_token_signed_response_alg", json!("none")),
        ("id_token_signed_response_alg", json!("RS512")),
        ("id_token_encrypted_response_alg", json!("RSA-OAEP")),
        ("userinfo_signed_response_alg", json!("RS256")),
        ("request_object_signing_alg", json!("RS256")),
        ("default_max_age", json!(60)),
        ("frontchannel_logout_uri", json!("http://127.0.0.1:2/front")),
        ("frontchannel_logout_uri", json!("javascript:alert(1)")),
        ("require_pushed_authorization_requests", json!(true)),
        ("dpop_bound_access_tokens", json!(true)),
        ("post_logout_redirect_uris", json!(["javascript:alert(1)"])),
        ("backchannel_logout_uri", json!("http://inside.example/logout")),
        ("backchannel_logout_uri", json!("https://127.0.0.1:1/logout")),
        ("backchannel_logout_uri", json!("http://127.0.0.1.example/logout")),
    ] {
        let answer = register(&site, &asked(json!({ name: value }))).await;
        assert_eq!((answer.status, answer.text("error").as_str()), (400, "invalid_client_metadata"), "{name} {value}");
        assert!(answer.text("error_description").contains(name), "{answer:?}");
    }
    let framed =
        json!({ "frontchannel_logout_uri": "http://127.0.0.1:2/x", "redirect_uris": ["http://127.0.0.1:2/cb"] });
    let told = register(&site, &framed).await;
    assert_eq!((told.status, told.text("frontchannel_logout_uri").as_str()), (201, "http://127.0.0.1:2/x"));
    for (name, value) in [("require_pushed_authorization_requests", json!(false)), ("subject_type", json!("public"))] {
        assert_eq!(register(&site, &asked(json!({ name: value }))).await.status, 201, "{name}");
    }
    let secret = json!({ "token_endpoint_auth_method": "none", "id_token_signed_response_alg": "HS256" });
    register(&site, &asked(secret)).await.refused(400, "invalid_client_metadata");
    let own = json!({ "token_endpoint_auth_method": "none", "grant_types": ["client_credentials"] });
    register(&site, &asked(own)).await.refused(400, "invalid_client_metadata");
    let statement = asked(json!({ "software_statement": "x.y.z" }));
    register(&site, &statement).await.refused(400, "unapproved_software_statement");
}

#[tokio::test]
async fn a_registration_is_one_json_object_and_nothing_else() {
    let site = open().await;
    let good = asked(json!({})).to_string();
    for (kind, body) in [
        ("text/plain", good.as_str()),
        ("application/x-www-form-urlencoded", &good),
        ("application/json", "[]"),
        ("application/json", "{"),
        ("application/json", "null"),
    ] {
        let answer = site.ask(method("POST", "/register").body(kind, body)).await;
        answer.refused(400, "invalid_client_metadata");
    }
    let bare = site.ask(method("POST", "/register")).await;
    bare.refused(400, "invalid_client_metadata");
    assert_eq!(site.ask(get("/register")).await.status, 405);
    let charset = method("POST", "/register").body("application/json; charset=utf-8", good);
    assert_eq!(site.ask(charset).await.status, 201);
}

#[tokio::test]
async fn the_places_after_signing_out_are_those_that_were_registered() {
    let site = open().await;
    let answer = register(&site, &asked(json!({ "post_logout_redirect_uris": [AFTERWARDS] }))).await;
    let id = answer.text("client_id");
    let end = |to: &str| get(&format!("/end_session?client_id={id}&post_logout_redirect_uri={to}"));
    assert_eq!(site.ask(end(AFTERWARDS)).await.header("location"), Some(AFTERWARDS));
    site.ask(end("http://127.0.0.1:1/elsewhere")).await.told_to_the_person();
}

#[tokio::test]
async fn newcomers_push_out_the_oldest_of_themselves_and_nobody_else() {
    let site = open().await;
    let first = register(&site, &asked(json!({}))).await.text("client_id");
    let second = register(&site, &asked(json!({}))).await.text("client_id");
    for _ in 0..999 {
        assert_eq!(register(&site, &asked(json!({}))).await.status, 201);
    }
    site.authorize(&[("client_id", &first)]).await.told_to_the_person();
    assert_eq!(site.authorize(&[("client_id", &second)]).await.status, 200);
    assert_eq!(site.authorize(&[("client_id", "shop")]).await.status, 200);
    assert_eq!(site.provider.remembered()["self-registered clients"], 1000);
}
