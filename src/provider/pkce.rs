//! The challenge of an authorization request (RFC 7636). Its verifier is the token endpoint's affair.

use crate::model::case::PkcePolicy;

use super::inbound::one;

/// PKCE (RFC 7636): S256 only, since `plain` protects nothing that a thief of the request has not seen.
pub(super) fn challenge(parameters: &[(String, String)], policy: PkcePolicy) -> Result<Option<String>, &'static str> {
    if policy == PkcePolicy::Ignore {
        return Ok(None);
    }
    let method = one(parameters, "code_challenge_method");
    match one(parameters, "code_challenge") {
        None if policy == PkcePolicy::Require => Err("code_challenge is required (RFC 7636)"),
        None if method.is_some() => Err("code_challenge_method without code_challenge"),
        None => Ok(None),
        Some(_) if method != Some("S256") => Err("code_challenge_method must be S256"),
        Some(challenge) => {
            let letters = challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            if challenge.len() == 43 && letters {
                Ok(Some(challenge.to_owned()))
            } else {
                Err("code_challenge is no S256 challenge")
            }
        }
    }
}
