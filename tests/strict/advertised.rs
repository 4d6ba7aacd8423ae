//! What discovery advertises is done, and what it does not advertise is refused (OpenID Connect Discovery 1.0,
//! section 3; RFC 8414, section 2; RFC 9207).

use serde_json::Value as Json;

use super::http::{get, post};
use super::site::{CHALLENGE, SECRET, Site, Tokens, VERIFIER, client, hidden, part, redemption};

async fn metadata(site: &Site) -> Json {
    site.ask(get("/.well-known/openid-configuration")).await.json()
}

fn list(metadata: &Json, member: &str) -> Vec<String> {
    let all = metadata[member].as_array().unwrap_or_else(|| panic!("no {member}"));
    all.iter().map(|one| one.as_str().expect("a text").to_owned()).collect()
}

/// Every member that says what the provider can do, and the test that holds it to its word.
#[tokio::test]
async fn every_member_of_the_metadata_is_held_to_its_word_by_a_test_here() {
    let site = Site::start_with(|config| config.registration = true).await;
    let held = [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "revocation_endpoint",
        "registration_endpoint",
        "end_session_endpoint",
        "introspection_endpoint",
        "introspection_endpoint_auth_methods_supported",
        "response_types_supported",
        "response_modes_supported",
        "grant_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "token_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_methods_supported",
        "code_challenge_methods_supported",
        "scopes_supported",
        "claims_supported",
        "prompt_values_supported",
        "authorization_response_iss_parameter_supported",
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
        "frontchannel_logout_supported",
        "frontchannel_logout_session_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "claims_parameter_supported",
    ];
    for member in metadata(&site).await.as_object().unwrap().keys() {
        assert!(held.contains(&member.as_str()), "{member} is advertised, and no test here holds it");
    }
}

#[tokio::test]
async fn every_advertised_endpoint_is_there_under_the_issuer() {
    let site = Site::start_with(|config| config.registration = true).await;
    let metadata = metadata(&site).await;
    assert_eq!(metadata["issuer"], site.provider.issuer());
    for (member, url) in metadata.as_object().unwrap() {
        if !member.ends_with("_endpoint") && member != "jwks_uri" {
            continue;
        }
        let path = url.as_str().unwrap().strip_prefix(site.provider.issuer()).expect("below the issuer");
        assert_ne!(site.ask(get(path)).await.status, 404, "{member}");
    }
}

#[tokio::test]
async fn every_advertised_grant_gives_tokens() {
    let site = Site::start().await;
    for grant in list(&metadata(&site).await, "grant_types_supported") {
        let answer = match grant.as_str() {
            "authorization_code" => site.redeem(&site.code(&[]).await, &[]).await,
            "refresh_token" => site.refreshed(&site.tokens(&[]).await.refresh, &[]).await,
            "client_credentials" => {
                site.ask(post("/token", &[("grant_type", "client_credentials")]).basic("shop", SECRET)).await
            }
            other => panic!("{other} is advertised and not tested"),
        };
        assert_eq!(answer.status, 200, "{grant}: {answer:?}");
    }
}

#[tokio::test]
async fn every_advertised_response_type_and_mode_is_answered_so() {
    let site = Site::start().await;
    let metadata = metadata(&site).await;
    assert_eq!(list(&metadata, "response_types_supported"), ["code"]);
    for mode in list(&metadata, "response_modes_supported") {
        let (back, _) = site.logged_in(&[("response_mode", &mode)]).await;
        match mode.as_str() {
            "query" => assert!(back.parameter("code").is_some(), "{back:?}"),
            "fragment" => assert!(back.header("location").unwrap().contains("#code="), "{back:?}"),
            "form_post" => assert_eq!(hidden(&back.body, "code").len(), 32, "{back:?}"),
            other => panic!("{other} is advertised and not tested"),
        }
    }
}

#[tokio::test]
async fn every_advertised_client_authentication_is_accepted_at_token_and_revocation() {
    let site = Site::start().await;
    let metadata = metadata(&site).await;
    let by = |ask: super::http::Ask, method: &str, id: &str| match method {
        "client_secret_basic" => ask.basic(id, SECRET),
        "client_secret_post" | "none" => ask,
        other => panic!("{other} is advertised and not tested"),
    };
    let in_form = |method: &str, id: &'static str| match method {
        "client_secret_post" => vec![("client_id", id), ("client_secret", SECRET)],
        "none" => vec![("client_id", id)],
        _ => Vec::new(),
    };
    for method in list(&metadata, "token_endpoint_auth_methods_supported") {
        site.provider.register(client("one", &method));
        let code = site.code(&[("client_id", "one")]).await;
        let answer = site.ask(by(redemption(&code, &in_form(&method, "one")), &method, "one")).await;
        let tokens = Tokens::of(&answer);
        assert!(list(&metadata, "revocation_endpoint_auth_methods_supported").contains(&method));
        let mut form = in_form(&method, "one");
        form.push(("token", &tokens.access));
        assert_eq!(site.ask(by(post("/revoke", &form), &method, "one")).await.status, 200, "{method}");
        assert_eq!(site.userinfo(&tokens.access).await.status, 401, "{method}");
        let told = site.ask(by(post("/introspect", &form), &method, "one")).await;
        let advertised = list(&metadata, "introspection_endpoint_auth_methods_supported").contains(&method);
        assert_eq!(told.status, if advertised { 200 } else { 401 }, "{method}: {told:?}");
    }
}

#[tokio::test]
async fn the_metadata_of_the_authorization_server_is_the_same_document() {
    let site = Site::start().await;
    let answer = site.ask(get("/.well-known/oauth-authorization-server")).await;
    assert_eq!((answer.status, answer.json()), (200, metadata(&site).await));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn every_advertised_challenge_method_is_checked() {
    let site = Site::start().await;
    assert_eq!(list(&metadata(&site).await, "code_challenge_methods_supported"), ["S256"]);
    let code = site.code(&[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]).await;
    site.redeem(&code, &[]).await.refused(400, "invalid_grant");
    assert_eq!(site.redeem(&code, &[("code_verifier", VERIFIER)]).await.status, 200);
}

#[tokio::test]
async fn every_advertised_scope_is_granted_when_it_is_asked_for() {
    let site = Site::start().await;
    for scope in list(&metadata(&site).await, "scopes_supported") {
        let code = site.code(&[("scope", &scope)]).await;
        assert_eq!(site.redeem(&code, &[]).await.text("scope"), scope);
    }
}

#[tokio::test]
async fn every_advertised_claim_is_told() {
    let site = Site::start().await;
    let metadata = metadata(&site).await;
    let scopes = list(&metadata, "scopes_supported").join(" ");
    let code = site.code(&[("scope", &scopes)]).await;
    let tokens = Tokens::of(&site.redeem(&code, &[]).await);
    let (claims, userinfo) = (part(&tokens.id, 1), site.userinfo(&tokens.access).await.json());
    for claim in list(&metadata, "claims_supported") {
        assert!(claims.get(&claim).is_some() || userinfo.get(&claim).is_some(), "{claim}");
    }
}

#[tokio::test]
async fn every_advertised_prompt_does_what_it_says() {
    let site = Site::start().await;
    site.options(|options| options.consent_remembered = Some(true));
    let (_, cookies) = site.logged_in(&[]).await;
    let ask = |prompt: &str| get(&site.authorize_target(&[("prompt", prompt)])).header("cookie", &cookies);
    for prompt in list(&metadata(&site).await, "prompt_values_supported") {
        let answer = site.ask(ask(&prompt)).await;
        let shown = match prompt.as_str() {
            "none" => answer.parameter("code").is_some(),
            "login" | "select_account" => answer.body.contains("data-step=\"login\""),
            "consent" => answer.body.contains("data-step=\"consent\""),
            other => panic!("{other} is advertised and not tested"),
        };
        assert!(shown, "{prompt}: {answer:?}");
    }
    assert!(site.ask(get(&site.authorize_target(&[])).header("cookie", &cookies)).await.parameter("code").is_some());
}

#[tokio::test]
async fn the_issuer_stands_in_good_answers_and_in_errors() {
    let site = Site::start().await;
    assert_eq!(metadata(&site).await["authorization_response_iss_parameter_supported"], true);
    let (back, _) = site.logged_in(&[]).await;
    let error = site.authorize(&[("prompt", "none")]).await;
    for answer in [back, error] {
        assert_eq!(answer.parameter("iss").as_deref(), Some(site.provider.issuer()));
    }
}

#[tokio::test]
async fn public_subjects_are_the_same_for_every_client() {
    let site = Site::start().await;
    assert_eq!(list(&metadata(&site).await, "subject_types_supported"), ["public"]);
    let first = part(&site.tokens(&[]).await.id, 1)["sub"].clone();
    let code = site.code(&[("client_id", "other")]).await;
    let second = site.ask(redemption(&code, &[]).basic("other", SECRET)).await;
    assert_eq!(part(&second.text("id_token"), 1)["sub"], first);
}

#[tokio::test]
async fn what_is_declared_as_not_supported_is_refused_or_has_no_effect() {
    let site = Site::start().await;
    let metadata = metadata(&site).await;
    assert_eq!(metadata["request_parameter_supported"], false);
    site.authorize(&[("request", "x")]).await.sent_back("request_not_supported");
    assert_eq!(metadata["request_uri_parameter_supported"], false);
    site.authorize(&[("request_uri", "x")]).await.sent_back("request_uri_not_supported");
    assert_eq!(metadata["claims_parameter_supported"], false);
    let code = site.code(&[("scope", "openid"), ("claims", r#"{"id_token":{"email":{"essential":true}}}"#)]).await;
    assert!(part(&site.redeem(&code, &[]).await.text("id_token"), 1).get("email").is_none());
}

#[tokio::test]
async fn the_end_of_a_session_is_told_to_the_client_that_registered_for_it() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let site = Site::start().await;
    let metadata = metadata(&site).await;
    assert_eq!(metadata["backchannel_logout_supported"], true);
    assert_eq!(metadata["backchannel_logout_session_supported"], true);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let to = format!("http://{}/backchannel", listener.local_addr().unwrap());
    site.provider.register(countersign::provider::ClientRegistration {
        backchannel_logout_uri: Some(to),
        ..client("shop", "client_secret_basic")
    });
    let (back, cookies) = site.logged_in(&[]).await;
    let tokens = Tokens::of(&site.redeem(&back.parameter("code").unwrap(), &[]).await);
    let end = get(&format!("/end_session?id_token_hint={}", tokens.id)).header("cookie", &cookies);
    assert_eq!(site.ask(end).await.status, 200);
    let hearing = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = String::new();
        let mut chunk = [0u8; 4096];
        while !heard.contains("logout_token=") || !heard.trim_end().ends_with(|c: char| c != '\n') {
            let got = stream.read(&mut chunk).await.unwrap();
            assert!(got > 0, "{heard}");
            heard.push_str(&String::from_utf8_lossy(&chunk[..got]));
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        heard
    };
    let heard = tokio::time::timeout(std::time::Duration::from_secs(20), hearing).await.expect("it is told in time");
    let (_, token) = heard.split_once("logout_token=").unwrap();
    let (told, own) = (part(token, 1), part(&tokens.id, 1));
    assert_eq!((&told["sid"], &told["sub"], &told["aud"]), (&own["sid"], &own["sub"], &"shop".into()));
}
