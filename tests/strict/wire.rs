//! What is no honest HTTP request: wrong methods, wrong content types, too much of anything.

use super::http::{encoded, get, method, post, raw};
use super::site::{CALLBACK, SECRET, Site, redemption};

#[tokio::test]
async fn each_endpoint_answers_to_its_own_methods_only() {
    let site = Site::start().await;
    let no_method = |allowed: &'static [&'static str]| {
        ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"]
            .into_iter()
            .filter(move |name| !allowed.contains(name))
    };
    for (target, allowed) in [
        ("/.well-known/openid-configuration", &["GET"][..]),
        ("/jwks", &["GET"][..]),
        ("/authorize", &["GET", "POST"][..]),
        ("/authorize/login", &["POST"][..]),
        ("/authorize/consent", &["POST"][..]),
        ("/token", &["POST"][..]),
        ("/userinfo", &["GET", "POST"][..]),
        ("/revoke", &["POST"][..]),
        ("/introspect", &["POST"][..]),
        ("/.well-known/oauth-authorization-server", &["GET"][..]),
        ("/end_session", &["GET", "POST"][..]),
        ("/api/profile", &["GET"][..]),
    ] {
        for wrong in no_method(allowed) {
            let answer = site.ask(method(wrong, target)).await;
            assert_eq!(answer.status, 405, "{wrong} {target}: {answer:?}");
            assert_eq!(answer.header("allow"), Some(allowed.join(", ").as_str()), "{wrong} {target}");
        }
    }
}

#[tokio::test]
async fn an_authorization_request_may_be_posted_and_then_its_query_counts_for_nothing() {
    let site = Site::start().await;
    let target = site.authorize_target(&[]);
    let (path, query) = target.split_once('?').unwrap();
    let form = "application/x-www-form-urlencoded";
    let posted = site.ask(method("POST", path).body(form, query)).await;
    assert!(posted.status == 200 && posted.body.contains("data-step=\"login\""), "{posted:?}");
    site.ask(post(&target, &[])).await.told_to_the_person();
    site.ask(method("POST", path).body("text/plain", query)).await.told_to_the_person();
}

#[tokio::test]
async fn a_token_request_is_a_form_and_nothing_that_looks_like_one() {
    let site = Site::start().await;
    let code = site.code(&[]).await;
    let form = encoded(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)]);
    let json = format!(r#"{{"grant_type":"authorization_code","code":"{code}","redirect_uri":"{CALLBACK}"}}"#);
    let parts = format!("--b\r\ncontent-disposition: form-data; name=\"code\"\r\n\r\n{code}\r\n--b--\r\n");
    for (kind, body) in [
        ("application/json", json.as_str()),
        ("application/json", &form),
        ("text/plain", &form),
        ("multipart/form-data; boundary=b", &parts),
        ("application/x-www-form-urlencodedx", &form),
    ] {
        let ask = method("POST", "/token").body(kind, body).basic("shop", SECRET);
        site.ask(ask).await.refused(400, "invalid_request");
    }
    let bare = format!(
        "POST /token HTTP/1.1\r\nhost: h\r\nconnection: close\r\nauthorization: {}\r\ncontent-length: {}\r\n\r\n{form}",
        "Basic c2hvcDprN1FtMnhWOWJUNHdaOG5SMWNZNnBMM3NENWZIMGpHYQ==",
        form.len()
    );
    raw(site.provider.address(), bare.as_bytes()).await.refused(400, "invalid_request");
    let honest = method("POST", "/token").body("Application/X-WWW-Form-UrlEncoded; charset=UTF-8", form.as_str());
    assert_eq!(site.ask(honest.basic("shop", SECRET)).await.status, 200);
}

#[tokio::test]
async fn a_token_request_with_a_parameter_twice_gives_nothing() {
    let site = Site::start().await;
    let code = site.code(&[]).await;
    for again in
        [("grant_type", "authorization_code"), ("code", code.as_str()), ("code", "x"), ("redirect_uri", CALLBACK)]
    {
        let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK), again];
        site.ask(post("/token", &form).basic("shop", SECRET)).await.refused(400, "invalid_request");
    }
    for name in ["client_id", "client_secret", "code_verifier", "scope", "refresh_token", "client_assertion_type"] {
        let form = [("grant_type", "client_credentials"), (name, "x"), (name, "x")];
        site.ask(post("/token", &form).basic("shop", SECRET)).await.refused(400, "invalid_request");
    }
    assert_eq!(site.redeem(&code, &[]).await.status, 200, "the code was not used up");
}

#[tokio::test]
async fn a_huge_body_is_refused_and_the_provider_lives() {
    let site = Site::start().await;
    let code = site.code(&[]).await;
    let huge = "a".repeat(1 << 20);
    let answer = site.ask(redemption(&code, &[("more", &huge)]).basic("shop", SECRET)).await;
    // It may close before it has read all of it; then there is no status.
    assert!(matches!(answer.status, 413 | 0), "{}", answer.status);
    let promised = "POST /token HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\
                    content-type: application/x-www-form-urlencoded\r\ncontent-length: 99999999999\r\n\r\n";
    assert!(matches!(raw(site.provider.address(), promised.as_bytes()).await.status, 413 | 400));
    assert_eq!(site.redeem(&code, &[]).await.status, 200);
}

#[tokio::test]
async fn huge_or_many_headers_and_long_targets_are_refused_and_the_provider_lives() {
    let site = Site::start().await;
    let long = "a".repeat(1 << 20);
    let answer = site.ask(get("/userinfo").bearer(&long)).await;
    assert!(matches!(answer.status, 431 | 400 | 0), "{}", answer.status);
    let many = (0..200).fold(get("/userinfo"), |ask, number| ask.header(&format!("x-{number}"), "y"));
    assert!(matches!(site.ask(many).await.status, 431 | 400));
    let answer = site.authorize(&[("state", &long)]).await;
    assert!(matches!(answer.status, 414 | 431 | 400 | 0), "{}", answer.status);
    assert_eq!(site.ask(get("/jwks")).await.status, 200);
}

#[tokio::test]
async fn what_is_no_http_gets_no_answer_worth_having() {
    let site = Site::start().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        &b"GET /jwks\r\n\r\n"[..],
        &b"GET /jwks HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx"[..],
        &b"POST /token HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\nbad header\r\n\r\n"[..],
    ] {
        let answer = raw(site.provider.address(), bytes).await;
        assert!(matches!(answer.status, 0 | 400), "{answer:?}");
    }
    assert_eq!(site.ask(get("/jwks")).await.status, 200);
}

#[tokio::test]
async fn an_address_that_is_no_endpoint_is_nothing() {
    let site = Site::start().await;
    for target in
        ["/", "/token/", "/TOKEN", "//token", "/authorize/other", "/api", "/api/", "/.well-known/", "/../token"]
    {
        let answer = site.ask(get(target)).await;
        assert!(matches!(answer.status, 404 | 401), "{target}: {answer:?}");
        assert!(!answer.body.contains("access_token"));
    }
}
