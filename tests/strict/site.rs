//! A running provider with a few registered clients and two people, and an honest login from end to end.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::model::case::{PkcePolicy, ProviderOptions, RefreshPolicy};
use countersign::model::dialect::Dialect;
use countersign::model::persona::Person;
use countersign::provider::{ClientRegistration, Everyday, Provider, ProviderConfig};
use serde_json::Value as Json;

use super::http::{Answer, Ask, Pairs, encoded, get, post};

pub const CALLBACK: &str = "http://127.0.0.1:1/callback";
pub const AFTERWARDS: &str = "http://127.0.0.1:1/bye";
pub const SECRET: &str = "k7Qm2xV9bT4wZ8nR1cY6pL3sD5fH0jGa";
/// Of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The provider, and who knows it.
pub struct Site {
    pub provider: Provider,
    pub alice: Person,
    pub bob: Person,
}

/// What a code gave.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub id: String,
}

pub fn client(id: &str, auth: &str) -> ClientRegistration {
    ClientRegistration {
        id: id.to_owned(),
        secret: (auth != "none").then(|| SECRET.to_owned()),
        auth: auth.to_owned(),
        redirect_uris: vec![CALLBACK.to_owned()],
        post_logout_redirect_uris: vec![AFTERWARDS.to_owned()],
        ..ClientRegistration::default()
    }
}

/// The dialect that ships.
pub fn dialect() -> Dialect {
    let dialect = Dialect::from_files(
        include_str!("../../specs/dialects/oidc/dialect.toml"),
        include_str!("../../specs/dialects/oidc/personas.toml"),
    );
    dialect.expect("the shipped dialect")
}

impl Site {
    /// `shop` (basic), `poster` (post), `public` (none), `other` (basic).
    pub async fn start() -> Site {
        Site::start_with(|_| {}).await
    }

    /// The same with some of its configuration changed.
    pub async fn start_with(change: impl FnOnce(&mut ProviderConfig)) -> Site {
        Site::start_everyday(change, Everyday::default()).await
    }

    /// The same with what `serve` can switch on.
    pub async fn start_everyday(change: impl FnOnce(&mut ProviderConfig), everyday: Everyday) -> Site {
        let dialect = dialect();
        let person =
            |at: usize| Person::mint(&dialect.personas[at], &dialect.personas[at].name, 1, "strict", None, None);
        let (alice, bob) = (person(0), person(1));
        let clients = [
            client("shop", "client_secret_basic"),
            client("poster", "client_secret_post"),
            client("public", "none"),
            client("other", "client_secret_basic"),
        ];
        let mut config = ProviderConfig {
            clients: clients.into(),
            people: vec![alice.clone(), bob.clone()],
            ..ProviderConfig::new(dialect)
        };
        change(&mut config);
        Site { provider: Provider::serve(config, everyday).await.expect("a free port"), alice, bob }
    }

    pub async fn ask(&self, ask: Ask) -> Answer {
        ask.send(self.provider.address()).await
    }

    /// The provider's clock from now on.
    pub fn clock(&self, seconds: i64) {
        self.options(|options| options.clock = Some(seconds));
    }

    pub fn refresh(&self, policy: RefreshPolicy) {
        self.options(|options| options.refresh = Some(policy));
    }

    pub fn pkce(&self, policy: PkcePolicy) {
        self.options(|options| options.pkce = Some(policy));
    }

    pub fn options(&self, set: impl FnOnce(&mut ProviderOptions)) {
        let mut options = ProviderOptions::default();
        set(&mut options);
        self.provider.everybody().options(&options).expect("options that this provider has");
    }

    /// The path and query of an authorization request: an honest one, with some parameters changed (an empty text
    /// leaves one out).
    pub fn authorize_target(&self, changed: Pairs<'_>) -> String {
        format!("/authorize?{}", encoded(&request(changed)))
    }

    pub async fn authorize(&self, changed: Pairs<'_>) -> Answer {
        self.ask(get(&self.authorize_target(changed))).await
    }

    /// Alice logs in and grants everything: the answer that carries the code, and her cookies.
    pub async fn logged_in(&self, changed: Pairs<'_>) -> (Answer, String) {
        self.log_in(&self.alice, changed, None).await
    }

    /// Somebody logs in and grants these scopes, or all that is asked.
    pub async fn log_in(&self, person: &Person, changed: Pairs<'_>, grant: Option<&[&str]>) -> (Answer, String) {
        let page = self.authorize(changed).await;
        assert_eq!(page.status, 200, "{page:?}");
        let (mut cookies, transaction) = (page.cookies(), hidden(&page.body, "transaction"));
        let entries =
            [("transaction", transaction.as_str()), ("username", &person.login), ("password", &person.password)];
        let page = self.ask(post("/authorize/login", &entries).header("cookie", &cookies.join("; "))).await;
        assert_eq!(page.status, 200, "{page:?}");
        cookies.extend(page.cookies());
        let asked =
            request(changed).iter().find(|(name, _)| *name == "scope").map_or("", |(_, scope)| scope).to_owned();
        let granted: Vec<&str> = grant.map_or_else(|| asked.split(' ').collect(), <[&str]>::to_vec);
        let mut answer = vec![("transaction", transaction.as_str()), ("decision", "allow")];
        answer.extend(granted.into_iter().map(|scope| ("scope", scope)));
        let cookies = cookies.join("; ");
        let back = self.ask(post("/authorize/consent", &answer).header("cookie", &cookies)).await;
        (back, cookies)
    }

    /// A code of an honest login.
    pub async fn code(&self, changed: Pairs<'_>) -> String {
        let (answer, _) = self.logged_in(changed).await;
        answer.parameter("code").unwrap_or_else(|| panic!("no code: {answer:?}"))
    }

    /// The request that redeems a code, with some members changed, authenticated as `shop`.
    pub async fn redeem(&self, code: &str, changed: Pairs<'_>) -> Answer {
        self.ask(redemption(code, changed).basic("shop", SECRET)).await
    }

    pub async fn tokens(&self, changed: Pairs<'_>) -> Tokens {
        let code = self.code(changed).await;
        Tokens::of(&self.redeem(&code, &[]).await)
    }

    pub async fn refreshed(&self, token: &str, changed: Pairs<'_>) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.ask(post("/token", &with(&form, changed)).basic("shop", SECRET)).await
    }

    pub async fn userinfo(&self, token: &str) -> Answer {
        self.ask(get("/userinfo").bearer(token)).await
    }
}

impl Tokens {
    #[track_caller]
    pub fn of(answer: &Answer) -> Tokens {
        assert_eq!(answer.status, 200, "{answer:?}");
        Tokens {
            access: answer.text("access_token"),
            refresh: answer.text("refresh_token"),
            id: answer.json()["id_token"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

fn request<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let honest = [
        ("response_type", "code"),
        ("client_id", "shop"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile"),
        ("state", "s"),
        ("nonce", "n"),
    ];
    with(&honest, changed)
}

/// Members with some of them changed, added, or (by an empty text) left out.
pub fn with<'a>(members: &[(&'a str, &'a str)], changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all: Vec<(&str, &str)> = members.to_vec();
    for (name, value) in changed {
        match all.iter().position(|(own, _)| own == name) {
            Some(at) => all[at].1 = value,
            None => all.push((name, value)),
        }
    }
    all.retain(|(_, value)| !value.is_empty());
    all
}

/// The form that redeems a code, without authentication.
pub fn redemption(code: &str, changed: Pairs<'_>) -> Ask {
    let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
    post("/token", &with(&form, changed))
}

/// The value of a hidden field.
pub fn hidden(html: &str, name: &str) -> String {
    let (_, rest) =
        html.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}: {html}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// The part of a token that is JSON: 0 its header, 1 its claims.
pub fn part(token: &str, at: usize) -> Json {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(at).expect("a part")).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
