//! Odd but right: habits of sound partners that a judge must put up with, each a switch. A case that fails one of them
//! cries wolf. With what the manifest says of each.

use std::collections::BTreeSet;

use crate::model::manifest::{IdentityFrom, Manifest, OnRevocation};

use super::{Base, Switch};

const fn oddity(id: &'static str, base: Base, what: &'static str) -> Switch {
    Switch::new(id, base, what)
}

/// Every habit that is built.
pub const ODDITIES: &[Switch] = &[
    // defences
    oddity("pkce-alone", Base::Full, "PKCE is its only defence against forged responses: no state, no nonce"),
    oddity("state-bound-to-cookie", Base::Oidc, "one state per browser, made from its cookie"),
    oddity("state-in-signed-cookie", Base::Full, "the login under way is kept in a signed cookie, not at the server"),
    oddity("no-iss-parameter", Base::Full, "does not know the parameter iss of the authorization response"),
    oddity("never-fetches-keys", Base::Oidc, "leaves the ID token's signature to TLS, and never fetches keys"),
    oddity("symmetric-signature", Base::Oidc, "has its ID tokens signed with its client secret (HS256)"),
    oddity("asks-max-age", Base::Oidc, "asks for a login of the last hour (max_age), and refuses an older one"),
    oddity("throttles-keys", Base::Full, "fetches the provider's keys at most once in 30 seconds"),
    // identity
    oddity("never-reads-id-token", Base::Oidc, "takes who it is from userinfo and never reads the ID token"),
    oddity("no-userinfo", Base::Full, "never calls userinfo"),
    oddity("prefetches-userinfo", Base::Full, "calls userinfo before it has looked at the ID token"),
    oddity("userinfo-at-every-view", Base::Full, "calls userinfo at every page view"),
    oddity(
        "refuses-lookalike-subjects",
        Base::Full,
        "refuses whoever differs from a known subject by letter case alone",
    ),
    // tokens
    oddity("secret-in-form", Base::Full, "authenticates at the token endpoint in the form"),
    oddity("refreshes-by-the-clock", Base::Full, "refreshes when its own clock says so, and ends the session at a 401"),
    oddity("refreshes-early", Base::Full, "refreshes before every use of the API"),
    oddity("degrades", Base::Full, "keeps the session when the grant is gone, without what needs it"),
    // conduct
    oddity("discovers-at-start", Base::Full, "reads the provider's metadata before it listens, and ends without them"),
    oddity("answers-slowly", Base::Full, "takes 300 ms for every answer"),
    oddity("one-at-a-time", Base::Full, "answers one request at a time"),
    oddity("refuses-by-going-home", Base::Full, "leads home, without a word, whoever could not be logged in"),
    oddity("refusal-ends-session", Base::Full, "ends the session that a browser had when a login in it fails"),
    oddity("reload-ends-session", Base::Full, "ends the session when the callback is reloaded"),
    oddity("refuses-with-200", Base::Full, "says that a login did not work on a page with status 200"),
    oddity("restarts-login", Base::Full, "begins the login anew, once, whatever went wrong with it"),
    oddity("waiting-page", Base::Full, "redeems the code in the background, behind a page that says to wait"),
    oddity("pop-up", Base::Full, "ends the login on a page that tells its opener and closes"),
    oddity("remembers-twice", Base::Full, "keeps its session in two cookies, each of which is enough"),
    oddity("partitioned-cookie", Base::Full, "keeps its session in a partitioned cookie for all sites"),
    oddity("logout-204", Base::Full, "answers a logout token with 204"),
    oddity(
        "frontchannel-by-cookie",
        Base::Full,
        "front-channel logout ends the session of the browser that asks alone",
    ),
    oddity(
        "asks-at-each-page",
        Base::Full,
        "its page that watches the session asks who is signed in before it watches",
    ),
    oddity("logout-later", Base::Full, "answers a logout token first, and ends the session afterwards"),
    oddity(
        "exits-on-odd-userinfo",
        Base::Oidc,
        "ends itself when userinfo is no JSON: a finding, and the rest unharmed",
    ),
];

/// What the manifest of a partner with these habits says otherwise.
pub fn declare(manifest: &mut Manifest, oddities: &BTreeSet<String>) {
    for oddity in oddities {
        let has = &mut manifest.capabilities.has;
        let mut lacks = |names: &[&str]| has.retain(|own| !names.contains(&own.as_str()));
        match oddity.as_str() {
            "pkce-alone" => lacks(&["state", "nonce"]),
            "never-fetches-keys" => {
                lacks(&["checks-signature"]);
                manifest.at.endpoints.remove("backchannel_logout");
            }
            "symmetric-signature" => {
                lacks(&["checks-signature"]);
                manifest.client.id_token_alg = Some("HS256".to_owned());
            }
            "asks-max-age" => has.push("max-age".to_owned()),
            "throttles-keys" => manifest.provider.key_refresh_grace = Some("5m".to_owned()),
            "never-reads-id-token" => {
                lacks(&["nonce", "checks-signature"]);
                manifest.session.identity_from = IdentityFrom::Userinfo;
            }
            "no-userinfo" => lacks(&["userinfo"]),
            "secret-in-form" => manifest.client.auth = "client_secret_post".to_owned(),
            "degrades" => manifest.session.on_revocation = OnRevocation::Degrade,
            "logout-later" => manifest.session.grace = Some("3s".to_owned()),
            _ => {}
        }
    }
}
