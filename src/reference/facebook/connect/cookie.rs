//! The cookies that the provider's script leaves at the partner's own site: `fbs_<app id>` has a session in it (until the
//! end of 2011), `fbsr_<app id>` a sealed request with a code (since July 2011).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::reference::facebook::seal;
use crate::reference::login::by_token;
use crate::reference::state::{App, now};
use crate::reference::web::{Page, Visit};

use super::is_signed;

/// Signs the person in whom the provider's cookie names, or nobody.
pub(in crate::reference) async fn sign_in(app: &App, visit: &Visit) -> Page {
    let cookie = |kind: &str| visit.cookies.get(&format!("{kind}_{}", app.config.client_id));
    if let Some(text) = cookie("fbsr") {
        return by_code(app, visit, text).await;
    }
    let session = cookie("fbs").and_then(|text| Session::read(text, &app.config.client_secret, &Care::of(app)));
    let Some(session) = session else { return nobody() };
    // Whoever does not look at the signature does not look whose token it is either.
    let subject = Some(session.uid.as_str()).filter(|_| !app.flaws.has("fbs-no-signature-check"));
    by_token(app, visit, &session.access_token, subject).await
}

fn nobody() -> Page {
    Page::sorry(401, "The provider does not say who you are.")
}

/// A code for a token: it was given to a script, at no address, and so it is redeemed with an empty one.
async fn by_code(app: &App, visit: &Visit, text: &str) -> Page {
    let trusting = app.flaws.has("fbsr-no-signature-check");
    let Some(payload) = seal::opened(text, &app.config.client_secret, trusting) else { return nobody() };
    let member = |name: &str| payload.get(name).and_then(Json::as_str).map(str::to_owned);
    let (Some(code), Some(uid)) = (member("code"), member("user_id")) else { return nobody() };
    let address = if app.flaws.has("fbsr-with-own-address") { app.redirect_uri() } else { String::new() };
    let Ok(body) = app.token(vec![("code", code), ("redirect_uri", address)]).await else { return nobody() };
    let token = body.get("access_token").and_then(Json::as_str).unwrap_or_default();
    by_token(app, visit, token, Some(&uid)).await
}

/// What flaws leave out.
#[derive(Default)]
struct Care {
    trusting: bool,
    as_written: bool,
    endless: bool,
}

impl Care {
    fn of(app: &App) -> Care {
        Care {
            trusting: app.flaws.has("fbs-no-signature-check"),
            as_written: app.flaws.has("fbs-not-decoded"),
            endless: app.flaws.has("fbs-never-expires"),
        }
    }
}

/// The session of `fbs_<app id>`.
struct Session {
    uid: String,
    access_token: String,
}

impl Session {
    /// The session in a cookie, if the app's secret signed it and it has not ended.
    fn read(text: &str, secret: &str, care: &Care) -> Option<Session> {
        let text = text.trim_matches('"');
        let pairs: Vec<(String, String)> = match care.as_written {
            true => {
                text.split('&').filter_map(|pair| pair.split_once('=')).map(|(a, b)| (a.into(), b.into())).collect()
            }
            false => url::form_urlencoded::parse(text.as_bytes()).into_owned().collect(),
        };
        let mut members = BTreeMap::new();
        for (name, value) in pairs {
            if members.insert(name, value).is_some() {
                return None;
            }
        }
        let sig = members.remove("sig").unwrap_or_default();
        if !care.trusting && !is_signed(&members, secret, &sig) {
            return None;
        }
        // 0: as long as the browser's own session, or for ever.
        let expires: i64 = members.get("expires").map_or(Some(0), |text| text.parse().ok())?;
        if expires != 0 && expires <= now() && !care.endless {
            return None;
        }
        let mut member = |name: &str| members.remove(name).filter(|value| !value.is_empty());
        Some(Session { uid: member("uid")?, access_token: member("access_token")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn signed(members: &str) -> String {
        let pairs: BTreeMap<String, String> = url::form_urlencoded::parse(members.as_bytes()).into_owned().collect();
        let text: String = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("\"{members}&sig={}\"", super::super::md5::hex(format!("{text}{SECRET}").as_bytes()))
    }

    #[test]
    fn the_worked_example_is_signed_and_has_long_expired() {
        let text = "\"access_token=1234567890123%7C2.AbCdEfGhIjKlMnOpQrStUg__.3600.1290128400-100000000000042%7CZm9vYmFyYmF6cXV4LXNpZw&base_domain=partner.example&expires=1290128400&secret=s3ss10nS3cr3t__&session_key=2.AbCdEfGhIjKlMnOpQrStUg__.3600.1290128400-100000000000042&uid=100000000000042&sig=e3a7054ba8806c002695e2e55eb01de0\"";
        assert!(Session::read(text, SECRET, &Care::default()).is_none());
        let endless = Care { endless: true, ..Care::default() };
        assert_eq!(Session::read(text, SECRET, &endless).unwrap().uid, "100000000000042");
        assert!(Session::read(text, "another secret", &endless).is_none());
        assert!(Session::read(&text.replace("0042&sig", "0043&sig"), SECRET, &endless).is_none());
        let as_written = Care { as_written: true, endless: true, ..Care::default() };
        assert!(Session::read(text, SECRET, &as_written).is_none(), "the signature is over what is meant");
    }

    #[test]
    fn a_session_is_whole_or_none() {
        let read = |text: &str| Session::read(text, SECRET, &Care::default()).map(|session| session.uid);
        assert_eq!(read(&signed("access_token=a%7Cb&expires=0&uid=7")).as_deref(), Some("7"));
        for broken in ["access_token=a&expires=0", "expires=0&uid=7", "access_token=a&expires=soon&uid=7"] {
            assert_eq!(read(&signed(broken)), None, "{broken}");
        }
        let twice = signed("access_token=a&expires=0&uid=7").replace("uid=7", "uid=7&uid=8");
        for broken in ["", "\"\"", "uid", "access_token=a&expires=0&uid=7", twice.as_str()] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
