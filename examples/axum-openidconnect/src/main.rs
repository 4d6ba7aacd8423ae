//! A small site with "Log in with …": axum, tower-sessions and openidconnect, used as their documentation says.

mod pages;
mod tls;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Redirect, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IssuerUrl, LocalizedClaim, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse as _, reqwest,
};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

type Failure = Box<dyn Error + Send + Sync>;
type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

struct Site {
    issuer: String,
    client_id: String,
    client_secret: String,
    base: String,
    http: reqwest::Client,
    client: OnceCell<Client>,
}

/// A login that was begun in this browser and not finished.
#[derive(Serialize, Deserialize)]
struct Login {
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    return_to: String,
}

/// Who is signed in.
#[derive(Serialize, Deserialize)]
struct User {
    sub: String,
    account: String,
    name: Option<String>,
    email: Option<String>,
    picture: Option<String>,
}

#[derive(Deserialize)]
struct Wish {
    return_to: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    state: Option<CsrfToken>,
    code: Option<AuthorizationCode>,
    error: Option<String>,
}

impl Site {
    fn from_environment() -> Result<(Site, String), Failure> {
        let read = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
        let http = reqwest::Client::builder()
            // Following redirects would open the client to server-side request forgery.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(5))
            .build()?;
        let site = Site {
            issuer: read("ISSUER")?,
            client_id: read("CLIENT_ID")?,
            client_secret: read("CLIENT_SECRET")?,
            base: read("BASE_URL")?,
            http,
            client: OnceCell::new(),
        };
        Ok((site, read("PORT")?))
    }

    /// Discovered at the first login and kept until the process ends.
    async fn client(&self) -> Result<&Client, Failure> {
        self.client
            .get_or_try_init(|| async {
                let issuer = IssuerUrl::new(self.issuer.clone())?;
                let metadata = CoreProviderMetadata::discover_async(issuer, &self.http).await?;
                let secret = ClientSecret::new(self.client_secret.clone());
                let client =
                    CoreClient::from_provider_metadata(metadata, ClientId::new(self.client_id.clone()), Some(secret));
                Ok(client.set_redirect_uri(RedirectUrl::new(format!("{}/callback", self.base))?))
            })
            .await
    }

    /// From the provider's answer to a person whom the provider vouches for.
    async fn finish(&self, login: Login, answer: Answer) -> Result<User, Failure> {
        if answer.state.as_ref() != Some(&login.state) {
            return Err("the state is not that of this login".into());
        }
        if let Some(error) = answer.error {
            return Err(format!("the provider answered {error:?}").into());
        }
        let client = self.client().await?;
        let code = answer.code.ok_or("the provider sent no code")?;
        let tokens = client.exchange_code(code)?.set_pkce_verifier(login.verifier).request_async(&self.http).await?;
        let id_token = tokens.id_token().ok_or("the provider sent no ID token")?;
        let verifier = client.id_token_verifier();
        let claims = id_token.claims(&verifier, &login.nonce)?;
        if let Some(expected) = claims.access_token_hash() {
            let key = id_token.signing_key(&verifier)?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), id_token.signing_alg()?, key)?;
            if actual != *expected {
                return Err("the access token is not that of the ID token".into());
            }
        }
        let subject = claims.subject().clone();
        let access_token = tokens.access_token().clone();
        let info: CoreUserInfoClaims = client.user_info(access_token, Some(subject))?.request_async(&self.http).await?;
        Ok(User {
            sub: claims.subject().to_string(),
            account: claims.subject().to_string(),
            name: info.name().and_then(plain).map(|name| name.to_string()),
            email: info.email().map(|email| email.to_string()),
            picture: info.picture().and_then(plain).map(|picture| picture.to_string()),
        })
    }
}

/// The value of a claim without a language.
fn plain<T>(claim: &LocalizedClaim<T>) -> Option<&T> {
    claim.get(None)
}

/// Only paths of this site: a browser reads `//host`, `/\host` and both with a tab in between as another site.
fn own_path(wish: Option<String>) -> String {
    wish.filter(|path| {
        path.starts_with('/') && !path[1..].starts_with(['/', '\\']) && path.bytes().all(|byte| byte.is_ascii_graphic())
    })
    .unwrap_or_else(|| "/".to_owned())
}

async fn home(session: Session) -> Result<Html<String>, Broken> {
    Ok(match session.get::<User>("user").await? {
        None => pages::welcome(),
        Some(user) => pages::account(&[("name", user.name), ("email", user.email), ("picture", user.picture)]),
    })
}

async fn me(session: Session) -> Result<Response, Broken> {
    Ok(match session.get::<User>("user").await? {
        None => (StatusCode::UNAUTHORIZED, pages::trouble("Nobody is signed in.")).into_response(),
        Some(user) => Json(user).into_response(),
    })
}

async fn login(State(site): State<Arc<Site>>, session: Session, Query(wish): Query<Wish>) -> Result<Redirect, Broken> {
    let client = site.client().await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("profile".to_owned()))
        .add_scope(Scope::new("email".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    session.insert("login", Login { state, nonce, verifier, return_to: own_path(wish.return_to) }).await?;
    Ok(Redirect::to(url.as_str()))
}

async fn callback(
    State(site): State<Arc<Site>>,
    session: Session,
    Query(answer): Query<Answer>,
) -> Result<Response, Broken> {
    // One use: whatever comes of it, the next answer needs a new login.
    let Some(login) = session.remove::<Login>("login").await? else {
        return Ok((StatusCode::BAD_REQUEST, pages::trouble("No login was begun here.")).into_response());
    };
    let return_to = login.return_to.clone();
    match site.finish(login, answer).await {
        Ok(user) => {
            session.cycle_id().await?;
            session.insert("user", user).await?;
            Ok(Redirect::to(&return_to).into_response())
        }
        Err(failure) => {
            eprintln!("login failed: {failure}");
            Ok((StatusCode::BAD_REQUEST, pages::trouble("Nobody was signed in.")).into_response())
        }
    }
}

async fn logout(session: Session) -> Result<Redirect, Broken> {
    session.flush().await?;
    Ok(Redirect::to("/"))
}

/// Whatever a handler could not do, the provider being away among it.
struct Broken(Failure);

impl<E: Into<Failure>> From<E> for Broken {
    fn from(error: E) -> Self {
        Broken(error.into())
    }
}

impl IntoResponse for Broken {
    fn into_response(self) -> Response {
        eprintln!("failed: {}", self.0);
        (StatusCode::BAD_GATEWAY, pages::trouble("The provider cannot be used at the moment.")).into_response()
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (site, port) = Site::from_environment()?;
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on {}", site.base);
    // Lax, because the provider sends the browser back.
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_name("sid")
        .with_secure(site.base.starts_with("https:"))
        .with_same_site(SameSite::Lax);
    let routes = Router::new()
        .route("/healthz", get(|| async { "ready" }))
        .route("/", get(home))
        .route("/me", get(me))
        .route("/login", get(login))
        .route("/callback", get(callback))
        .route("/logout", post(logout))
        .layer(middleware::map_response(|mut response: Response| async {
            response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
            response
        }))
        .layer(sessions)
        .with_state(Arc::new(site));
    let file = |name: &str| std::env::var(name).ok().filter(|path| !path.is_empty());
    match (file("TLS_CERT"), file("TLS_KEY")) {
        (Some(certificate), Some(key)) => axum::serve(tls::Https::over(listener, &certificate, &key)?, routes).await?,
        _ => axum::serve(listener, routes).await?,
    }
    Ok(())
}
