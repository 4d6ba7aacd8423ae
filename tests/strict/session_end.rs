//! The end of a session is told in the browser (OpenID Connect Front-Channel Logout 1.0).

use super::http::{get, post};
use super::site::{Site, Tokens, client, part};

const FRAME: &str = "http://127.0.0.1:3000/out?keep=1";

/// A site whose client wants to be told by a frame, with somebody signed in: her ID token, and her cookies.
async fn signed_in() -> (Site, String, String) {
    let site = Site::start().await;
    site.provider.register(countersign::provider::ClientRegistration {
        frontchannel_logout_uri: Some(FRAME.to_owned()),
        ..client("shop", "client_secret_basic")
    });
    let (back, cookies) = site.logged_in(&[]).await;
    let tokens = Tokens::of(&site.redeem(&back.parameter("code").unwrap(), &[]).await);
    (site, tokens.id, cookies)
}

#[tokio::test]
async fn whoever_signs_out_here_is_signed_out_where_she_was_by_a_frame_that_names_her_session() {
    let (site, id_token, cookies) = signed_in().await;
    // A link that some site made asks her first, and tells nobody.
    let asked = site.ask(get("/end_session").header("cookie", &cookies)).await;
    assert!(asked.body.contains("data-step=\"logout\"") && !asked.body.contains("<iframe"), "{}", asked.body);
    let done = site.ask(post("/end_session", &[("decision", "logout")]).header("cookie", &cookies)).await;
    let sid = part(&id_token, 1)["sid"].as_str().unwrap().to_owned();
    let issuer: String = url::form_urlencoded::byte_serialize(site.provider.issuer().as_bytes()).collect();
    let frame = format!("src=\"{FRAME}&amp;iss={issuer}&amp;sid={sid}\"");
    assert!(done.status == 200 && done.body.contains(&frame), "{frame}\n{}", done.body);
    let policy = done.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("frame-src http://127.0.0.1:3000"), "{policy}");
    // Once is enough.
    let again = site.ask(get("/end_session").header("cookie", &cookies)).await;
    assert!(again.status == 200 && !again.body.contains("<iframe"), "{}", again.body);
}

#[tokio::test]
async fn the_application_that_has_signed_her_out_itself_is_not_told() {
    let (site, id_token, cookies) = signed_in().await;
    let done = site.ask(get(&format!("/end_session?id_token_hint={id_token}")).header("cookie", &cookies)).await;
    assert!(done.status == 200 && !done.body.contains("<iframe"), "{}", done.body);
}
