//! Session management in a real browser: the provider's frame tells a page of another origin whether the session is still
//! the one that it knows (OpenID Connect Session Management 1.0, section 3.2).

use std::sync::Arc;
use std::time::Duration;

use countersign::agent::{Browser, Navigation, Submission, WantedForm};
use countersign::model::dialect::Dialect;
use countersign::model::exchange::{Party, Sequence};
use countersign::model::fault::ProviderName;
use countersign::model::persona::Person;
use countersign::provider::{ClientRegistration, Everyday, Provider, ProviderConfig};
use countersign::reference::{Base, Reference, ReferenceConfig};
use libtest_mimic::Failed;
use tokio::sync::mpsc;

use super::server::{Asked, html};
use super::{Held, cause, countersign, must, play, same, surroundings};

const SECRET: &str = "k7Qm2xV9bT4wZ8nR1cY6pL3sD5fH0jGa";

/// A page that asks the frame once, and says at its own server what the frame has said.
const WATCH: &str = r#"<iframe id="op"></iframe><script>
const asked = new URLSearchParams(location.search), frame = document.getElementById('op');
const origin = new URL(asked.get('frame')).origin;
addEventListener('message', (event) => {
  if (event.origin === origin && event.source === frame.contentWindow) fetch('/said?' + event.data);
});
frame.addEventListener('load', () => frame.contentWindow.postMessage(asked.get('message'), origin));
frame.src = asked.get('frame');
</script>"#;

/// A page of a stranger that frames the partner, and plays the provider's frame.
const FORGE: &str = r#"<iframe id="shop"></iframe><script>
const shop = document.getElementById('shop');
shop.addEventListener('load', () => {
  for (let at = 0; at < shop.contentWindow.length; at += 1) shop.contentWindow[at].postMessage('changed', '*');
  setTimeout(() => fetch('/said?' + shop.contentWindow.length), 1000);
});
shop.src = new URLSearchParams(location.search).get('shop');
</script>"#;

/// A provider that signs alice in at once, and whose client is the site at `base`. It listens on this address, which is in
/// its issuer too unless the port is any.
async fn provider(base: &str, listen: std::net::SocketAddr) -> Result<Provider, Failed> {
    let dialect = Dialect::from_files(
        include_str!("../../specs/dialects/oidc/dialect.toml"),
        include_str!("../../specs/dialects/oidc/personas.toml"),
    )?;
    let alice = Person::mint(&dialect.personas[0], "alice", 1, "check_session", None, None);
    let client = ClientRegistration {
        id: "site".to_owned(),
        secret: Some(SECRET.to_owned()),
        auth: "client_secret_basic".to_owned(),
        redirect_uris: vec![format!("{base}/callback")],
        ..ClientRegistration::default()
    };
    let config = ProviderConfig {
        name: ProviderName::Main,
        dialect: Arc::new(dialect),
        listen,
        issuer: (listen.port() != 0).then(|| format!("http://localhost:{}", listen.port())),
        clients: vec![client],
        sequence: Sequence::default(),
        people: vec![alice],
        circle: None,
        registration: false,
        capacity: None,
        tls: None,
    };
    let everyday = Everyday { auto_login: Some("alice".to_owned()), session_management: true, ..Everyday::default() };
    Ok(Provider::serve(config, everyday).await?)
}

/// A browser, the site at one base, and the issuer.
struct Scene {
    browser: Browser,
    base: String,
    issuer: String,
    said: mpsc::UnboundedReceiver<String>,
}

impl Scene {
    async fn open(&self, url: String) -> Result<String, Failed> {
        let navigation = Navigation { url, ..Navigation::default() };
        Ok(self.browser.open("first", navigation, &cause()).await?.seen.url)
    }

    /// An authorization request: the `session_state` of its answer, and the whole address.
    async fn authorize(&self, more: &str) -> Result<(String, String), Failed> {
        let (issuer, base) = (&self.issuer, &self.base);
        let request = format!(
            "{issuer}/authorize?response_type=code&client_id=site&scope=openid&redirect_uri={base}/callback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256{more}"
        );
        let came = self.open(request).await?;
        let state = url::Url::parse(&came)?
            .query_pairs()
            .find(|(name, _)| name == "session_state")
            .map(|(_, own)| own.into_owned());
        Ok((state.ok_or_else(|| Failed::from(format!("no session_state: {came}")))?, came))
    }

    /// What the frame says to a message from a page at `base`.
    async fn ask_from(&mut self, base: &str, message: &str) -> Result<String, Failed> {
        let issuer = &self.issuer;
        let mut page = url::Url::parse(&format!("{base}/watch"))?;
        page.query_pairs_mut().append_pair("frame", &format!("{issuer}/check_session")).append_pair("message", message);
        self.open(page.into()).await?;
        let said = tokio::time::timeout(Duration::from_secs(20), self.said.recv()).await;
        said.map_err(|_| Failed::from(format!("no answer to {message:?} from {base}")))?
            .ok_or_else(|| "no server".into())
    }

    async fn ask(&mut self, state: &str) -> Result<String, Failed> {
        let base = self.base.clone();
        self.ask_from(&base, &format!("site {state}")).await
    }
}

pub fn frame() -> Held {
    let (says, said) = mpsc::unbounded_channel();
    play(
        move |asked: &Asked| match asked.target.split_once('?') {
            Some(("/said", what)) => {
                let _ = says.send(what.to_owned());
                html("")
            }
            Some(("/watch", _)) => html(WATCH),
            _ => html("so"),
        },
        |stage| async move {
            // Another site than the provider's: its frame has its cookies all the same.
            let base = stage.server.at("");
            let provider = provider(&base, ([127, 0, 0, 1], 0).into()).await?;
            let issuer = provider.issuer().to_owned();
            must(issuer.starts_with("http://localhost:"), issuer.clone())?;
            let origins = [
                (issuer.clone(), Party::Provider(ProviderName::Main)),
                (base.clone(), Party::Partner),
                (stage.server.named(""), Party::Partner),
            ];
            let mut scene = Scene {
                browser: Browser::new("one", surroundings(&stage.chromium, origins.into())),
                base,
                issuer,
                said,
            };

            let (alice, _) = scene.authorize("").await?;
            same(scene.ask(&alice).await?.as_str(), "unchanged")?;
            let (hash, salt) = alice.split_once('.').ok_or("no salt")?;
            same(scene.ask(&format!("{hash}.{salt}0")).await?.as_str(), "changed")?;
            // What is no message of a client, and whoever is not at the client's origin, learns nothing.
            for message in ["", "site", "site x", "site x.y", &alice, &format!("nobody {alice}"), &format!(" {alice}")]
            {
                let base = scene.base.clone();
                same(scene.ask_from(&base, message).await?.as_str(), "error")?;
            }
            let stranger = stage.server.named("");
            same(scene.ask_from(&stranger, &format!("site {alice}")).await?.as_str(), "error")?;

            scene.open(format!("{}/end_session", scene.issuer)).await?;
            same(scene.ask(&alice).await?.as_str(), "unchanged")?;
            scene.open(format!("{}/end_session", scene.issuer)).await?;
            let sent = Submission { values: vec![("decision".to_owned(), "logout".to_owned())], without: Vec::new() };
            let form = WantedForm::Step("logout".to_owned());
            scene.browser.submit("first", &form, &sent, Vec::new(), &cause()).await?;
            same(scene.ask(&alice).await?.as_str(), "changed")?;

            // What the error says is true until somebody signs in.
            let (nobody, came) = scene.authorize("&prompt=none").await?;
            must(came.contains("error=login_required"), came)?;
            same(scene.ask(&nobody).await?.as_str(), "unchanged")?;
            let (again, _) = scene.authorize("").await?;
            same(scene.ask(&nobody).await?.as_str(), "changed")?;
            same(scene.ask(&alice).await?.as_str(), "changed")?;
            same(scene.ask(&again).await?.as_str(), "unchanged")
        },
    )
}

/// Alice signs out at the provider with this browser, in a tab of its own.
async fn sign_out(browser: &Browser, issuer: &str) -> Held {
    let navigation = Navigation { url: format!("{issuer}/end_session"), ..Navigation::default() };
    browser.open("elsewhere", navigation, &cause()).await?;
    let sent = Submission { values: vec![("decision".to_owned(), "logout".to_owned())], without: Vec::new() };
    browser.submit("elsewhere", &WantedForm::Step("logout".to_owned()), &sent, Vec::new(), &cause()).await?;
    Ok(())
}

/// How often somebody asked the provider without a page who is signed in.
fn silent(provider: &Provider) -> usize {
    provider.everybody().exchanges().iter().filter(|seen| seen.request.url.contains("prompt=none")).count()
}

pub fn cases() -> Held {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let watched = ["run", "--base", "full", "logout/check-session"];
    let (output, said) = countersign(root, &watched, None)?;
    must(output.status.code() == Some(0) && said.contains("add --browser chromium"), said)?;
    let in_browser: Vec<&str> = watched.into_iter().chain(["--browser", "chromium"]).collect();
    let (output, said) = countersign(root, &in_browser, None)?;
    // That each flaw of a page that watches is caught is the kill matrix's part.
    must(output.status.code() == Some(0) && said.contains("4 passed"), said)?;
    let odd: Vec<&str> = in_browser.iter().copied().chain(["--odd", "asks-at-each-page"]).collect();
    let (output, said) = countersign(root, &odd, None)?;
    must(output.status.code() == Some(0) && said.contains("4 passed"), said)
}

pub fn check() -> Held {
    let root = std::env::temp_dir().join(format!("countersign-watching-{}", std::process::id()));
    let mut start = vec![env!("CARGO_BIN_EXE_countersign"), "partner", "--base", "full"];
    start.extend(["--port", "{port}", "--issuer", "{issuer}", "--client-id", "{client.id}"]);
    let start = format!("command = {start:?}\nenv = {{ CLIENT_SECRET = \"{{client.secret}}\" }}\nready = \"/\"");
    let own = countersign::reference::manifest(Base::Full, "oidc");
    let own = own.replace("command = [\"countersign\", \"partner\"]", &start);
    let said_of = |place: &str| -> Result<String, Failed> {
        std::fs::create_dir_all(&root)?;
        let path = format!("check_session = {place:?}");
        std::fs::write(root.join("countersign.toml"), own.replace("check_session = \"/account\"", &path))?;
        Ok(countersign(&root, &["check", "--browser", "chromium", "--partner", "countersign.toml"], None)?.1)
    };
    let seen = [said_of("/account"), said_of("/me")];
    std::fs::remove_dir_all(&root)?;
    let [right, wrong] = seen;
    let (right, wrong) = (right?, wrong?);
    must(right.contains("the page of at.check_session has the provider's frame in it"), right)?;
    must(wrong.contains("does not load the provider's frame") && wrong.contains("leave check_session out"), wrong)
}

pub fn partner() -> Held {
    let (says, mut said) = mpsc::unbounded_channel();
    play(
        move |asked: &Asked| match asked.target.split_once('?') {
            Some(("/said", what)) => {
                let _ = says.send(what.to_owned());
                html("")
            }
            Some(("/forge", _)) => html(FORGE),
            _ => html("so"),
        },
        |stage| async move {
            // The partner knows the issuer before it starts, and the provider the partner.
            let free = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
            let issuer = format!("http://localhost:{}", free.port());
            let reference = Reference::start(ReferenceConfig {
                base: Base::Full,
                flaws: Default::default(),
                oddities: Default::default(),
                listen: ([127, 0, 0, 1], 0).into(),
                dialect: "oidc".to_owned(),
                issuer: issuer.clone(),
                client_id: "site".to_owned(),
                client_secret: SECRET.to_owned(),
                endpoints: [("discovery".to_owned(), format!("{issuer}/.well-known/openid-configuration"))].into(),
                provider: String::new(),
                tls: None,
                others: Vec::new(),
            })
            .await?;
            let base = reference.base_url().to_owned();
            let provider = provider(&base, free).await?;
            let origins = [
                (issuer.clone(), Party::Provider(ProviderName::Main)),
                (base.clone(), Party::Partner),
                (stage.server.at(""), Party::Partner),
            ];
            let browser = Browser::new("one", surroundings(&stage.chromium, origins.into()));
            let open = async |tab: &str, url: String| -> Result<_, Failed> {
                let navigation = Navigation { url, ..Navigation::default() };
                Ok(browser.open(tab, navigation, &cause()).await?.seen)
            };
            let home = open("first", format!("{base}/login")).await?;
            must(home.url == format!("{base}/") && home.text.contains("Your account"), home.text)?;
            open("first", format!("{base}/account")).await?;

            // Nobody but the provider's frame says that the session has changed.
            let mut forged = url::Url::parse(&stage.server.at("/forge"))?;
            forged.query_pairs_mut().append_pair("shop", &format!("{base}/account"));
            open("stranger", forged.into()).await?;
            let frames = tokio::time::timeout(Duration::from_secs(20), said.recv()).await.map_err(|_| "no forgery")?;
            same(frames.as_deref(), Some("2"))?;
            same(silent(&provider), 0)?;
            same(open("me", format!("{base}/me")).await?.response.status, 200)?;
            open("stranger", stage.server.at("/")).await?;

            let mut events = provider.everybody().events();
            sign_out(&browser, &issuer).await?;
            let asked = async {
                while silent(&provider) == 0 {
                    events.changed().await.map_err(|_| Failed::from("no provider any more"))?;
                }
                while open("me", format!("{base}/me")).await?.response.status != 401 {}
                Held::Ok(())
            };
            tokio::time::timeout(Duration::from_secs(20), asked).await.map_err(|_| "she is signed in still")?
        },
    )
}
