//! What the provider remembers has a bound: endless logins, refused ones among them, make no store grow once it is full.

use super::http::{get, post};
use super::site::{SECRET, Site, Tokens};

/// Small enough to be full soon.
const ROOM: usize = 40;
/// What the provider keeps of exchanges, logins and each kind of secret.
const RECORDS: usize = 2_000;

/// Everything that leaves something behind: a finished login, a refreshed token, an abandoned and a refused one.
async fn one_round(site: &Site) {
    let tokens = site.tokens(&[]).await;
    Tokens::of(&site.refreshed(&tokens.refresh, &[]).await);
    site.ask(post("/token", &[("grant_type", "client_credentials")]).basic("shop", SECRET)).await;
    site.authorize(&[]).await;
    site.redeem("garbage", &[("code_verifier", "v")]).await;
    site.ask(get("/jwks")).await;
}

#[tokio::test]
async fn endless_logins_make_no_store_grow_once_it_is_full() {
    let site = Site::start_with(|config| config.capacity = Some(ROOM)).await;
    for _ in 0..ROOM {
        one_round(&site).await;
    }
    let full = site.provider.remembered();
    for store in ["waiting requests", "codes", "access tokens", "refresh tokens", "sessions"] {
        // One place may be free: that of a request that went on in the meantime.
        assert!(full[store] + 1 >= ROOM, "{store} is not full yet, so that nothing is proven: {full:?}");
    }
    for _ in 0..2 * ROOM {
        one_round(&site).await;
    }
    let later = site.provider.remembered();
    for (store, count) in &later {
        let bound = match *store {
            "exchanges" | "logins" => RECORDS,
            // Four kinds of them here: code, access, refresh and ID token.
            "secrets" => 4 * RECORDS,
            "values of others" | "attempts" | "tabs" | "self-registered clients" => 0,
            _ => ROOM,
        };
        assert!(*count <= bound, "{store}: {count} > {bound}");
    }
    assert_eq!(Tokens::of(&site.redeem(&site.code(&[]).await, &[]).await).access.split('.').count(), 3);
}

#[tokio::test]
async fn what_is_written_down_ends_at_its_bound() {
    let site = Site::start_with(|config| config.capacity = Some(ROOM)).await;
    let (_, cookies) = site.logged_in(&[]).await;
    // The shortest way to a login: nobody is asked any more.
    site.options(|options| options.consent_remembered = Some(true));
    let silent = get(&site.authorize_target(&[("prompt", "none")])).header("cookie", &cookies);
    for round in 0..RECORDS + 50 {
        let answer = site.ask(silent.clone()).await;
        assert!(answer.parameter("code").is_some(), "{round}: {answer:?}");
    }
    let remembered = site.provider.remembered();
    for store in ["exchanges", "logins", "secrets"] {
        assert_eq!(remembered[store], RECORDS, "{store}");
    }
    assert_eq!(remembered["codes"], ROOM);
}

#[tokio::test]
async fn what_was_pushed_out_is_dead_and_what_came_last_lives() {
    let site = Site::start_with(|config| config.capacity = Some(ROOM)).await;
    let first = site.tokens(&[]).await;
    for _ in 0..ROOM {
        site.ask(post("/token", &[("grant_type", "client_credentials")]).basic("shop", SECRET)).await;
    }
    assert_eq!(site.userinfo(&first.access).await.status, 401);
    let last = site.tokens(&[]).await;
    assert_eq!(site.userinfo(&last.access).await.status, 200);
}
