//! The algorithm of an ID token is the one that the client registered (OpenID Connect Core, section 3.1.3.7; RFC 7518;
//! RFC 8037). Another library than the provider's reads the key set and checks the signatures.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::provider::ClientRegistration;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256, Sha512};

use super::http::{encoded, get};
use super::site::{AFTERWARDS, SECRET, Site, Tokens, client, part};

async fn advertised(site: &Site) -> Vec<String> {
    let metadata = site.ask(get("/.well-known/openid-configuration")).await.json();
    let all = metadata["id_token_signing_alg_values_supported"].as_array().expect("a list").clone();
    all.iter().map(|alg| alg.as_str().expect("a text").to_owned()).collect()
}

async fn keys(site: &Site) -> JwkSet {
    serde_json::from_str(&site.ask(get("/jwks")).await.body).expect("a key set that a library can read")
}

fn register(site: &Site, alg: &str) {
    let registration = client("shop", "client_secret_basic");
    site.provider.register(ClientRegistration { id_token_alg: Some(alg.to_owned()), ..registration });
}

/// The claims, checked as a sound client would: by the registered algorithm and by nothing that the token says.
fn verified(token: &str, alg: &str, keys: &JwkSet, issuer: &str) -> Result<Json, String> {
    let own: Algorithm = alg.parse().map_err(|_| format!("{alg} is unknown"))?;
    let key = if alg == "HS256" {
        DecodingKey::from_secret(SECRET.as_bytes())
    } else {
        let kid = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?.kid.ok_or("no kid")?;
        let jwk: &Jwk = keys.find(&kid).ok_or("unknown kid")?;
        assert_eq!(jwk.common.key_algorithm.map(|alg| alg.to_string()).as_deref(), Some(alg));
        DecodingKey::from_jwk(jwk).map_err(|error| error.to_string())?
    };
    let mut validation = Validation::new(own);
    validation.set_audience(&["shop"]);
    validation.set_issuer(&[issuer]);
    jsonwebtoken::decode::<Json>(token, &key, &validation).map(|data| data.claims).map_err(|error| error.to_string())
}

#[tokio::test]
async fn every_advertised_algorithm_signs_and_another_library_believes_it() {
    let site = Site::start().await;
    let keys = keys(&site).await;
    let all = advertised(&site).await;
    assert_eq!(all, ["RS256", "ES256", "PS256", "EdDSA", "HS256"]);
    for alg in &all {
        register(&site, alg);
        let tokens = site.tokens(&[]).await;
        assert_eq!(part(&tokens.id, 0)["alg"], alg.as_str());
        let claims =
            verified(&tokens.id, alg, &keys, site.provider.issuer()).unwrap_or_else(|why| panic!("{alg}: {why}"));
        assert_eq!(claims["sub"], site.alice.sub);
        for other in all.iter().filter(|other| *other != alg && *other != "HS256") {
            let issuer = site.provider.issuer();
            let refused = std::panic::catch_unwind(|| verified(&tokens.id, other, &keys, issuer));
            assert!(!matches!(refused, Ok(Ok(_))), "{alg} passes for {other}");
        }
    }
}

#[tokio::test]
async fn the_key_set_has_one_key_for_each_public_algorithm_rs256_first_and_no_kid_twice() {
    let site = Site::start().await;
    let set = site.ask(get("/jwks")).await.json();
    let keys = set["keys"].as_array().unwrap();
    let algs: Vec<&str> = keys.iter().map(|key| key["alg"].as_str().unwrap()).collect();
    let public: Vec<String> = advertised(&site).await.into_iter().filter(|alg| alg != "HS256").collect();
    assert_eq!(algs, public);
    let kids: BTreeSet<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids.len(), keys.len());
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private} is published");
        }
    }
}

#[tokio::test]
async fn no_two_published_keys_have_the_same_material() {
    let site = Site::start().await;
    let set = site.ask(get("/jwks")).await.json();
    let material = |key: &Json| key.get("n").or_else(|| key.get("x")).and_then(Json::as_str).unwrap().to_owned();
    let all: BTreeSet<String> = set["keys"].as_array().unwrap().iter().map(material).collect();
    assert_eq!(all.len(), set["keys"].as_array().unwrap().len());
}

#[tokio::test]
async fn at_hash_is_by_the_hash_of_the_algorithm() {
    let site = Site::start().await;
    for alg in advertised(&site).await {
        register(&site, &alg);
        let tokens = site.tokens(&[]).await;
        let half = match alg.as_str() {
            "EdDSA" => Sha512::digest(tokens.access.as_bytes())[..32].to_vec(),
            _ => Sha256::digest(tokens.access.as_bytes())[..16].to_vec(),
        };
        assert_eq!(part(&tokens.id, 1)["at_hash"], URL_SAFE_NO_PAD.encode(half), "{alg}");
    }
}

#[tokio::test]
async fn a_secret_signs_under_no_kid_and_never_an_access_token() {
    let site = Site::start().await;
    register(&site, "HS256");
    let tokens = site.tokens(&[]).await;
    assert_eq!(part(&tokens.id, 0), json!({ "alg": "HS256", "typ": "JWT" }));
    assert_eq!(part(&tokens.access, 0)["alg"], "RS256");
}

#[tokio::test]
async fn a_client_without_a_secret_gets_no_token_by_one() {
    let site = Site::start().await;
    let odd = ClientRegistration { id_token_alg: Some("HS256".to_owned()), ..client("public", "none") };
    site.provider.register(odd);
    let code = site.code(&[("client_id", "public")]).await;
    let answer = site.ask(super::site::redemption(&code, &[("client_id", "public")])).await;
    answer.refused(401, "invalid_client");
}

#[tokio::test]
async fn a_hint_is_believed_under_every_algorithm_and_forged_under_none() {
    let site = Site::start().await;
    for alg in advertised(&site).await {
        register(&site, &alg);
        let (back, cookies) = site.logged_in(&[]).await;
        let tokens = Tokens::of(&site.redeem(&back.parameter("code").unwrap(), &[]).await);
        let (signed, signature) = tokens.id.rsplit_once('.').unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        bytes[7] ^= 1;
        let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes));
        let end = |hint: &str| {
            let query = encoded(&[("id_token_hint", hint), ("post_logout_redirect_uri", AFTERWARDS)]);
            get(&format!("/end_session?{query}")).header("cookie", &cookies)
        };
        site.ask(end(&forged)).await.told_to_the_person();
        assert_eq!(site.ask(end(&tokens.id)).await.header("location"), Some(AFTERWARDS), "{alg}");
    }
}

#[tokio::test]
async fn a_hint_by_a_secret_is_forged_where_the_client_registered_a_key() {
    let site = Site::start().await;
    register(&site, "HS256");
    let (back, cookies) = site.logged_in(&[]).await;
    let tokens = Tokens::of(&site.redeem(&back.parameter("code").unwrap(), &[]).await);
    register(&site, "RS256");
    let end = get(&format!("/end_session?id_token_hint={}", tokens.id)).header("cookie", &cookies);
    site.ask(end).await.told_to_the_person();
}
