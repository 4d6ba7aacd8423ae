//! What the reference partner says of itself, as any partner does.

use super::Base;
use super::tongue::{self, Feature, Tongue};
use super::web::SHOWN;

/// Its registrations with further providers.
const SECOND: &str = r#"
[second_provider]
login = "/login/{provider}"
redirect_uris = ["{base}/callback/{provider}", "{base}/callback"]
"#;

/// People who come without the provider.
const LOCAL_ACCOUNTS: &str = r#"
sign_up = { path = "/signup", method = "POST", page = "/signup", form = { email = "{email}", name = "{name}", password = "{password}" } }
local_login = { path = "/local-login", method = "POST", page = "/local-login", form = { email = "{email}", password = "{password}" } }
"#;

/// What only OpenID Connect has: the end of a session that the provider tells of.
const OPENID: &str = r#"
endpoints.backchannel_logout = "/backchannel-logout"
endpoints.frontchannel_logout = "/frontchannel-logout"
check_session = "/account"
"#;

/// The front end gets an access token by itself.
const TOKEN_LOGIN: &str = r#"
token_login = { path = "/token-login", method = "POST", form = { access_token = "{access_token}" } }
"#;

/// The front end gets an ID token by itself.
const ID_TOKEN_LOGIN: &str = r#"
id_token_login = { path = "/id-token-login", method = "POST", form = { id_token = "{id_token}" } }
"#;

/// What Facebook tells an app by itself.
const REMOVAL: &str = r#"
endpoints.deauthorize = "/deauthorize"
endpoints.data_deletion = "/data-deletion"
"#;

/// What Facebook had until 2012: the cookie of its script, and the ping that tells of a removal.
const CONNECT: &str = r#"
cookie_login = "/login/cookie"
endpoints.post_remove = "/post-remove"
"#;

/// Sharing on the person's wall.
const SHARE: &str = r#"
share = { path = "/share", method = "POST", form = { message = "{story}", audience = "{audience}" } }
"#;

/// What is asked at `restserver.php`.
const REST: &str = r#"
endpoints.rest = "/friends"
"#;

/// A list of texts, as TOML.
fn list<S: std::borrow::Borrow<str>>(texts: &[S]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("\"{}\"", text.borrow())).collect();
    format!("[{}]", quoted.join(", "))
}

/// What it can do.
fn capabilities(base: Base, tongue: &Tongue) -> Vec<&'static str> {
    let openid = tongue.openid;
    let all = [
        ("state", true),
        ("nonce", openid && base >= Base::Oidc),
        ("pkce", tongue.pkce && base == Base::Full),
        ("userinfo", base >= Base::Oidc || !openid),
        ("checks-signature", openid),
        ("api", base >= Base::Oidc),
        ("refresh", tongue.refresh && base >= Base::Oidc),
        ("discovery", openid),
        ("rp-initiated-logout", openid && base == Base::Full),
        ("reauthenticates", tongue.reauthenticates && base == Base::Full),
    ];
    all.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
}

/// The manifest of the reference partner, as TOML text.
pub fn manifest(base: Base, dialect: &str) -> String {
    let (name, tongue) = (base.name(), tongue::of(dialect));
    let required = tongue.required(base);
    let mut optional = tongue.scopes(base);
    optional.retain(|scope| !required.contains(scope));
    let (required, optional, has) = (list(&required), list(&optional), list(&capabilities(base, tongue)));
    let shown = if tongue.openid { SHOWN.as_slice() } else { &SHOWN[..2] };
    let fields: Vec<String> = shown.iter().map(|field| format!("{field} = \"/{field}\"")).collect();
    let identity = if tongue.openid { "" } else { "identity_from = \"userinfo\"\n" };
    let fields = format!("fields = {{ {} }}\n{identity}", fields.join(", "));
    let mut places = String::new();
    if base >= Base::Oidc {
        for Feature { name, scope } in tongue.features {
            let needs = if scope.is_empty() { String::new() } else { format!("\"{scope}\"") };
            let place = format!("{{ path = \"/features/{name}\", needs = [{needs}] }}");
            places.push_str(&format!("features.{name} = {place}\n"));
        }
        places.push_str(LOCAL_ACCOUNTS);
    }
    let full = base == Base::Full;
    if full && tongue.openid {
        places.push_str(OPENID);
    }
    if full && tongue.token_login {
        places.push_str(TOKEN_LOGIN);
    }
    if full && tongue.id_token_login {
        places.push_str(ID_TOKEN_LOGIN);
    }
    if let (true, Some(_), Some(Feature { name, .. })) = (base >= Base::Oidc, tongue.ask_again, tongue.features.first())
    {
        places.push_str(&format!("ask_again = \"/features/{name}/allow\"\n"));
    }
    if full && tongue.reauthenticates {
        places.push_str("delete_account = \"/account/delete\"\n");
    }
    if tongue.graph {
        places.push_str(REMOVAL);
    }
    if tongue.connect {
        places.push_str(CONNECT);
    }
    if tongue.connect && base >= Base::Oidc {
        places.push_str(SHARE);
    }
    if full && tongue.connect {
        places.push_str(REST);
    }
    let auth = if tongue.graph { "client_secret_post" } else { "client_secret_basic" };
    let second = if full { SECOND } else { "" };
    let logged_out = if full && tongue.openid { "post_logout_redirect_uris = [\"{base}/logged-out\"]\n" } else { "" };
    format!(
        r#"name = "reference-{name}"
suite = "0.1"
dialect = "{dialect}"
tier = "strict"
patience = "8s"

[client]
id = "reference"
auth = "{auth}"
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
{places}
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
            for dialect in ["oidc", "acme", "facebook-login", "facebook-connect"] {
                let manifest: Manifest = toml::from_str(&manifest(base, dialect)).unwrap();
                assert_eq!(manifest.dialect, dialect);
            }
        }
    }
}
