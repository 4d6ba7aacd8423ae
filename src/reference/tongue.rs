//! What the partner was told of the dialects that it speaks, as a developer reads it in a provider's documentation.
//! It is written down here a second time on purpose: a partner that read the provider's own files could not be wrong.

use super::Base;

/// How one dialect is spoken.
#[derive(Debug)]
pub(super) struct Tongue {
    /// ID tokens say who somebody is.
    pub openid: bool,
    /// What stands between scopes.
    pub separator: &'static str,
    /// The member of a profile that names the subject.
    pub subject: &'static str,
    /// Member of a profile -> what this partner calls it.
    pub names: &'static [(&'static str, &'static str)],
    /// Member of an error answer that holds its code.
    pub error: &'static str,
    /// What of a profile the flaw `crashes-on-missing-claim` takes to be there.
    pub counts_on: &'static [&'static str],
    /// Asked for, and without them an account is limited.
    pub required: &'static [&'static str],
    /// The base `full` cannot do without these either.
    pub required_by_full: &'static [&'static str],
    /// How the provider spells the type of its tokens (only a flaw insists on it).
    pub token_type: &'static str,
    /// Asked for on every base, and may be declined.
    pub optional: &'static [&'static str],
    /// Asked for as well from the base `oidc` on: what features need.
    pub for_features: &'static [&'static str],
    /// What works with a scope of its own.
    pub features: &'static [Feature],
    /// PKCE is on offer.
    pub pkce: bool,
    /// The API is Facebook's Graph.
    pub graph: bool,
    /// The provider is Facebook as it was until 2012: cookies of its script, pings, a wall to share on.
    pub connect: bool,
    /// What stands before an access token in the `Authorization` header.
    pub scheme: &'static str,
    /// The token endpoint may answer with a form, and does not say of which type a token is.
    pub form_token: bool,
    /// What is asked of the profile; everything there is where it is empty.
    pub profile: &'static str,
    /// It can be found out which client an access token was given to, and so the base `full` has a token login.
    pub token_login: bool,
    /// ID tokens can be had without a code, and so the base `full` has a login by one that its front end posts.
    pub id_token_login: bool,
    /// What makes the provider ask for a password again, and what says so of a token: only Facebook's way is known.
    pub reauthenticates: bool,
    /// The parameter that makes the provider ask again for what was declined.
    pub ask_again: Option<(&'static str, &'static str)>,
    /// Refresh tokens are given.
    pub refresh: bool,
}

/// A feature and the scope that it needs; an empty one: none.
#[derive(Debug)]
pub(super) struct Feature {
    pub name: &'static str,
    pub scope: &'static str,
}

/// A feature that is named like its scope.
const fn like(scope: &'static str) -> Feature {
    Feature { name: scope, scope }
}

const OIDC: Tongue = Tongue {
    openid: true,
    separator: " ",
    subject: "sub",
    names: &[],
    error: "error",
    counts_on: &["name", "picture"],
    required: &["openid"],
    required_by_full: &["profile"],
    token_type: "Bearer",
    optional: &["profile", "email"],
    for_features: &["contacts"],
    features: &[like("profile"), like("contacts")],
    pkce: true,
    graph: false,
    connect: false,
    scheme: "Bearer",
    form_token: false,
    profile: "",
    token_login: true,
    id_token_login: true,
    reauthenticates: false,
    ask_again: None,
    refresh: true,
};

const ACME: Tongue = Tongue {
    openid: false,
    separator: ",",
    subject: "id",
    names: &[("display_name", "name"), ("mail", "email")],
    error: "code",
    counts_on: &["name", "email"],
    required: &["basic"],
    required_by_full: &[],
    optional: &["mail"],
    for_features: &["contacts"],
    features: &[like("contacts")],
    token_login: false,
    id_token_login: false,
    ..OIDC
};

/// v12 and later.
const FACEBOOK_LOGIN: Tongue = Tongue {
    openid: false,
    separator: ",",
    subject: "id",
    names: &[],
    error: "error",
    counts_on: &["name", "email"],
    required: &["public_profile"],
    required_by_full: &["email"],
    token_type: "bearer",
    optional: &["email"],
    for_features: &["user_friends"],
    features: &[Feature { name: "friends", scope: "user_friends" }],
    pkce: false,
    graph: true,
    connect: false,
    scheme: "Bearer",
    form_token: false,
    profile: "fields=id,name,email",
    token_login: true,
    id_token_login: true,
    reauthenticates: true,
    ask_again: Some(("auth_type", "rerequest")),
    refresh: false,
};

/// 2010 to 2012.
const FACEBOOK_CONNECT: Tongue = Tongue {
    required: &[],
    for_features: &["user_groups", "publish_stream"],
    features: &[Feature { name: "groups", scope: "user_groups" }, Feature { name: "friends", scope: "" }],
    connect: true,
    scheme: "OAuth",
    form_token: true,
    profile: "",
    token_login: false,
    id_token_login: false,
    reauthenticates: false,
    ask_again: None,
    ..FACEBOOK_LOGIN
};

/// How a dialect is spoken; one that it never heard of as OpenID Connect.
pub(super) fn of(dialect: &str) -> &'static Tongue {
    match dialect {
        "acme" => &ACME,
        "facebook-login" => &FACEBOOK_LOGIN,
        "facebook-connect" => &FACEBOOK_CONNECT,
        _ => &OIDC,
    }
}

impl Tongue {
    /// The scopes without which an account is limited.
    pub fn required(&self, base: Base) -> Vec<String> {
        let more = (base == Base::Full).then_some(self.required_by_full);
        self.required.iter().chain(more.into_iter().flatten()).copied().map(str::to_owned).collect()
    }

    /// Every scope that a login asks for.
    pub fn scopes(&self, base: Base) -> Vec<String> {
        let more = if base == Base::Min { &[] } else { self.for_features };
        [self.required, self.optional, more].concat().into_iter().map(str::to_owned).collect()
    }
}
