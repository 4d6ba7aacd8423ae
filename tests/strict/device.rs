//! The device grant (RFC 8628), by a person and by a script.

use countersign::provider::{Control, Everyday};
use serde_json::json;

use super::http::{Answer, get, method, post};
use super::site::{SECRET, Site, Tokens};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn site() -> Site {
    let everyday = Everyday {
        one_click: true,
        device: true,
        tenants: true,
        control: Some(Control::default()),
        ..Everyday::default()
    };
    Site::start_everyday(|_| {}, everyday).await
}

async fn begin(site: &Site) -> Answer {
    site.ask(post("/device_authorization", &[("scope", "openid email")]).basic("shop", SECRET)).await
}

async fn poll(site: &Site, code: &str, client: &str) -> Answer {
    site.ask(post("/token", &[("grant_type", GRANT), ("device_code", code)]).basic(client, SECRET)).await
}

async fn answered(site: &Site, begun: &Answer, decision: &str, scopes: &[&str]) -> Answer {
    let code = begun.text("user_code").to_lowercase().replace('-', " ");
    let mut form = vec![("user_code", code.as_str()), ("persona", "bob"), ("decision", decision)];
    form.extend(scopes.iter().map(|scope| ("scope", *scope)));
    site.ask(post("/device", &form)).await
}

#[tokio::test]
async fn a_person_enters_the_code_and_the_device_gets_what_was_granted_once() {
    let site = site().await;
    let document = site.ask(get("/.well-known/openid-configuration")).await.json();
    assert!(document["grant_types_supported"].to_string().contains(GRANT));
    assert_eq!(document["device_authorization_endpoint"], format!("{}/device_authorization", site.provider.issuer()));
    let begun = begin(&site).await;
    let code = begun.text("device_code");
    assert_eq!(poll(&site, &code, "shop").await.text("error"), "authorization_pending");
    assert_eq!(poll(&site, &code, "shop").await.text("error"), "slow_down", "faster than the interval");
    let page = site.ask(get(&format!("/device?user_code={}", begun.text("user_code")))).await;
    assert!(page.status == 200 && page.body.contains("value=\"bob\"") && page.body.contains("shop"), "{page:?}");
    assert_eq!(answered(&site, &begun, "allow", &[]).await.status, 200);
    site.clock(60);
    let tokens = Tokens::of(&poll(&site, &code, "shop").await);
    let told = site.userinfo(&tokens.access).await.json();
    assert_eq!((told["sub"].as_str(), told.get("email")), (Some(site.bob.sub.as_str()), None), "email was unticked");
    site.clock(120);
    assert_eq!(poll(&site, &code, "shop").await.text("error"), "invalid_grant");
    assert_eq!(answered(&site, &begun, "allow", &[]).await.status, 404, "it waits no more");
}

#[tokio::test]
async fn nothing_that_is_forged_or_late_is_accepted() {
    let site = site().await;
    let begun = begin(&site).await;
    let code = begun.text("device_code");
    for (device_code, client) in [("forged", "shop"), (code.as_str(), "other"), (&begun.text("user_code"), "shop")] {
        assert_eq!(poll(&site, device_code, client).await.text("error"), "invalid_grant", "{device_code} {client}");
    }
    let unknown =
        site.ask(post("/device", &[("user_code", "AAAA-AAAA"), ("persona", "bob"), ("decision", "allow")])).await;
    assert_eq!(unknown.status, 404);
    let nobody = [("user_code", &*begun.text("user_code")), ("persona", "zoe"), ("decision", "allow")];
    assert_eq!(site.ask(post("/device", &nobody)).await.status, 400);
    let by_get = format!("/device?user_code={}&persona=bob&decision=allow", begun.text("user_code"));
    site.ask(get(&by_get)).await;
    assert_eq!(poll(&site, &code, "shop").await.text("error"), "authorization_pending", "a link decides nothing");
    answered(&site, &begun, "deny", &[]).await;
    site.clock(60);
    assert_eq!(poll(&site, &code, "shop").await.text("error"), "access_denied");
    let late = begin(&site).await.text("device_code");
    site.clock(3600);
    assert_eq!(poll(&site, &late, "shop").await.text("error"), "expired_token");
    let wrong = site.ask(post("/device_authorization", &[("scope", "openid")]).basic("shop", "wrong")).await;
    assert_eq!((wrong.status, wrong.text("error")), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn the_polls_of_the_next_device_of_a_client_follow_a_script() {
    let site = site().await;
    let script = json!({ "client": "shop", "polls": ["pending", "slow_down", "allow"], "persona": "alice" });
    let arm = method("POST", "/_countersign/devices").body("application/json", script.to_string());
    assert_eq!(site.ask(arm).await.status, 204);
    let (scripted, other) = (begin(&site).await.text("device_code"), begin(&site).await.text("device_code"));
    assert_eq!(poll(&site, &other, "shop").await.text("error"), "authorization_pending");
    assert_eq!(poll(&site, &scripted, "shop").await.text("error"), "authorization_pending");
    assert_eq!(poll(&site, &scripted, "shop").await.text("error"), "slow_down");
    let tokens = Tokens::of(&poll(&site, &scripted, "shop").await);
    assert_eq!(site.userinfo(&tokens.access).await.text("sub"), site.alice.sub);
    assert_eq!(poll(&site, &scripted, "shop").await.text("error"), "invalid_grant");
    for wrong in [
        json!({ "client": "nobody", "polls": ["pending"] }),
        json!({ "client": "shop", "polls": [] }),
        json!({ "client": "shop", "polls": ["allow"] }),
        json!({ "client": "shop", "polls": ["allow"], "persona": "zoe" }),
        json!({ "client": "shop", "polls": ["maybe"] }),
    ] {
        let arm = method("POST", "/_countersign/devices").body("application/json", wrong.to_string());
        let answer = site.ask(arm).await;
        assert!((400..500).contains(&answer.status) && answer.text("help").len() > 3, "{wrong}: {answer:?}");
    }
}

#[tokio::test]
async fn where_it_was_not_asked_for_there_is_no_device_grant() {
    let site = Site::start().await;
    assert_eq!(begin(&site).await.status, 404);
    assert_eq!(site.ask(get("/device")).await.status, 404);
    assert_eq!(poll(&site, "x", "shop").await.text("error"), "unsupported_grant_type");
    assert!(!site.ask(get("/.well-known/openid-configuration")).await.body.contains("device"));
}
