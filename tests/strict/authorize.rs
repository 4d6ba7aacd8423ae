//! The authorization endpoint (RFC 6749, sections 3.1 and 4.1; OpenID Connect Core, section 3.1.2; RFC 7636).

use countersign::model::case::PkcePolicy;

use super::http::{get, post};
use super::site::{AFTERWARDS, CALLBACK, CHALLENGE, Site, hidden};

#[tokio::test]
async fn an_honest_request_shows_the_login_page_and_ends_with_a_code_a_state_and_an_issuer() {
    let site = Site::start().await;
    let (back, _) = site.logged_in(&[]).await;
    assert_eq!(back.status, 302);
    assert!(back.header("location").unwrap().starts_with(&format!("{CALLBACK}?")));
    assert_eq!(back.parameter("state").as_deref(), Some("s"));
    assert_eq!(back.parameter("iss").as_deref(), Some(site.provider.issuer()));
    assert!(back.parameter("code").unwrap().len() >= 32);
}

#[tokio::test]
async fn an_unknown_client_is_never_redirected() {
    let site = Site::start().await;
    for id in ["nobody", "SHOP", "shop ", ""] {
        site.authorize(&[("client_id", id)]).await.told_to_the_person();
    }
}

#[tokio::test]
async fn a_redirect_uri_that_differs_in_one_character_is_never_redirected_to() {
    let site = Site::start().await;
    for uri in [
        "http://127.0.0.1:1/callback/",
        "http://127.0.0.1:1//callback",
        "http://127.0.0.1:1/callback?next=x",
        "http://127.0.0.1:1/callback#x",
        "http://127.0.0.1:1/Callback",
        "HTTP://127.0.0.1:1/callback",
        "http://127.0.0.1:1/callback/more",
        "http://127.0.0.1:1/callbacks",
        "http://127.0.0.1:1/",
        "http://127.0.0.1:1/x/../callback",
        "http://127.0.0.1:1/%63allback",
        "http://127.0.0.1:2/callback",
        "http://localhost:1/callback",
        "https://127.0.0.1:1/callback",
        "http://user@127.0.0.1:1/callback",
        "http://127.0.0.1:1/callback\n",
        " http://127.0.0.1:1/callback",
        AFTERWARDS,
        "",
    ] {
        site.authorize(&[("redirect_uri", uri)]).await.told_to_the_person();
    }
}

#[tokio::test]
async fn a_client_id_or_redirect_uri_that_stands_there_twice_is_never_redirected() {
    let site = Site::start().await;
    for again in ["client_id=shop", "redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback"] {
        site.ask(get(&format!("{}&{again}", site.authorize_target(&[])))).await.told_to_the_person();
    }
}

#[tokio::test]
async fn a_parameter_that_stands_there_twice_is_refused() {
    let site = Site::start().await;
    for again in [
        "response_type=code",
        "response_mode=query&response_mode=query",
        "scope=openid",
        "state=s",
        "nonce=n",
        "prompt=login&prompt=login",
        "max_age=1&max_age=1",
        "code_challenge=x&code_challenge=x",
        "code_challenge_method=S256&code_challenge_method=S256",
        "login_hint=a&login_hint=a",
        "id_token_hint=a&id_token_hint=a",
        "acr_values=a&acr_values=a",
        "claims=%7B%7D&claims=%7B%7D",
    ] {
        site.ask(get(&format!("{}&{again}", site.authorize_target(&[])))).await.sent_back("invalid_request");
    }
}

#[tokio::test]
async fn an_unknown_response_type_is_sent_back() {
    let site = Site::start().await;
    for kind in ["token", "id_token", "code token", "code id_token", "id_token token", "none", "CODE", "code code", "x"]
    {
        site.authorize(&[("response_type", kind)]).await.sent_back("unsupported_response_type");
    }
    site.authorize(&[("response_type", "")]).await.sent_back("invalid_request");
}

#[tokio::test]
async fn an_unknown_response_mode_is_sent_back_and_never_answered_by_another_one() {
    let site = Site::start().await;
    for mode in ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt", "web_message", "Query", "x"] {
        site.authorize(&[("response_mode", mode)]).await.sent_back("invalid_request");
    }
}

#[tokio::test]
async fn a_request_object_is_refused_by_its_own_code_and_never_ignored() {
    let site = Site::start().await;
    site.authorize(&[("request", "eyJhbGciOiJub25lIn0.e30.")]).await.sent_back("request_not_supported");
    site.authorize(&[("request_uri", "https://127.0.0.1/x")]).await.sent_back("request_uri_not_supported");
}

#[tokio::test]
async fn pkce_by_plain_is_refused_whether_named_or_left_out() {
    let site = Site::start().await;
    let verifier = "a".repeat(43);
    for method in ["plain", "", "s256", "S512"] {
        let asked = [("code_challenge", verifier.as_str()), ("code_challenge_method", method)];
        site.authorize(&asked).await.sent_back("invalid_request");
    }
}

#[tokio::test]
async fn a_challenge_that_no_verifier_can_have_is_refused() {
    let site = Site::start().await;
    let (short, long, letters) = ("a".repeat(42), "a".repeat(44), format!("{}=", "a".repeat(42)));
    for challenge in [short.as_str(), &long, &letters, "", "+".repeat(43).as_str()] {
        let asked = [("code_challenge", challenge), ("code_challenge_method", "S256")];
        site.authorize(&asked).await.sent_back("invalid_request");
    }
}

#[tokio::test]
async fn where_pkce_is_required_a_request_without_it_is_refused() {
    let site = Site::start().await;
    site.pkce(PkcePolicy::Require);
    site.authorize(&[]).await.sent_back("invalid_request");
    let page = site.authorize(&[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]).await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn prompt_none_without_a_session_is_sent_back_and_shows_nothing() {
    let site = Site::start().await;
    site.authorize(&[("prompt", "none")]).await.sent_back("login_required");
    for together in ["none login", "login none", "none consent"] {
        site.authorize(&[("prompt", together)]).await.sent_back("invalid_request");
    }
    let forged = get(&site.authorize_target(&[("prompt", "none")])).header("cookie", "cs_session=guessed");
    site.ask(forged).await.sent_back("login_required");
}

#[tokio::test]
async fn prompt_none_gives_no_more_than_what_was_granted_before() {
    let site = Site::start().await;
    let (_, cookies) = site.logged_in(&[]).await;
    let silent =
        |scope: &str| get(&site.authorize_target(&[("prompt", "none"), ("scope", scope)])).header("cookie", &cookies);
    assert!(site.ask(silent("openid profile")).await.parameter("code").is_some());
    site.ask(silent("openid email")).await.sent_back("consent_required");
}

#[tokio::test]
async fn a_prompt_that_is_not_advertised_is_sent_back() {
    let site = Site::start().await;
    for prompt in ["create", "Login", "login x", "x"] {
        site.authorize(&[("prompt", prompt)]).await.sent_back("invalid_request");
    }
}

#[tokio::test]
async fn prompt_login_and_an_old_session_ask_for_the_password_again() {
    let site = Site::start().await;
    let (_, cookies) = site.logged_in(&[]).await;
    let again = |changed| get(&site.authorize_target(changed)).header("cookie", &cookies);
    let asks = |page: super::http::Answer| page.body.contains("data-step=\"login\"");
    assert!(!asks(site.ask(again(&[])).await), "the session is good");
    assert!(asks(site.ask(again(&[("prompt", "login")])).await));
    site.clock(100);
    assert!(!asks(site.ask(again(&[("max_age", "200")])).await));
    assert!(asks(site.ask(again(&[("max_age", "50")])).await));
    for age in ["-1", "x", "1.5", "9999999999999999999999"] {
        site.authorize(&[("max_age", age)]).await.sent_back("invalid_request");
    }
}

#[tokio::test]
async fn a_scope_that_nobody_knows_is_not_granted() {
    let site = Site::start().await;
    site.authorize(&[("scope", "root")]).await.sent_back("invalid_scope");
    site.authorize(&[("scope", "")]).await.sent_back("invalid_scope");
    let code = site.code(&[("scope", "openid root OPENID")]).await;
    assert_eq!(site.redeem(&code, &[]).await.text("scope"), "openid");
}

#[tokio::test]
async fn a_scope_that_was_not_asked_for_cannot_be_granted() {
    let site = Site::start().await;
    let (back, _) = site.log_in(&site.alice, &[], Some(&["openid", "profile", "email", "root"])).await;
    let tokens = site.redeem(&back.parameter("code").unwrap(), &[]).await;
    assert_eq!(tokens.text("scope"), "openid profile");
}

#[tokio::test]
async fn a_refusal_gives_no_code() {
    let site = Site::start().await;
    let page = site.authorize(&[]).await;
    let transaction = hidden(&page.body, "transaction");
    let mut cookies = page.cookies();
    let entries =
        [("transaction", transaction.as_str()), ("username", &site.alice.login), ("password", &site.alice.password)];
    let page = site.ask(post("/authorize/login", &entries).header("cookie", &cookies.join("; "))).await;
    cookies.extend(page.cookies());
    for decision in ["deny", "maybe", ""] {
        let page = site.ask(get(&site.authorize_target(&[])).header("cookie", &cookies.join("; "))).await;
        let transaction = hidden(&page.body, "transaction");
        let answer = [("transaction", transaction.as_str()), ("scope", "openid"), ("decision", decision)];
        let back = site.ask(post("/authorize/consent", &answer).header("cookie", &cookies.join("; "))).await;
        back.sent_back("access_denied");
    }
}

#[tokio::test]
async fn a_wrong_password_opens_no_session() {
    let site = Site::start().await;
    let page = site.authorize(&[]).await;
    let transaction = hidden(&page.body, "transaction");
    for (login, password) in [
        (site.alice.login.as_str(), "wrong"),
        (&site.alice.login, ""),
        (&site.alice.login, &site.bob.password),
        ("", ""),
        ("nobody", &site.alice.password),
    ] {
        let entries = [("transaction", transaction.as_str()), ("username", login), ("password", password)];
        let answer = site.ask(post("/authorize/login", &entries).header("cookie", &page.cookies().join("; "))).await;
        assert_eq!((answer.status, answer.cookies().len()), (401, 0), "{answer:?}");
    }
}

#[tokio::test]
async fn the_pages_of_a_login_are_of_no_use_in_another_browser() {
    let site = Site::start().await;
    let page = site.authorize(&[]).await;
    let transaction = hidden(&page.body, "transaction");
    let entries =
        [("transaction", transaction.as_str()), ("username", &site.bob.login), ("password", &site.bob.password)];
    let other = site.authorize(&[]).await.cookies().join("; ");
    for cookies in ["", "cs_browser=guessed", &other] {
        site.ask(post("/authorize/login", &entries).header("cookie", cookies)).await.told_to_the_person();
        let consent = [("transaction", transaction.as_str()), ("decision", "allow"), ("scope", "openid")];
        site.ask(post("/authorize/consent", &consent).header("cookie", cookies)).await.told_to_the_person();
    }
}

#[tokio::test]
async fn consent_without_a_login_gives_nothing_and_is_good_once() {
    let site = Site::start().await;
    let page = site.authorize(&[]).await;
    let transaction = hidden(&page.body, "transaction");
    let consent = [("transaction", transaction.as_str()), ("decision", "allow"), ("scope", "openid")];
    let early = post("/authorize/consent", &consent).header("cookie", &page.cookies().join("; "));
    site.ask(early).await.told_to_the_person();

    let (_, cookies) = site.logged_in(&[]).await;
    let page = site.ask(get(&site.authorize_target(&[])).header("cookie", &cookies)).await;
    let transaction = hidden(&page.body, "transaction");
    let consent = [("transaction", transaction.as_str()), ("decision", "allow"), ("scope", "openid")];
    let once = post("/authorize/consent", &consent).header("cookie", &cookies);
    assert!(site.ask(once.clone()).await.parameter("code").is_some());
    site.ask(once).await.told_to_the_person();
}

#[tokio::test]
async fn what_a_stranger_writes_into_a_request_is_only_text_on_the_page() {
    let site = Site::start().await;
    let page = site.authorize(&[("login_hint", "\"><script>alert(1)</script>"), ("state", "<b>")]).await;
    assert!(!page.body.contains("<script") && !page.body.contains("<b>"), "{}", page.body);
    assert!(page.body.contains("&lt;script"), "{}", page.body);
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
}
