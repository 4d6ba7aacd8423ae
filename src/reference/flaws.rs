//! The flaws of the reference partner, each a switch. One mechanism: a set of names that is asked at the place where a
//! sound partner would decide otherwise.

use std::collections::BTreeSet;

use super::{Base, Flaw};

/// Which flaws are switched on.
#[derive(Debug, Clone, Default)]
pub(super) struct Flaws(pub BTreeSet<String>);

impl Flaws {
    /// Whether this one is on.
    pub fn has(&self, id: &str) -> bool {
        debug_assert!(FLAWS.iter().any(|flaw| flaw.id == id), "no flaw {id}");
        self.0.contains(id)
    }
}

const fn flaw(id: &'static str, shows_on: Base, what: &'static str) -> Flaw {
    Flaw { id, what, shows_on }
}

/// Every flaw that is built, in the order of what it is about.
pub const FLAWS: &[Flaw] = &[
    // state
    flaw("skip-state", Base::Min, "the callback ignores state altogether"),
    flaw("state-only-presence", Base::Min, "any state that is not empty is accepted"),
    flaw("state-missing-ok", Base::Min, "state is checked only when the parameter is there"),
    flaw("state-prefix-compare", Base::Min, "only the first 8 characters of state are compared"),
    flaw("state-not-bound-to-session", Base::Min, "states are kept in one set for all browsers"),
    flaw("state-constant", Base::Min, "state is fixed when the process starts"),
    flaw(
        "state-unsigned-json",
        Base::Min,
        "state is readable JSON with the address to return to, unsigned and believed",
    ),
    flaw("state-reused", Base::Min, "one state per browser session, never renewed"),
    flaw("no-csrf-defence", Base::Min, "neither state nor nonce nor challenge is sent"),
    flaw("code-not-bound-to-browser", Base::Min, "logins under way are found by state alone, whatever the browser"),
    // providers
    flaw("provider-in-single-slot", Base::Full, "the provider is the one that the browser began with last"),
    flaw("one-callback-for-all", Base::Full, "one callback serves every provider, and who answers is not compared"),
    // ID token
    flaw("skip-nonce", Base::Oidc, "the nonce is sent and never compared"),
    flaw("nonce-constant", Base::Oidc, "the nonce is fixed when the process starts"),
    flaw("no-pkce-no-nonce", Base::Oidc, "neither a challenge nor a nonce check: state alone"),
    flaw("accept-alg-none", Base::Min, "an unsecured ID token is accepted"),
    flaw("no-signature-check", Base::Min, "the ID token is decoded only"),
    flaw("skip-iss", Base::Min, "the issuer of the ID token is not checked"),
    flaw("skip-aud", Base::Min, "the audience of the ID token is not checked"),
    flaw("azp-instead-of-aud", Base::Min, "an ID token is for this client if its azp says so, whatever its audience"),
    flaw("skip-exp", Base::Min, "the expiry of the ID token is not checked"),
    flaw("nonce-missing-ok", Base::Oidc, "the nonce is compared only when the ID token has one"),
    flaw("exp-missing-ok", Base::Min, "an ID token without expiry never expires"),
    flaw("crash-on-aud-array", Base::Min, "500 when the audience is a list"),
    flaw("rejects-unknown-claim", Base::Min, "an ID token with claims it does not know is refused"),
    flaw("logs-in-without-id-token", Base::Oidc, "without an ID token userinfo says who it is"),
    flaw("jwks-never-refreshed", Base::Min, "keys are loaded once and never again"),
    flaw("jwks-choke-on-unknown", Base::Min, "a key that it cannot use makes it refuse the whole key set"),
    flaw("kid-required", Base::Min, "a token that names no key is refused, however few keys there are"),
    // accounts and fields
    flaw("email-as-key", Base::Min, "the account is looked up by e-mail address"),
    flaw("sub-without-iss", Base::Full, "the account is looked up by the subject alone, whoever the issuer is"),
    flaw("link-unverified-email", Base::Oidc, "a local account is linked by an address that nobody verified"),
    flaw("sub-casefold", Base::Min, "subjects are compared without regard to case"),
    flaw("null-sub-account", Base::Min, "a subject that is missing is taken as the empty one"),
    flaw(
        "missing-verified-means-verified",
        Base::Oidc,
        "an address counts as verified unless the provider says that it is not",
    ),
    flaw("username-as-key", Base::Min, "the account is looked up by the name that a person goes by"),
    flaw("identifier-change-new-account", Base::Min, "another e-mail address opens another account"),
    flaw(
        "account-before-check",
        Base::Min,
        "an account is opened before it is asked whether the ID token names anybody",
    ),
    flaw("shared-null-email", Base::Min, "people without an address share an account"),
    flaw("userinfo-sub-unchecked", Base::Oidc, "userinfo about another subject is used"),
    flaw("userinfo-retry-storm", Base::Oidc, "asks userinfo again and again when it refuses the token"),
    flaw("crashes-on-missing-claim", Base::Min, "500 when the name or the picture is absent"),
    flaw("prints-undefined", Base::Min, "\"undefined\" is shown for what is absent"),
    flaw("unescaped-name", Base::Min, "the name is printed raw"),
    // consent
    flaw("assumes-all-scopes-granted", Base::Oidc, "the scope of the token response is ignored"),
    flaw("missing-scope-means-none", Base::Oidc, "a token response without scope is read as nothing granted"),
    flaw("scope-order-matters", Base::Oidc, "a scope is found only where the request had it"),
    flaw("over-requests-scopes", Base::Min, "asks for everything there is"),
    flaw("required-declined-crash", Base::Full, "500 when the person declines what is needed"),
    flaw("rerequests-declined-scope-in-loop", Base::Min, "sends the person back until everything is granted"),
    flaw("cancel-crash", Base::Min, "500 when the person refuses"),
    flaw("keeps-old-grant", Base::Oidc, "what was granted once counts for ever"),
    // login and token request
    flaw("code-replayed", Base::Min, "the code is redeemed at each reload"),
    flaw("secret-in-query", Base::Min, "the client secret stands in the address of the token request"),
    flaw("token-params-in-query", Base::Min, "the token request has its parameters in the address as well"),
    flaw("repeats-authz-parameter", Base::Min, "the authorization request has a parameter twice"),
    flaw("discovery-issuer-unchecked", Base::Min, "a discovery document about another issuer is used"),
    flaw("pkce-verifier-in-url", Base::Full, "the code_verifier is part of state"),
    flaw("unescaped-error", Base::Min, "what the provider says of an error is printed raw, and its address linked"),
    flaw("openid-not-asked", Base::Min, "asks without openid, and reads in the access token who somebody is"),
    flaw("host-header-trusted", Base::Min, "the redirect_uri is made from the Host header"),
    flaw("secret-in-bundle", Base::Min, "the client secret stands in a script"),
    flaw("rejects-unknown-parameter", Base::Min, "an answer with parameters it does not know is refused"),
    flaw("token-type-case-sensitive", Base::Min, "only the token type `Bearer` is accepted, spelled like that"),
    flaw("crashes-on-reload", Base::Min, "500 when the callback is opened again"),
    flaw("crashes-on-error-with-iss", Base::Min, "500 when an error response says whose it is"),
    flaw("rejects-unknown-member", Base::Min, "a token response with members it does not know is refused"),
    // session
    flaw("session-id-in-url", Base::Min, "the page after the login has session and access token in its address"),
    flaw("cookie-no-httponly", Base::Min, "the session cookie can be read by scripts"),
    flaw("session-not-regenerated", Base::Min, "the session keeps the identifier that it had before the login"),
    flaw("cookie-not-secure", Base::Min, "the session cookie goes along over plain http"),
    flaw("global-current-user", Base::Min, "who is signed in is kept in one variable for all"),
    flaw("open-redirect-return", Base::Min, "the address to return to is not checked"),
    flaw("open-redirect-prefix", Base::Min, "the address to return to is checked by its beginning only"),
    // tokens
    flaw("ignore-401", Base::Oidc, "goes on calling the API with a dead access token"),
    flaw("refresh-loop", Base::Oidc, "tries a refused refresh token again and again"),
    flaw("refresh-without-retry", Base::Oidc, "refreshes, and then does not repeat the call"),
    flaw("refresh-demands-id-token", Base::Oidc, "a refresh response without an ID token ends the session"),
    flaw("keeps-old-refresh-token", Base::Oidc, "a rotated refresh token is not stored"),
    flaw("drops-refresh-when-absent", Base::Oidc, "a refresh response without a refresh token costs the old one"),
    flaw("ignore-expired-session-after-revoke", Base::Oidc, "the session lives on after the grant is gone"),
    flaw("bearer-in-query", Base::Oidc, "the access token stands in the address of userinfo and API"),
    flaw(
        "accepts-foreign-access-token",
        Base::Full,
        "the token login takes access tokens that other clients were given",
    ),
    // logout
    flaw("logout-token-no-sig-check", Base::Full, "the logout token is decoded only"),
    flaw("logout-only-cookie", Base::Full, "back-channel logout clears the caller's cookie, not the session"),
    flaw("logout-all-on-sid", Base::Full, "a logout token ends every session there is"),
    flaw("logout-keeps-server-session", Base::Min, "signing out forgets the cookie, and the session goes on"),
    flaw("logout-provider-first", Base::Full, "the session ends only when the browser comes back from the provider"),
    flaw("logout-200-always", Base::Full, "bad logout tokens are answered 200, though ignored"),
    // resilience
    flaw("tls-verify-off", Base::Min, "the provider's certificate is not looked at"),
    flaw("no-http-timeout", Base::Min, "waits for the provider for ever"),
    flaw("no-json-guard", Base::Min, "500 when an answer is no JSON"),
    flaw("restarts-on-error", Base::Min, "sends the person to the provider again at every error, for ever"),
    flaw("hot-retry", Base::Min, "tries again at once, and again, when the provider fails"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flaw_has_an_id_of_its_own_and_says_what_is_wrong() {
        let ids: BTreeSet<&str> = FLAWS.iter().map(|flaw| flaw.id).collect();
        assert_eq!(ids.len(), FLAWS.len());
        assert!(FLAWS.iter().all(|flaw| !flaw.what.is_empty()));
    }
}
