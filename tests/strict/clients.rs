//! Client authentication (RFC 6749, section 2.3): by the registered method and the right secret, or not at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::provider::ClientRegistration;

use super::http::{Ask, Pairs, post};
use super::site::{SECRET, Site, client, redemption, with};

fn own(changed: Pairs<'_>) -> Ask {
    post("/token", &with(&[("grant_type", "client_credentials")], changed))
}

#[tokio::test]
async fn a_wrong_secret_by_basic_is_refused() {
    let site = Site::start().await;
    let longer = format!("{SECRET}x");
    for secret in ["wrong", "", &SECRET[1..], &longer, &SECRET.to_lowercase()] {
        let answer = site.ask(own(&[]).basic("shop", secret)).await;
        answer.refused(401, "invalid_client");
        assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Basic")));
    }
    assert_eq!(site.ask(own(&[]).basic("shop", SECRET)).await.status, 200);
}

#[tokio::test]
async fn a_wrong_secret_by_post_is_refused() {
    let site = Site::start().await;
    for secret in ["wrong", "", &SECRET[1..], &SECRET.to_lowercase()] {
        let form = own(&[("client_id", "poster"), ("client_secret", secret)]);
        site.ask(form).await.refused(401, "invalid_client");
    }
    assert_eq!(site.ask(own(&[("client_id", "poster"), ("client_secret", SECRET)])).await.status, 200);
}

#[tokio::test]
async fn the_right_secret_by_another_method_than_the_registered_one_is_refused() {
    let site = Site::start().await;
    site.ask(own(&[]).basic("poster", SECRET)).await.refused(401, "invalid_client");
    site.ask(own(&[("client_id", "shop"), ("client_secret", SECRET)])).await.refused(401, "invalid_client");
    site.ask(own(&[("client_id", "shop")])).await.refused(401, "invalid_client");
}

#[tokio::test]
async fn two_methods_at_once_are_refused() {
    let site = Site::start().await;
    let both = own(&[("client_id", "shop"), ("client_secret", SECRET)]).basic("shop", SECRET);
    site.ask(both).await.refused(401, "invalid_client");
    let two = own(&[]).basic("shop", SECRET).basic("other", SECRET);
    site.ask(two).await.refused(401, "invalid_client");
    let assertion = own(&[("client_assertion", "x"), ("client_assertion_type", "x")]).basic("shop", SECRET);
    site.ask(assertion).await.refused(401, "invalid_client");
}

#[tokio::test]
async fn another_client_id_beside_the_authenticated_one_is_refused() {
    let site = Site::start().await;
    site.ask(own(&[("client_id", "other")]).basic("shop", SECRET)).await.refused(401, "invalid_client");
    assert_eq!(site.ask(own(&[("client_id", "shop")]).basic("shop", SECRET)).await.status, 200);
}

#[tokio::test]
async fn an_unknown_client_is_refused_however_it_comes() {
    let site = Site::start().await;
    site.ask(own(&[]).basic("nobody", SECRET)).await.refused(401, "invalid_client");
    site.ask(own(&[("client_id", "nobody"), ("client_secret", SECRET)])).await.refused(401, "invalid_client");
    site.ask(own(&[("client_id", "nobody")])).await.refused(401, "invalid_client");
    site.ask(own(&[])).await.refused(401, "invalid_client");
}

#[tokio::test]
async fn an_authorization_header_that_is_no_basic_authentication_is_refused() {
    let site = Site::start().await;
    let coded = |text: &str| format!("Basic {}", STANDARD.encode(text));
    for header in [
        format!("Bearer {SECRET}"),
        "Basic".to_owned(),
        "Basic !!!".to_owned(),
        coded("shop"),
        coded(""),
        coded(&format!("shop:{SECRET}")).replace("Basic", "Digest"),
        format!("Basic shop:{SECRET}"),
    ] {
        let answer = site.ask(own(&[]).header("authorization", &header)).await;
        answer.refused(401, "invalid_client");
    }
}

#[tokio::test]
async fn a_public_client_cannot_come_with_a_secret_and_a_confidential_one_not_without() {
    let site = Site::start().await;
    site.provider.register(ClientRegistration { secret: Some(SECRET.to_owned()), ..client("odd", "none") });
    let code = site.code(&[("client_id", "odd")]).await;
    for secret in [SECRET, "wrong"] {
        let form = redemption(&code, &[("client_id", "odd"), ("client_secret", secret)]);
        site.ask(form).await.refused(401, "invalid_client");
        site.ask(redemption(&code, &[]).basic("odd", secret)).await.refused(401, "invalid_client");
    }
    assert_eq!(site.ask(redemption(&code, &[("client_id", "odd")])).await.status, 200);

    site.provider.register(ClientRegistration { secret: None, ..client("bare", "client_secret_post") });
    site.ask(own(&[("client_id", "bare"), ("client_secret", "")])).await.refused(401, "invalid_client");
    site.ask(own(&[("client_id", "bare"), ("client_secret", "x")])).await.refused(401, "invalid_client");
}

#[tokio::test]
async fn a_client_with_a_method_that_is_not_supported_cannot_come_at_all() {
    let site = Site::start().await;
    for method in ["private_key_jwt", "client_secret_jwt", "tls_client_auth"] {
        site.provider.register(client("modern", method));
        let id = ("client_id", "modern");
        site.ask(own(&[]).basic("modern", SECRET)).await.refused(401, "invalid_client");
        site.ask(own(&[id, ("client_secret", SECRET)])).await.refused(401, "invalid_client");
        site.ask(own(&[id])).await.refused(401, "invalid_client");
        site.ask(own(&[id, ("client_assertion", "x.y.z")])).await.refused(401, "invalid_client");
    }
}

#[tokio::test]
async fn a_client_assertion_is_never_taken_for_a_public_clients_name() {
    let site = Site::start().await;
    let code = site.code(&[("client_id", "public")]).await;
    let assertion = [("client_id", "public"), ("client_assertion", "x.y.z"), ("client_assertion_type", "x")];
    site.ask(redemption(&code, &assertion)).await.refused(401, "invalid_client");
}
