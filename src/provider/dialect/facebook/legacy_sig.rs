//! Signatures of the time before `signed_request`: MD5 over the sorted `name=value` pairs without anything between them,
//! and the app secret behind them.
//!
//! Three messages have them: the cookie `fbs_<app id>` (and the `session` of `login.php`), the ping `fb_sig_…` that tells
//! of an authorization or of its end, and calls of the REST interface. MD5 with the secret behind is weak; it is what was
//! spoken.

use std::collections::BTreeMap;

use md5::{Digest as _, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::model::hex::hex;

use super::Refused;

/// What a query string leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a message of the time consists of.
pub type Members = BTreeMap<String, String>;

/// The prefix of the names of a ping.
const PING: &str = "fb_sig_";

/// The signature over members, of which none is the signature itself. Lowercase hexadecimal.
pub fn sig(members: &Members, secret: &str) -> String {
    let mut hasher = Md5::new();
    for (name, value) in members {
        hasher.update(format!("{name}={value}"));
    }
    hasher.update(secret);
    hex(&hasher.finalize())
}

/// Whether a signature is that of the members; takes the same time whichever digit is wrong.
fn fits(members: &Members, secret: &str, found: &str) -> bool {
    let due = sig(members, secret);
    let differing = due.bytes().zip(found.bytes()).fold(0, |sum, (one, other)| sum | (one ^ other));
    due.len() == found.len() && differing == 0
}

/// How the value of the cookie `fbs_<app id>` writes its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Values {
    /// Percent-encoded, as the SDK of the browser wrote them.
    #[default]
    Encoded,
    /// As they are: some receivers sign what they found without decoding it.
    AsTheyAre,
}

/// The members of a session with their signature, as `login.php` gives them and as the cookie carries them.
pub fn signed_session(mut session: Members, secret: &str) -> Members {
    session.remove("sig");
    let signature = sig(&session, secret);
    session.insert("sig".to_owned(), signature);
    session
}

/// The value of the cookie `fbs_<app id>`, quotes included. Members as they are given, `sig` last.
pub fn fbs_cookie(session: &Members, values: Values) -> String {
    let write = |name: &str, value: &str| match values {
        Values::Encoded => format!("{name}={}", utf8_percent_encode(value, KEPT)),
        Values::AsTheyAre => format!("{name}={value}"),
    };
    let unsigned = session.iter().filter(|(name, _)| *name != "sig");
    let sig = session.get_key_value("sig");
    let pairs: Vec<String> = unsigned.chain(sig).map(|(name, value)| write(name, value)).collect();
    format!("\"{}\"", pairs.join("&"))
}

/// The session in a cookie `fbs_<app id>` that this secret signed; `now` in Unix seconds.
///
/// # Errors
/// It is malformed, incomplete, signed by another secret, or has expired.
pub fn open_fbs_cookie(cookie: &str, secret: &str, now: i64) -> Result<Members, Refused> {
    let mut members = Members::new();
    for pair in cookie.trim_matches('"').split('&') {
        let (name, value) = pair.split_once('=').ok_or(Refused::Malformed)?;
        // A blank is written `+` in a query string; the SDK of the browser wrote `%20`.
        let value =
            percent_decode_str(&value.replace('+', " ")).decode_utf8().map_err(|_| Refused::Malformed)?.into_owned();
        if members.insert(name.to_owned(), value).is_some() {
            return Err(Refused::Malformed);
        }
    }
    open_session(members, secret, now)
}

/// A session that this secret signed, without its signature; `now` in Unix seconds.
///
/// # Errors
/// It is incomplete, signed by another secret, or has expired.
pub fn open_session(mut members: Members, secret: &str, now: i64) -> Result<Members, Refused> {
    let found = members.remove("sig").ok_or(Refused::Unsigned)?;
    if !fits(&members, secret, &found) {
        return Err(Refused::Signature);
    }
    for name in ["uid", "access_token"] {
        if members.get(name).is_none_or(String::is_empty) {
            return Err(Refused::Lacks(name));
        }
    }
    let expires = members.get("expires").map_or(Ok(0), |text| text.parse::<i64>()).map_err(|_| Refused::Malformed)?;
    // 0: for as long as the browser's session, or for ever (`offline_access`).
    if expires != 0 && now >= expires {
        return Err(Refused::Expired);
    }
    Ok(members)
}

/// The form of a ping: every member under `fb_sig_…`, and `fb_sig` over the names without that prefix.
pub fn ping(members: &Members, secret: &str) -> Members {
    let signature = sig(members, secret);
    let mut form: Members = members.iter().map(|(name, value)| (format!("{PING}{name}"), value.clone())).collect();
    form.insert("fb_sig".to_owned(), signature);
    form
}

/// The members of a ping that this secret signed, without their prefix. What does not begin with it is not signed, and
/// left out.
///
/// # Errors
/// It is unsigned, or signed by another secret.
pub fn open_ping(form: &Members, secret: &str) -> Result<Members, Refused> {
    let found = form.get("fb_sig").ok_or(Refused::Unsigned)?;
    let named = form.iter().filter_map(|(name, value)| Some((name.strip_prefix(PING)?.to_owned(), value.clone())));
    let members: Members = named.collect();
    if fits(&members, secret, found) { Ok(members) } else { Err(Refused::Signature) }
}

/// Whether the parameters of a REST call carry the signature of their app.
///
/// # Errors
/// They are unsigned, or signed by another secret.
pub fn check_rest_call(parameters: &Members, secret: &str) -> Result<(), Refused> {
    let mut members = parameters.clone();
    let found = members.remove("sig").ok_or(Refused::Unsigned)?;
    if fits(&members, secret, &found) { Ok(()) } else { Err(Refused::Signature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const COOKIE: &str = "\"access_token=1234567890123%7C2.AbCdEfGhIjKlMnOpQrStUg__.3600.1290128400-100000000000042%7CZm9vYmFyYmF6cXV4LXNpZw&base_domain=partner.example&expires=1290128400&secret=s3ss10nS3cr3t__&session_key=2.AbCdEfGhIjKlMnOpQrStUg__.3600.1290128400-100000000000042&uid=100000000000042&sig=e3a7054ba8806c002695e2e55eb01de0\"";

    fn members(pairs: &[(&str, &str)]) -> Members {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn session() -> Members {
        members(&[
            (
                "access_token",
                "1234567890123|2.AbCdEfGhIjKlMnOpQrStUg__.3600.1290128400-100000000000042|Zm9vYmFyYmF6cXV4LXNpZw",
            ),
            ("base_domain", "partner.example"),
            ("expires", "1290128400"),
            ("secret", "s3ss10nS3cr3t__"),
            ("session_key", "2.AbCdEfGhIjKlMnOpQrStUg__.3600.1290128400-100000000000042"),
            ("uid", "100000000000042"),
        ])
    }

    #[test]
    fn the_worked_cookie_is_made_and_read_to_the_letter() {
        let signed = signed_session(session(), SECRET);
        assert_eq!(signed["sig"], "e3a7054ba8806c002695e2e55eb01de0");
        assert_eq!(fbs_cookie(&signed, Values::Encoded), COOKIE);
        assert_eq!(open_fbs_cookie(COOKIE, SECRET, 1_290_128_399).unwrap(), session());
        let raw = fbs_cookie(&signed, Values::AsTheyAre);
        assert!(raw.contains("1234567890123|2."), "{raw}");
        assert_eq!(open_fbs_cookie(&raw, SECRET, 0).unwrap(), session());
    }

    /// From the tests of the PHP SDK of 2010 and of Ruby clients of the time.
    #[test]
    fn published_sessions_are_taken() {
        let php = "access_token=117743971608120%7C2.vdCKd4ZIEJlHwwtrkilgKQ__.86400.1281049200-1677846385%7CNF_2DDNxFBznj2CuwiwabHhTAHc.&expires=1281049200&secret=u0QiRGAwaPCyQ7JE_hiz1w__&session_key=2.vdCKd4ZIEJlHwwtrkilgKQ__.86400.1281049200-1677846385&sig=7a9b063de0bef334637832166948dcad&uid=1677846385";
        let secret = "943716006e74d9b9283d4d5d8ab93204";
        assert_eq!(open_fbs_cookie(php, secret, 1_281_049_199).unwrap()["uid"], "1677846385");
        assert_eq!(open_fbs_cookie(php, secret, 1_281_049_200), Err(Refused::Expired));
        let offline = "access_token=233423200151|6892d62675cd952ade8b3f9b-6184456410|xrNaOlTCUF0QFZrJCHmVWzTb5Mk.&expires=0&secret=339a00cdafe6959c3caa1b8004e5f8db&session_key=6892d62675cd952ade8b3f9b-6184456410&sig=19d3c9ccb5b5a55d680ed1cf18698f57&uid=6184456410";
        let session = open_fbs_cookie(offline, "8371c9fc95a7d0a3d9cdb6bbacfea306", i64::MAX).unwrap();
        assert_eq!(session["uid"], "6184456410");
    }

    #[test]
    fn no_forged_cookie_is_taken() {
        let now = 1_290_128_399;
        let without = |name: &str| {
            let mut left = session();
            left.remove(name);
            fbs_cookie(&signed_session(left, SECRET), Values::Encoded)
        };
        for (cookie, why) in [
            (COOKIE.replace("uid=100000000000042", "uid=100000000000043"), Refused::Signature),
            (COOKIE.replace("expires=1290128400", "expires=0"), Refused::Signature),
            (COOKIE.replace("e3a7", "E3A7"), Refused::Signature),
            (COOKIE.replace("sig=e3a7054ba8806c002695e2e55eb01de0", "sig="), Refused::Signature),
            (COOKIE.replace("&sig=e3a7054ba8806c002695e2e55eb01de0", ""), Refused::Unsigned),
            (COOKIE.replace("&uid=", "&uid=1&uid="), Refused::Malformed),
            (fbs_cookie(&signed_session(session(), "another secret"), Values::Encoded), Refused::Signature),
            (without("uid"), Refused::Lacks("uid")),
            (without("access_token"), Refused::Lacks("access_token")),
            ("\"\"".to_owned(), Refused::Malformed),
        ] {
            assert_eq!(open_fbs_cookie(&cookie, SECRET, now), Err(why), "{cookie}");
        }
        assert_eq!(open_fbs_cookie(COOKIE, SECRET, 1_290_128_400), Err(Refused::Expired));
    }

    #[test]
    fn the_worked_ping_holds_and_no_other_does() {
        let told = members(&[
            ("added", "0"),
            ("api_key", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
            ("app_id", "1234567890123"),
            ("in_new_facebook", "1"),
            ("locale", "en_US"),
            ("time", "1290124800.5"),
            ("uninstall", "1"),
            ("user", "100000000000042"),
        ]);
        let mut form = ping(&told, SECRET);
        assert_eq!(form["fb_sig"], "e1c65edc1ccc7b503179bd1f553115b6");
        form.insert("campaign".to_owned(), "autumn".to_owned());
        assert_eq!(open_ping(&form, SECRET).unwrap(), told);
        assert_eq!(open_ping(&form, "another secret"), Err(Refused::Signature));
        form.insert("fb_sig_user".to_owned(), "100000000000043".to_owned());
        assert_eq!(open_ping(&form, SECRET), Err(Refused::Signature));
        form.remove("fb_sig");
        assert_eq!(open_ping(&form, SECRET), Err(Refused::Unsigned));
    }

    #[test]
    fn the_worked_rest_call_holds_and_no_other_does() {
        let mut call = members(&[
            ("api_key", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
            ("auth_token", "3e4a22bb2f5ed75114b0fc9995ea85f1"),
            ("format", "JSON"),
            ("method", "auth.getSession"),
            ("v", "1.0"),
        ]);
        assert_eq!(sig(&call, SECRET), "bf63749a93421990e8ea93e0cbb3eaa8");
        assert_eq!(check_rest_call(&call, SECRET), Err(Refused::Unsigned));
        call.insert("sig".to_owned(), "bf63749a93421990e8ea93e0cbb3eaa8".to_owned());
        assert_eq!(check_rest_call(&call, SECRET), Ok(()));
        call.insert("format".to_owned(), "XML".to_owned());
        assert_eq!(check_rest_call(&call, SECRET), Err(Refused::Signature));
    }
}
