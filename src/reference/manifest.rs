//! What the reference partner says of itself, as any partner does.

use super::Base;

/// Its registrations with further providers.
const SECOND: &str = r#"
[second_provider]
login = "/login/{provider}"
redirect_uris = ["{base}/callback/{provider}", "{base}/callback"]
"#;

/// The manifest of the reference partner, as TOML text.
pub fn manifest(base: Base, dialect: &str) -> String {
    let name = base.name();
    let (required, optional) = match (dialect, base) {
        ("acme", _) => ("[\"basic\"]", "[\"mail\"]"),
        (_, Base::Min) => ("[\"openid\"]", "[\"profile\", \"email\"]"),
        (_, Base::Full) => ("[\"openid\", \"profile\"]", "[\"email\", \"contacts\"]"),
        _ => ("[\"openid\"]", "[\"profile\", \"email\", \"contacts\"]"),
    };
    let has = match (dialect, base) {
        ("acme", Base::Full) => "[\"state\", \"pkce\", \"userinfo\"]",
        ("acme", _) => "[\"state\", \"userinfo\"]",
        (_, Base::Min) => "[\"state\", \"checks-signature\", \"discovery\"]",
        (_, Base::Oidc) => {
            "[\"state\", \"nonce\", \"userinfo\", \"checks-signature\", \"api\", \"refresh\", \"discovery\"]"
        }
        (_, Base::Full) => {
            "[\"state\", \"nonce\", \"pkce\", \"userinfo\", \"checks-signature\", \"api\", \"refresh\", \"discovery\", \"rp-initiated-logout\"]"
        }
    };
    let fields = if dialect == "acme" {
        "fields = { name = \"/name\", email = \"/email\" }\nidentity_from = \"userinfo\""
    } else {
        "fields = { name = \"/name\", email = \"/email\", picture = \"/picture\", preferred_username = \"/preferred_username\" }"
    };
    let features = if base == Base::Min || dialect == "acme" {
        ""
    } else {
        "features.profile = { path = \"/features/profile\", needs = [\"profile\"] }\n\
         features.contacts = { path = \"/features/contacts\", needs = [\"contacts\"] }\n\
         sign_up = { path = \"/signup\", method = \"POST\", page = \"/signup\", form = { email = \"{email}\", name = \"{name}\", password = \"{password}\" } }\n\
         local_login = { path = \"/local-login\", method = \"POST\", page = \"/local-login\", form = { email = \"{email}\", password = \"{password}\" } }\n"
    };
    let second = if base == Base::Full && dialect != "acme" { SECOND } else { "" };
    let logout = if base == Base::Full && dialect != "acme" {
        "endpoints.backchannel_logout = \"/backchannel-logout\"\n\
         token_login = { path = \"/token-login\", method = \"POST\", form = { access_token = \"{access_token}\" } }\n"
    } else {
        ""
    };
    let logged_out = if base == Base::Full && dialect != "acme" {
        "post_logout_redirect_uris = [\"{base}/logged-out\"]\n"
    } else {
        ""
    };
    format!(
        r#"name = "reference-{name}"
suite = "0.1"
dialect = "{dialect}"
tier = "strict"
patience = "8s"

[client]
id = "reference"
auth = "client_secret_basic"
redirect_uris = ["{{base}}/callback"]
{logged_out}
[scopes]
required = {required}
optional = {optional}

[at]
base = "http://127.0.0.1:{{port}}"
login = "/login"
logout = {{ path = "/logout", method = "POST" }}
home = "/"
return_param = "return_to"
{features}{logout}
[session]
url = "/me"
who = {{ subject = "/sub", account = "/account" }}
{fields}

[accounts]
reset = {{ method = "POST", path = "/test/reset" }}
count = {{ url = "/test/accounts", at = "/opened" }}

[provider]
key_refresh_grace = "0s"
{second}
[start]
command = ["countersign", "partner"]

[capabilities]
has = {has}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::manifest::Manifest;

    #[test]
    fn the_manifests_can_be_read() {
        for base in Base::ALL {
            for dialect in ["oidc", "acme"] {
                let manifest: Manifest = toml::from_str(&manifest(base, dialect)).unwrap();
                assert_eq!(manifest.dialect, dialect);
            }
        }
    }
}
