//! `acme`: a plain OAuth 2 provider in data alone. What one more line of its file says is served.

use std::sync::Arc;

use countersign::model::dialect::Dialect;
use countersign::model::persona::Person;
use countersign::provider::Everyday;

use super::http::{encoded, get, post};
use super::site::{CALLBACK, SECRET, Site};

const ACME: &str = include_str!("../../specs/dialects/acme/dialect.toml");

async fn alices_profile(dialect: &str, scope: &str) -> serde_json::Value {
    let people = include_str!("../../specs/dialects/acme/personas.toml");
    let dialect = Dialect::from_files(dialect, people).unwrap_or_else(|error| panic!("{error}"));
    let alice = Person::mint(&dialect.personas[0], "alice", 1, "acme", None, None);
    let everyday = Everyday { auto_login: Some("alice".to_owned()), ..Everyday::default() };
    let site = Site::start_everyday(
        |config| {
            config.dialect = Arc::new(dialect);
            config.people = vec![alice];
        },
        everyday,
    )
    .await;
    let asked = [("response_type", "code"), ("client_id", "shop"), ("redirect_uri", CALLBACK), ("scope", scope)];
    let back = site.ask(get(&format!("/connect/authorize?{}", encoded(&asked)))).await;
    let code = back.parameter("code").unwrap_or_else(|| panic!("no code: {back:?}"));
    let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    let token = site.ask(post("/connect/token", &form).basic("shop", SECRET)).await.text("access_token");
    site.ask(get("/api/v3/user").bearer(&token)).await.json()
}

#[tokio::test]
async fn a_further_field_of_acme_is_one_line_in_one_file() {
    let before = alices_profile(ACME, "basic,mail").await;
    assert_eq!(before["display_name"], "Alice Archer");
    assert!(before.get("picture").is_none(), "{before}");
    let line = "scopes.face = { says = \"see your picture\", fields = [\"picture\"] }\n";
    let after = alices_profile(&format!("{ACME}{line}"), "basic,face").await;
    assert!(after["picture"].is_string(), "{after}");
}
