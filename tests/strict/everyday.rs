//! What `serve` switches on for everyday development, and that none of it is there where it was not asked for.

use countersign::provider::{Everyday, Overrides};
use serde_json::json;

use super::http::{get, method, post};
use super::site::{CALLBACK, SECRET, Site, Tokens, hidden, redemption};

async fn with(set: impl FnOnce(&mut Everyday)) -> Site {
    let mut everyday = Everyday::default();
    set(&mut everyday);
    Site::start_everyday(|_| {}, everyday).await
}

#[tokio::test]
async fn an_account_is_chosen_with_one_click_and_the_consent_page_follows() {
    let site = with(|everyday| everyday.one_click = true).await;
    let page = site.authorize(&[]).await;
    assert!(page.body.contains("value=\"alice\""), "{page:?}");
    let entries = [("transaction", hidden(&page.body, "transaction")), ("persona", "bob".to_owned())];
    let entries: Vec<(&str, &str)> = entries.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let next = site.ask(post("/authorize/login", &entries).header("cookie", &page.cookies().join("; "))).await;
    assert_eq!(next.status, 200);
    assert!(next.body.contains("data-step=\"consent\"") && next.body.contains("Bob Baker"), "{next:?}");
}

#[tokio::test]
async fn without_being_asked_for_no_button_signs_anybody_in() {
    let site = Site::start().await;
    let page = site.authorize(&[]).await;
    assert!(!page.body.contains("persona"));
    let transaction = hidden(&page.body, "transaction");
    let entries = [("transaction", transaction.as_str()), ("persona", "alice")];
    let next = site.ask(post("/authorize/login", &entries).header("cookie", &page.cookies().join("; "))).await;
    assert_eq!(next.status, 401, "{next:?}");
    let hinted = site.authorize(&[("login_hint", "alice")]).await;
    assert_eq!(hinted.status, 200, "{hinted:?}");
    assert_eq!(site.ask(get("/tenant-a/.well-known/openid-configuration")).await.status, 404);
}

#[tokio::test]
async fn whom_login_hint_names_is_signed_in_at_once() {
    let site = with(|everyday| everyday.login_by_hint = true).await;
    let answer = site.authorize(&[("login_hint", "bob")]).await;
    let code = answer.parameter("code").unwrap_or_else(|| panic!("{answer:?}"));
    let tokens = Tokens::of(&site.redeem(&code, &[]).await);
    assert_eq!(site.userinfo(&tokens.access).await.text("sub"), site.bob.sub);
    let nobody = site.authorize(&[("login_hint", "nobody")]).await;
    assert_eq!(nobody.status, 200, "whoever is not known sees the page: {nobody:?}");
    // The browser is still bob's: the hint of another person makes it hers.
    let cookies = answer.cookies().join("; ");
    let target = site.authorize_target(&[("login_hint", "alice")]);
    let again = site.ask(get(&target).header("cookie", &cookies)).await;
    let tokens = Tokens::of(&site.redeem(&again.parameter("code").unwrap(), &[]).await);
    assert_eq!(site.userinfo(&tokens.access).await.text("sub"), site.alice.sub);
}

#[tokio::test]
async fn everybody_can_be_signed_in_as_one_person() {
    let site = with(|everyday| everyday.auto_login = Some("alice".to_owned())).await;
    let answer = site.authorize(&[]).await;
    assert!(answer.parameter("code").is_some(), "{answer:?}");
}

#[tokio::test]
async fn an_issuer_by_path_has_discovery_keys_and_codes_of_its_own() {
    let site = with(|everyday| {
        everyday.tenants = true;
        everyday.login_by_hint = true;
    })
    .await;
    let document = site.ask(get("/t1/.well-known/openid-configuration")).await.json();
    let issuer = format!("{}/t1", site.provider.issuer());
    assert_eq!(document["issuer"], issuer.as_str());
    assert_eq!(document["token_endpoint"], format!("{issuer}/token"));
    assert_eq!(site.ask(get("/.well-known/oauth-authorization-server/t1")).await.json()["issuer"], issuer.as_str());
    let kids = |answer: &serde_json::Value| -> Vec<String> {
        answer["keys"].as_array().unwrap().iter().map(|key| key["kid"].to_string()).collect()
    };
    let (own, other) = (site.ask(get("/t1/jwks")).await.json(), site.ask(get("/t2/jwks")).await.json());
    let root = site.ask(get("/jwks")).await.json();
    assert!(kids(&own).iter().all(|kid| !kids(&other).contains(kid) && !kids(&root).contains(kid)));
    let target = site.authorize_target(&[("login_hint", "alice")]);
    let answer = site.ask(get(&format!("/t1{target}"))).await;
    assert_eq!(answer.parameter("iss"), Some(issuer));
    assert!(answer.header("set-cookie").unwrap().contains("Path=/t1/"), "{answer:?}");
    let code = answer.parameter("code").unwrap();
    for elsewhere in ["/t2/token", "/token"] {
        let foreign = site.ask(redemption(&code, &[]).to(elsewhere).basic("shop", SECRET)).await;
        assert_eq!(foreign.text("error"), "invalid_grant", "{elsewhere}");
    }
    let tokens = Tokens::of(&site.ask(redemption(&code, &[]).to("/t1/token").basic("shop", SECRET)).await);
    assert_eq!(site.ask(get("/t1/userinfo").bearer(&tokens.access)).await.status, 200);
    assert_eq!(site.ask(get("/userinfo").bearer(&tokens.access)).await.status, 401);
}

#[tokio::test]
async fn what_is_no_endpoint_begins_no_issuer() {
    let site = with(|everyday| everyday.tenants = true).await;
    for target in ["/t1/nothing", "/authorize/token", "/../token", "/.t/token", "/t%2f/token", "/a/b/token"] {
        assert!(site.ask(get(target)).await.status >= 400, "{target}");
    }
}

#[tokio::test]
async fn an_issuer_may_have_a_path() {
    let site = Site::start_everyday(
        |config| config.issuer = Some("https://login.acme.test/realms/one".to_owned()),
        Everyday::default(),
    )
    .await;
    let document = site.ask(get("/realms/one/.well-known/openid-configuration")).await.json();
    assert_eq!(document["jwks_uri"], "https://login.acme.test/realms/one/jwks");
    let page = site.ask(get(&format!("/realms/one{}", site.authorize_target(&[])))).await;
    assert!(page.body.contains("action=\"/realms/one/authorize/login\""), "{page:?}");
    // A proxy may have taken the path away.
    assert_eq!(site.ask(get("/jwks")).await.status, 200);
}

#[tokio::test]
async fn browsers_and_servers_may_know_the_provider_by_other_addresses() {
    let site = with(|everyday| {
        everyday.front_url = Some("http://localhost:9400".to_owned());
        everyday.back_url = Some("http://idp:9400".to_owned());
        everyday.discovery = Overrides {
            set: json!({ "service_documentation": "http://localhost/docs" }).as_object().unwrap().clone(),
            drop: vec!["revocation_endpoint".to_owned()],
        };
    })
    .await;
    let document = site.ask(get("/.well-known/openid-configuration")).await.json();
    assert_eq!(document["issuer"], site.provider.issuer());
    assert_eq!(document["authorization_endpoint"], "http://localhost:9400/authorize");
    assert_eq!(document["end_session_endpoint"], "http://localhost:9400/end_session");
    for member in ["token", "userinfo", "introspection"] {
        let address = document[format!("{member}_endpoint")].as_str().unwrap().to_owned();
        assert!(address.starts_with("http://idp:9400/"), "{address}");
    }
    assert_eq!(document["service_documentation"], "http://localhost/docs");
    assert!(document.get("revocation_endpoint").is_none());
}

#[tokio::test]
async fn scripts_of_a_browser_application_may_ask_what_they_need_and_nothing_else() {
    let site = Site::start().await;
    let ask = |target: &str| {
        method("OPTIONS", target)
            .header("origin", "http://127.0.0.1:3000")
            .header("access-control-request-method", "POST")
    };
    for target in ["/token", "/userinfo", "/revoke", "/jwks", "/.well-known/openid-configuration", "/api/contacts"] {
        let answer = site.ask(ask(target)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")), "{target}");
        assert!(answer.header("access-control-allow-credentials").is_none());
    }
    for target in ["/authorize", "/authorize/login", "/authorize/consent", "/end_session", "/introspect"] {
        let answer = site.ask(ask(target)).await;
        assert!(answer.status == 405 && answer.header("access-control-allow-origin").is_none(), "{target} {answer:?}");
    }
    let origin = ("origin", "http://127.0.0.1:3000");
    let refusal = site.ask(redemption("forged", &[]).basic("shop", SECRET).header(origin.0, origin.1)).await;
    assert_eq!((refusal.status, refusal.header("access-control-allow-origin")), (400, Some("*")));
    let page = site.ask(get(&site.authorize_target(&[])).header(origin.0, origin.1)).await;
    assert!(page.header("access-control-allow-origin").is_none());
    let plain = site.ask(redemption("forged", &[]).basic("shop", SECRET)).await;
    assert!(plain.header("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn fields_that_no_scope_names_go_with_openid_where_that_is_switched_on() {
    for on in [true, false] {
        let site = Site::start_everyday(
            |config| drop(config.people[0].fields.insert("groups".to_owned(), json!(["admin"]))),
            Everyday { all_fields: on, ..Everyday::default() },
        )
        .await;
        let tokens = site.tokens(&[]).await;
        let told = site.userinfo(&tokens.access).await.json();
        assert_eq!(told.get("groups").is_some(), on, "{told}");
    }
}

#[tokio::test]
async fn people_and_clients_can_be_replaced_while_it_runs() {
    let site = with(|everyday| {
        everyday.login_by_hint = true;
        everyday.tenants = true;
    })
    .await;
    assert_eq!(site.ask(get(&format!("/t1{}", site.authorize_target(&[])))).await.status, 200);
    let mut carol = site.bob.clone();
    carol.name = "carol".to_owned();
    let added = super::site::client("added", "client_secret_basic");
    site.provider.register(super::site::client("kept", "none"));
    site.provider.replace(&[added], &[carol]);
    for prefix in ["", "/t1"] {
        let ask = |client: &str, hint: &str| {
            get(&format!("{prefix}{}", site.authorize_target(&[("client_id", client), ("login_hint", hint)])))
        };
        assert!(site.ask(ask("added", "carol")).await.parameter("code").is_some());
        assert_eq!(site.ask(ask("added", "alice")).await.status, 200, "alice is gone");
        assert_eq!(site.ask(ask("shop", "carol")).await.status, 400, "shop is gone");
    }
    let kept = site.authorize(&[("client_id", "kept"), ("redirect_uri", CALLBACK)]).await;
    assert_eq!(kept.status, 200, "who was added otherwise stays");
}
