//! `facebook-login` as a client meets it: the dialog, tokens, the Graph API, permissions, and what is refused.

use std::sync::Arc;

use countersign::model::dialect::Dialect;
use countersign::model::persona::Person;
use countersign::model::value::Value;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value as Json, json};
use sha2::Sha256;

use super::http::{Answer, Ask, encoded, get, method, post};
use super::site::{CALLBACK, SECRET, Site, client, hidden};

const APP: &str = "1234567890123";
const DIALOG: &str = "/www/dialog/oauth";

struct Facebook {
    site: Site,
    alice: Person,
}

impl Facebook {
    async fn start() -> Facebook {
        let dialect = Dialect::from_files(
            include_str!("../../specs/dialects/facebook-login/dialect.toml"),
            include_str!("../../specs/dialects/facebook-login/personas.toml"),
        )
        .expect("the shipped dialect");
        let person =
            |at: usize| Person::mint(&dialect.personas[at], &dialect.personas[at].name, 1, "facebook", None, None);
        let people = vec![person(0), person(1), person(2)];
        let alice = people[0].clone();
        let site = Site::start_with(|config| {
            config.dialect = Arc::new(dialect);
            config.clients = vec![client(APP, "client_secret_post"), client("9876543210", "client_secret_post")];
            config.people = people;
        })
        .await;
        Facebook { site, alice }
    }

    fn dialog(more: &[(&str, &str)]) -> String {
        let mut all = vec![("client_id", APP), ("redirect_uri", CALLBACK), ("state", "st"), ("scope", "email")];
        all.retain(|(name, _)| !more.iter().any(|(own, _)| own == name));
        all.extend_from_slice(more);
        format!("{DIALOG}?{}", encoded(&all))
    }

    /// A person goes through the dialog in a browser with these cookies, and ticks these permissions.
    async fn go(&self, cookies: &mut Vec<String>, more: &[(&str, &str)], ticks: &[&str]) -> Answer {
        let jar = |cookies: &Vec<String>| cookies.join("; ");
        let mut page = self.site.ask(get(&Self::dialog(more)).header("cookie", &jar(cookies))).await;
        cookies.extend(page.cookies());
        if page.body.contains("data-step=\"login\"") {
            let transaction = hidden(&page.body, "transaction");
            let form = [
                ("transaction", transaction.as_str()),
                ("username", &self.alice.login),
                ("password", &self.alice.password),
            ];
            let to = format!("{DIALOG}/login");
            page = self.site.ask(post(&to, &form).header("cookie", &jar(cookies))).await;
            cookies.extend(page.cookies());
        }
        if !page.body.contains("data-step=\"consent\"") {
            return page;
        }
        let transaction = hidden(&page.body, "transaction");
        let decision = if ticks == ["cancel"] { "deny" } else { "allow" };
        let mut form = vec![("transaction", transaction.as_str()), ("decision", decision)];
        form.extend(ticks.iter().map(|scope| ("scope", *scope)));
        self.site.ask(post(&format!("{DIALOG}/consent"), &form).header("cookie", &jar(cookies))).await
    }

    async fn code(&self, scope: &str, ticks: &[&str]) -> String {
        let answer = self.go(&mut Vec::new(), &[("scope", scope)], ticks).await;
        answer.parameter("code").unwrap_or_else(|| panic!("no code: {answer:?}"))
    }

    fn exchange(code: &str) -> Vec<(&str, &str)> {
        vec![("client_id", APP), ("client_secret", SECRET), ("redirect_uri", CALLBACK), ("code", code)]
    }

    async fn token(&self, scope: &str, ticks: &[&str]) -> String {
        let code = self.code(scope, ticks).await;
        self.site.ask(post("/graph/v19.0/oauth/access_token", &Self::exchange(&code))).await.text("access_token")
    }

    async fn graph(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        self.site.ask(get(&format!("/graph/v19.0/{path}?{}", encoded(parameters)))).await
    }

    fn options(&self, name: &str, value: Json) {
        self.site.options(|options| options.dialect = vec![(name.to_owned(), Value::Literal(value))]);
    }
}

#[track_caller]
fn is_error(answer: &Answer, status: u16, code: i64, subcode: Option<i64>) {
    let error = &answer.json()["error"];
    assert_eq!(
        (answer.status, error["code"].as_i64(), error["error_subcode"].as_i64()),
        (status, Some(code), subcode),
        "{answer:?}"
    );
    assert!(error["message"].is_string() && error["fbtrace_id"].is_string(), "{answer:?}");
    assert!(answer.header("www-authenticate").is_some_and(|text| text.starts_with("OAuth \"Facebook Platform\"")));
}

fn proof(token: &str, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(token.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_login_gives_a_code_a_token_without_refresh_and_the_fields_that_were_granted() {
    let facebook = Facebook::start().await;
    let answer = facebook.go(&mut Vec::new(), &[], &["email"]).await;
    assert!(answer.header("location").unwrap().ends_with("#_=_"), "{answer:?}");
    assert_eq!(answer.parameter("state").as_deref(), Some("st"));
    let code = answer.parameter("code").unwrap();
    let answer = facebook.site.ask(post("/graph/v19.0/oauth/access_token", &Facebook::exchange(&code))).await;
    let body = answer.json();
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_i64()), (Some("bearer"), Some(5_184_000)));
    assert!(body.get("refresh_token").is_none() && body.get("scope").is_none(), "{body}");
    assert_eq!(answer.header("facebook-api-version"), Some("v19.0"));
    let token = body["access_token"].as_str().unwrap();
    assert!(token.starts_with("EAA"));
    let me = facebook.graph("me", &[("access_token", token)]).await;
    assert_eq!(me.json(), json!({ "id": facebook.alice.sub, "name": "Alice Archer" }));
    assert!(me.header("content-type").unwrap().starts_with("application/json; charset="));
    assert!(me.header("x-app-usage").unwrap().contains("call_count"));
    let fields = [("access_token", token), ("fields", "id,email,birthday,picture.width(9){url},work")];
    let me = facebook.graph("me", &fields).await.json();
    assert_eq!(me["email"], facebook.alice.fields["email"]);
    assert_eq!(me["picture"]["data"]["url"], facebook.alice.fields["picture"]);
    assert!(me.get("birthday").is_none() && me.get("work").is_none(), "{me}");
    assert!(me["id"].is_string());
}

#[tokio::test]
async fn the_token_endpoint_is_the_same_by_get_by_post_by_host_and_without_a_version() {
    let facebook = Facebook::start().await;
    for target in ["/graph/v21.0/oauth/access_token", "/graph/oauth/access_token", "/oauth/access_token"] {
        for by_get in [true, false] {
            let code = facebook.code("email", &["email"]).await;
            let mut parameters = Facebook::exchange(&code);
            if by_get {
                parameters.push(("grant_type", "authorization_code"));
            }
            let ask: Ask =
                if by_get { get(&format!("{target}?{}", encoded(&parameters))) } else { post(target, &parameters) };
            let answer = facebook.site.ask(ask.host("graph.facebook.com")).await;
            assert_eq!(answer.status, 200, "{target} {by_get} {answer:?}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_at_the_token_endpoint_is_told_with_code_and_subcode() {
    let facebook = Facebook::start().await;
    let ask = |parameters: Vec<(&str, &str)>| facebook.site.ask(post("/graph/v19.0/oauth/access_token", &parameters));
    let code = facebook.code("email", &[]).await;
    let with = |name: &str, value: &'static str| {
        let mut all: Vec<(&str, &str)> = Facebook::exchange(&code);
        all.iter_mut().filter(|(own, _)| *own == name).for_each(|(_, own)| *own = value);
        all
    };
    is_error(&ask(with("client_secret", "wrong")).await, 400, 1, None);
    is_error(&ask(with("redirect_uri", "http://127.0.0.1:1/callback/")).await, 400, 100, Some(36008));
    is_error(&ask(with("code", "garbage")).await, 400, 100, None);
    is_error(&ask(with("client_id", "9876543210")).await, 400, 100, None);
    assert_eq!(ask(Facebook::exchange(&code)).await.status, 200);
    is_error(&ask(Facebook::exchange(&code)).await, 400, 100, Some(36009));
    let late = facebook.code("email", &[]).await;
    facebook.site.clock(3600);
    is_error(&ask(Facebook::exchange(&late)).await, 400, 100, Some(36007));
}

#[tokio::test]
async fn who_refuses_comes_back_with_the_reason_and_a_wrong_address_is_never_gone_to() {
    let facebook = Facebook::start().await;
    let answer = facebook.go(&mut Vec::new(), &[], &["cancel"]).await;
    for (name, value) in [
        ("error", "access_denied"),
        ("error_code", "200"),
        ("error_description", "Permissions error"),
        ("error_reason", "user_denied"),
        ("state", "st"),
    ] {
        assert_eq!(answer.parameter(name).as_deref(), Some(value), "{answer:?}");
    }
    assert!(answer.header("location").unwrap().ends_with("#_=_") && answer.parameter("code").is_none());
    let answer = facebook.site.ask(get(&Facebook::dialog(&[("auth_type", "whatever")]))).await;
    assert_eq!(answer.parameter("error_code").as_deref(), Some("100"), "{answer:?}");
    assert!(answer.parameter("error_message").is_some() && answer.parameter("error").is_none());
    for uri in ["http://127.0.0.1:1/callback?x=1", "http://127.0.0.1:1/", "https://127.0.0.1:1/callback"] {
        let answer = facebook.site.ask(get(&Facebook::dialog(&[("redirect_uri", uri)]))).await;
        assert!(answer.status == 400 && answer.header("location").is_none(), "{answer:?}");
    }
}

#[tokio::test]
async fn what_was_declined_is_asked_again_only_by_rerequest_and_what_was_granted_not_at_all() {
    let facebook = Facebook::start().await;
    let mut cookies = Vec::new();
    let asked = ("scope", "email,user_likes user_photos");
    let answer = facebook.go(&mut cookies, &[asked, ("return_scopes", "true")], &["user_likes"]).await;
    assert_eq!(answer.parameter("granted_scopes").as_deref(), Some("public_profile,user_likes"));
    assert_eq!(answer.parameter("denied_scopes").as_deref(), Some("email,user_photos"));
    let again = facebook.site.ask(get(&Facebook::dialog(&[asked])).header("cookie", &cookies.join("; "))).await;
    assert!(again.parameter("code").is_some(), "asked again: {again:?}");
    let target = Facebook::dialog(&[asked, ("auth_type", "rerequest")]);
    let page = facebook.site.ask(get(&target).header("cookie", &cookies.join("; "))).await;
    let offers = |scope: &str| page.body.contains(&format!("value=\"{scope}\""));
    assert!(offers("email") && offers("user_photos") && !offers("user_likes"), "{page:?}");
    let answer = facebook.go(&mut cookies, &[("scope", "email"), ("auth_type", "rerequest")], &["email"]).await;
    let code = answer.parameter("code").unwrap();
    let token =
        facebook.site.ask(post("/graph/oauth/access_token", &Facebook::exchange(&code))).await.text("access_token");
    let list = facebook.graph("me/permissions", &[("access_token", &token)]).await.json();
    let status = |name: &str| {
        let all = list["data"].as_array().unwrap();
        all.iter().find(|own| own["permission"] == name).map(|own| own["status"].as_str().unwrap().to_owned())
    };
    assert_eq!(status("email").as_deref(), Some("granted"), "{list}");
    assert_eq!(status("user_likes").as_deref(), Some("granted"));
    assert_eq!(status("user_photos").as_deref(), Some("declined"));
    facebook.site.clock(91 * 86_400);
    let fresh = facebook.go(&mut cookies, &[("scope", "email"), ("auth_type", "reauthenticate")], &[]).await;
    assert!(fresh.parameter("code").is_some() || fresh.status == 200, "{fresh:?}");
}

#[tokio::test]
async fn a_permission_can_be_taken_back_alone_and_with_the_app_and_dead_tokens_say_why() {
    let facebook = Facebook::start().await;
    let token = facebook.token("email,user_likes", &["email", "user_likes"]).await;
    let fields = [("access_token", token.as_str()), ("fields", "email")];
    assert!(facebook.graph("me", &fields).await.json().get("email").is_some());
    let target = format!("/graph/v19.0/me/permissions/email?access_token={token}");
    assert_eq!(facebook.site.ask(method("DELETE", &target)).await.json(), json!({ "success": true }));
    assert!(facebook.graph("me", &fields).await.json().get("email").is_none());
    is_error(&facebook.site.ask(method("DELETE", &target)).await, 400, 100, None);
    let list = facebook.graph("me/permissions", &[("access_token", &token)]).await.body;
    assert!(list.contains("declined") && list.contains("user_likes"), "{list}");
    let app_token = format!("{APP}|{SECRET}");
    let form = [("access_token", app_token.as_str()), ("method", "delete")];
    let target = format!("/graph/v19.0/{}/permissions", facebook.alice.sub);
    assert_eq!(facebook.site.ask(post(&target, &form)).await.json(), json!({ "success": true }));
    is_error(&facebook.graph("me", &[("access_token", &token)]).await, 400, 190, Some(458));
    let debug = [("access_token", app_token.as_str()), ("input_token", &token)];
    let data = &facebook.graph("debug_token", &debug).await.json()["data"];
    assert_eq!((&data["is_valid"], &data["error"]["subcode"]), (&json!(false), &json!(458)), "{data}");
}

#[tokio::test]
async fn only_its_own_app_is_told_what_a_token_is_and_a_foreign_one_opens_nothing_more() {
    let facebook = Facebook::start().await;
    let token = facebook.token("email", &["email"]).await;
    let (own, other) = (format!("{APP}|{SECRET}"), format!("9876543210|{SECRET}"));
    let ask = |by: &str| facebook.graph_debug(by.to_owned(), token.clone());
    let data = &ask(&own).await.json()["data"];
    assert_eq!((&data["app_id"], &data["is_valid"], &data["type"]), (&json!(APP), &json!(true), &json!("USER")));
    assert_eq!(data["user_id"], facebook.alice.sub.as_str());
    assert!(data["granular_scopes"].as_array().unwrap().iter().any(|own| own["scope"] == "email"), "{data}");
    is_error(&ask(&other).await, 400, 100, None);
    is_error(&ask(&token).await, 400, 100, None);
    is_error(&ask(&format!("{APP}|wrong")).await, 400, 190, None);
    is_error(&facebook.graph("me", &[("access_token", "garbage")]).await, 400, 190, None);
    is_error(&facebook.graph("me", &[]).await, 400, 2500, None);
    is_error(&facebook.graph("me", &[("access_token", &token), ("fields", "email,nonsense")]).await, 400, 100, None);
    is_error(&facebook.graph("1", &[("access_token", &token)]).await, 400, 100, Some(33));
    is_error(&facebook.graph("me/nonsense", &[("access_token", &token)]).await, 400, 2500, None);
    facebook.site.clock(61 * 86_400);
    is_error(&facebook.graph("me", &[("access_token", &token)]).await, 400, 190, Some(463));
}

impl Facebook {
    async fn graph_debug(&self, by: String, token: String) -> Answer {
        self.graph("debug_token", &[("access_token", by.as_str()), ("input_token", token.as_str())]).await
    }
}

#[tokio::test]
async fn a_proof_must_be_right_and_can_be_demanded() {
    let facebook = Facebook::start().await;
    let token = facebook.token("email", &[]).await;
    let ask = |given: Option<String>| {
        let mut all = vec![("access_token", token.clone())];
        all.extend(given.map(|given| ("appsecret_proof", given)));
        let target =
            format!("/graph/v19.0/me?{}", encoded(&all.iter().map(|(n, v)| (*n, v.as_str())).collect::<Vec<_>>()));
        facebook.site.ask(get(&target))
    };
    assert_eq!(ask(None).await.status, 200);
    assert_eq!(ask(Some(proof(&token, SECRET))).await.status, 200);
    is_error(&ask(Some(proof(&token, "another"))).await, 400, 100, None);
    is_error(&ask(Some(String::new())).await, 400, 100, None);
    facebook.options("proof", json!("required"));
    is_error(&ask(None).await, 400, 100, None);
    assert_eq!(ask(Some(proof(&token, SECRET))).await.status, 200);
}

#[tokio::test]
async fn app_tokens_and_exchanged_tokens_are_given_to_those_who_may_have_them() {
    let facebook = Facebook::start().await;
    let token = facebook.token("email", &[]).await;
    let grant = |name: &'static str, more: Vec<(&'static str, String)>| {
        let mut all =
            vec![("client_id", APP.to_owned()), ("client_secret", SECRET.to_owned()), ("grant_type", name.to_owned())];
        all.extend(more);
        let target = encoded(&all.iter().map(|(n, v)| (*n, v.as_str())).collect::<Vec<_>>());
        facebook.site.ask(get(&format!("/graph/v19.0/oauth/access_token?{target}")))
    };
    let app = grant("client_credentials", Vec::new()).await.json();
    assert!(app["access_token"].as_str().unwrap().starts_with(&format!("{APP}|")) && app.get("expires_in").is_none());
    let long = grant("fb_exchange_token", vec![("fb_exchange_token", token.clone())]).await;
    assert_eq!(long.json()["expires_in"], 5_184_000, "{long:?}");
    assert_eq!(facebook.graph("me", &[("access_token", &long.text("access_token"))]).await.status, 200);
    is_error(&grant("fb_exchange_token", vec![("fb_exchange_token", "garbage".to_owned())]).await, 400, 190, None);
    is_error(&grant("refresh_token", vec![("refresh_token", token)]).await, 400, 100, None);
}

#[tokio::test]
async fn the_settings_page_lists_what_was_let_in_and_removes_it() {
    let facebook = Facebook::start().await;
    let mut cookies = Vec::new();
    let answer = facebook.go(&mut cookies, &[], &["email"]).await;
    let code = answer.parameter("code").unwrap();
    let token =
        facebook.site.ask(post("/graph/oauth/access_token", &Facebook::exchange(&code))).await.text("access_token");
    let jar = cookies.join("; ");
    let page = facebook.site.ask(get("/www/settings/apps").header("cookie", &jar)).await;
    assert!(page.body.contains(APP) && page.body.contains("receive your e-mail address"), "{page:?}");
    let stranger = facebook.site.ask(post("/www/settings/apps/remove", &[("app", APP)])).await;
    assert!(stranger.body.contains("Nobody is signed in"));
    assert_eq!(facebook.graph("me", &[("access_token", &token)]).await.status, 200);
    let page = facebook.site.ask(post("/www/settings/apps/remove", &[("app", APP)]).header("cookie", &jar)).await;
    assert!(page.body.contains("is removed"), "{page:?}");
    is_error(&facebook.graph("me", &[("access_token", &token)]).await, 400, 190, Some(458));
}

#[tokio::test]
async fn limited_login_is_found_on_its_host_and_names_no_token_endpoint() {
    let facebook = Facebook::start().await;
    let document = facebook.site.ask(get("/limited/.well-known/openid-configuration/")).await.json();
    assert!(document.get("token_endpoint").is_none() && document["issuer"].is_string(), "{document}");
    let keys = facebook.site.ask(get("/.well-known/oauth/openid/jwks/").host("limited.facebook.com")).await.json();
    assert!(keys["keys"].as_array().is_some_and(|keys| !keys.is_empty()), "{keys}");
    is_error(&facebook.graph(".well-known/openid-configuration", &[]).await, 400, 2500, None);
}

#[tokio::test]
async fn how_much_is_used_and_which_version_answers_are_options_of_whoever_asks() {
    let facebook = Facebook::start().await;
    let token = facebook.token("email", &[]).await;
    let unversioned = || facebook.site.ask(get(&format!("/graph/me?access_token={token}")));
    let answer = unversioned().await;
    assert_eq!(answer.header("facebook-api-version"), Some("v19.0"));
    assert!(answer.header("x-app-usage").unwrap().contains("\"call_count\":12"), "{answer:?}");
    facebook.options("usage", json!(87));
    assert!(unversioned().await.header("x-app-usage").unwrap().contains("\"call_count\":87"));
    facebook.options("version", json!("v12.0"));
    assert_eq!(unversioned().await.header("facebook-api-version"), Some("v12.0"));
    let versioned = facebook.graph("me", &[("access_token", &token)]).await;
    assert_eq!(versioned.header("facebook-api-version"), Some("v19.0"), "an address may name another one");
}

#[tokio::test]
async fn the_status_of_a_dead_token_and_the_challenge_are_options() {
    let facebook = Facebook::start().await;
    let guessed = [("access_token", "guessed")];
    let plain = facebook.graph("me", &guessed).await;
    is_error(&plain, 400, 190, None);
    assert!(plain.header("www-authenticate").is_some(), "{plain:?}");
    facebook.options("status_of_190", json!(401));
    is_error(&facebook.graph("me", &guessed).await, 401, 190, None);
    facebook.options("www_authenticate", json!(false));
    let changed = facebook.graph("me", &guessed).await;
    assert!(changed.status == 401 && changed.header("www-authenticate").is_none(), "{changed:?}");
}

#[tokio::test]
async fn a_code_is_redeemed_by_its_verifier_alone_only_where_the_option_says_so() {
    let facebook = Facebook::start().await;
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let code = async |more: &[(&str, &str)]| {
        let answer = facebook.go(&mut Vec::new(), more, &["email"]).await;
        answer.parameter("code").unwrap_or_else(|| panic!("{answer:?}"))
    };
    let redeem = async |code: &str, more: &[(&str, &str)]| {
        let mut form = vec![("client_id", APP), ("redirect_uri", CALLBACK), ("code", code)];
        form.retain(|(name, _)| !more.iter().any(|(own, _)| own == name));
        form.extend_from_slice(more);
        facebook.site.ask(post("/graph/oauth/access_token", &form)).await
    };
    let challenged = [challenge, ("code_challenge_method", "S256")];
    let own = code(&challenged).await;
    assert_eq!(redeem(&own, &[("code_verifier", verifier)]).await.status, 400, "it is off");
    facebook.options("pkce_alone", json!(true));
    let plain = code(&[]).await;
    for (what, code, more) in [
        ("no challenge", &plain, vec![("code_verifier", verifier)]),
        ("no verifier", &own, vec![]),
        ("another verifier", &own, vec![("code_verifier", "aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")]),
        ("a wrong secret", &own, vec![("code_verifier", verifier), ("client_secret", "wrong")]),
        ("another app", &own, vec![("code_verifier", verifier), ("client_id", "9876543210")]),
        ("no app", &own, vec![("code_verifier", verifier), ("client_id", "77")]),
        ("another grant", &own, vec![("code_verifier", verifier), ("grant_type", "client_credentials")]),
    ] {
        assert_eq!(redeem(code, &more).await.status, 400, "{what}");
    }
    let answer = redeem(&own, &[("code_verifier", verifier)]).await;
    assert_eq!(facebook.graph("me", &[("access_token", &answer.text("access_token"))]).await.status, 200);
    assert_eq!(redeem(&own, &[("code_verifier", verifier)]).await.status, 400, "once");
}

#[tokio::test]
async fn a_long_list_comes_in_pages_and_the_last_one_names_no_further_one() {
    let facebook = Facebook::start().await;
    let token = facebook.token("user_photos,user_likes", &["user_photos", "user_likes"]).await;
    let all = facebook.graph("me/likes", &[("access_token", &token)]).await.json();
    let wanted = all["data"].as_array().unwrap().clone();
    assert!(all["paging"].get("next").is_none() && wanted.len() > 1, "{all}");
    facebook.options("page_size", json!(1));
    let mut page = facebook.graph("me/likes", &[("access_token", &token)]).await.json();
    let mut seen = page["data"].as_array().unwrap().clone();
    while let Some(next) = page["paging"]["next"].as_str().map(str::to_owned) {
        assert!(seen.len() <= wanted.len(), "{next}");
        let (_, target) = next.split_once("/graph/").unwrap();
        page = facebook.site.ask(get(&format!("/graph/{target}"))).await.json();
        seen.extend(page["data"].as_array().unwrap().clone());
    }
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn a_code_for_another_program_of_the_app_is_given_for_a_token_and_the_secret() {
    let facebook = Facebook::start().await;
    let token = facebook.token("email", &["email"]).await;
    let ask = |secret: &'static str, redirect_uri: &'static str| {
        let token = token.clone();
        let facebook = &facebook;
        async move {
            let all = [
                ("client_id", APP),
                ("client_secret", secret),
                ("redirect_uri", redirect_uri),
                ("access_token", token.as_str()),
            ];
            facebook.graph("oauth/client_code", &all).await
        }
    };
    let code = ask(SECRET, CALLBACK).await.text("code");
    let exchanged = facebook.site.ask(post("/graph/v19.0/oauth/access_token", &Facebook::exchange(&code))).await;
    let me = facebook.graph("me", &[("access_token", &exchanged.text("access_token")), ("fields", "email")]).await;
    assert_eq!(me.json()["email"], facebook.alice.fields["email"]);
    is_error(&ask("wrong", CALLBACK).await, 400, 1, None);
    is_error(&ask(SECRET, "https://elsewhere.example/").await, 400, 100, None);
}

#[tokio::test]
async fn a_person_has_another_number_at_each_app_and_the_business_learns_which() {
    let facebook = Facebook::start().await;
    let token = facebook.token("email", &[]).await;
    let ids = facebook.graph("me/ids_for_business", &[("access_token", &token)]).await.json();
    let all = ids["data"].as_array().unwrap();
    assert_eq!((all.len(), &all[0]["app"]["id"], &all[0]["id"]), (1, &json!(APP), &json!(facebook.alice.sub)));
    let fields = [("access_token", token.as_str()), ("fields", "token_for_business")];
    let me = facebook.graph("me", &fields).await.json();
    assert!(me["token_for_business"].as_str().is_some_and(|text| text.len() > 10), "{me}");
}

#[tokio::test]
async fn an_app_removes_itself_with_an_id_token_of_its_own_and_with_no_other() {
    let facebook = Facebook::start().await;
    let more = [("scope", "openid,email"), ("nonce", "n")];
    let code = facebook.go(&mut Vec::new(), &more, &["openid", "email"]).await.parameter("code").unwrap();
    let answer = facebook.site.ask(post("/graph/v19.0/oauth/access_token", &Facebook::exchange(&code))).await;
    let (token, id_token) = (answer.text("access_token"), answer.text("id_token"));
    let remove = |id_token: String, app: &'static str| {
        let form = [("id_token", id_token.as_str()), ("app_id", app)];
        facebook.site.ask(post("/platform/uninstall/", &form).host("www.limited.facebook.com"))
    };
    is_error(&remove(id_token.clone(), "9876543210").await, 400, 100, None);
    is_error(&remove(format!("{id_token}x"), APP).await, 400, 100, None);
    assert_eq!(facebook.graph("me", &[("access_token", &token)]).await.status, 200);
    assert_eq!(remove(id_token, APP).await.json(), json!({ "success": true }));
    is_error(&facebook.graph("me", &[("access_token", &token)]).await, 400, 190, Some(458));
}
