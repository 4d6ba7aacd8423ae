//! `serve`: the mock provider alone. `partner`: the reference partner alone.

mod file;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::model::exchange::Sequence;
use crate::model::fault::ProviderName;
use crate::model::persona::Person;
use crate::provider::{ClientRegistration, Control, Everyday, Provider, ProviderConfig, ProviderError};
use crate::reference::{Base, FLAWS, ODDITIES, Reference, ReferenceConfig, Tls};
use crate::tls::{Authority, Client, TlsError};

use super::subject::{BaseArg, base_of, flaws, oddities, with_habits};
use super::suite::SuiteArgs;
use super::trusted::must_be_trusted;
use super::{Failure, runtime};

#[derive(Args, Clone)]
pub(super) struct ServeArgs {
    /// Port to listen on; 0 takes any
    #[arg(long, default_value_t = 9400)]
    port: u16,
    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// The issuer, where it is not http://localhost:PORT
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Base of the addresses that a browser opens, where it is not the issuer
    #[arg(long, value_name = "URL")]
    front_url: Option<String>,
    /// Base of the addresses that the application's server asks, where it is not the issuer (containers)
    #[arg(long, value_name = "URL")]
    back_url: Option<String>,
    /// A client: id, secret (empty for a public client) and redirect_uri; may be repeated
    #[arg(long, value_name = "ID:SECRET:REDIRECT_URI")]
    client: Vec<String>,
    /// People, clients, scopes and what discovery says otherwise; read again when it changes
    #[arg(long, value_name = "FILE", alias = "personas")]
    config: Option<PathBuf>,
    /// Environment variable with the token that the control interface at /_countersign/ asks for; without one it is for
    /// this machine alone
    #[arg(long, value_name = "VARIABLE")]
    control_token: Option<String>,
    /// Leave the control interface out
    #[arg(long, conflicts_with = "control_token")]
    no_control: bool,
    /// Sign everybody in as this person, who grants what is asked, without a page
    #[arg(long, value_name = "NAME")]
    auto_login: Option<String>,
    /// Sign in whom login_hint names, who grants what is asked, without a page
    #[arg(long)]
    login_by_hint: bool,
    /// Let clients register themselves at /register (RFC 7591)
    #[arg(long)]
    registration: bool,
    /// What it speaks
    #[arg(long, default_value = "oidc")]
    dialect: String,
    /// Speak https, with a certificate that is made now
    #[arg(long)]
    tls: bool,
    /// Write the certificate of whoever vouches for that one here, for a partner to trust
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    suite: SuiteArgs,
}

#[derive(Args, Clone)]
pub(super) struct PartnerArgs {
    /// A flaw to switch on; may be repeated
    #[arg(long, value_name = "ID")]
    flaw: Vec<String>,
    /// An odd habit to switch on, which is right all the same; may be repeated
    #[arg(long, value_name = "ID")]
    odd: Vec<String>,
    /// Which defences it has; with flaws the weakest base where they show
    #[arg(long, value_enum)]
    base: Option<BaseArg>,
    /// Name the flaws and leave
    #[arg(long)]
    list_flaws: bool,
    /// Name the odd habits and leave
    #[arg(long)]
    list_oddities: bool,
    /// Port to listen on; 0 takes any
    #[arg(long, default_value_t = 9500)]
    port: u16,
    /// Speak https, with a certificate that is made now
    #[arg(long)]
    tls: bool,
    /// Trust whom this certificate belongs to: `serve --tls --ca-file` writes it
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_file: Option<PathBuf>,
    /// The provider's issuer
    #[arg(long, default_value = "http://localhost:9400")]
    issuer: String,
    /// Its client_id there
    #[arg(long, default_value = "reference")]
    client_id: String,
    /// Environment variable that holds its client secret
    #[arg(long, default_value = "CLIENT_SECRET", value_name = "VARIABLE")]
    secret_env: String,
    /// What it speaks
    #[arg(long, default_value = "oidc")]
    dialect: String,
    #[command(flatten)]
    suite: SuiteArgs,
}

fn client(text: &str) -> Result<ClientRegistration, Failure> {
    let mut parts = text.splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(id), Some(secret), Some(redirect_uri)) if !id.is_empty() && redirect_uri.contains("://") => {
            Ok(ClientRegistration {
                id: id.to_owned(),
                secret: (!secret.is_empty()).then(|| secret.to_owned()),
                auth: if secret.is_empty() { "none" } else { "client_secret_basic" }.to_owned(),
                redirect_uris: vec![redirect_uri.to_owned()],
                ..ClientRegistration::default()
            })
        }
        _ => Err(Failure::usage(format!(
            "cannot read --client {text}\n  help: --client shop:s3cret:http://127.0.0.1:3000/callback"
        ))),
    }
}

/// A base of addresses: an http or https URL without query and fragment, told without a slash at its end.
fn base_url(flag: &str, url: Option<&String>) -> Result<Option<String>, Failure> {
    let Some(own) = url else { return Ok(None) };
    let good = url::Url::parse(own)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none());
    if good {
        return Ok(Some(own.trim_end_matches('/').to_owned()));
    }
    Err(Failure::usage(format!("{flag} {own} is no address\n  help: {flag} http://localhost:9400")))
}

/// Who may use the control interface, if there is one.
fn control(args: &ServeArgs) -> Result<Option<Control>, Failure> {
    let token = match &args.control_token {
        _ if args.no_control => return Ok(None),
        None => None,
        Some(variable) => match std::env::var(variable) {
            Ok(token) if token.len() >= 16 => Some(token),
            _ => {
                return Err(Failure::usage(format!(
                    "{variable} is not set, or shorter than 16 letters\n  help: {variable}=$(openssl rand -hex 16) countersign serve --control-token {variable}"
                )));
            }
        },
    };
    Ok(Some(Control { token }))
}

/// The file as it is shown to people, its text, and what is written there.
struct Config {
    path: PathBuf,
    shown: String,
    text: String,
    written: file::Written,
}

impl Config {
    fn load(path: &std::path::Path) -> Result<Config, Failure> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("{shown}: {error}\n  help: docs/mock-provider.md shows what stands in it"))
        })?;
        let written = file::read(&shown, &text).map_err(|wrong| Failure::usage(super::suite::shown(&wrong)))?;
        Ok(Config { path: path.to_owned(), shown, text, written })
    }
}

pub(super) fn serve(args: &ServeArgs) -> Result<u8, Failure> {
    let suite = args.suite.load_dialects()?;
    let mut dialect = suite.dialect(&args.dialect).map_err(Failure::usage)?;
    let config = args.config.as_deref().map(Config::load).transpose()?;
    if let Some(config) = &config {
        dialect = file::with_own(dialect, &config.written);
    }
    if args.registration && !dialect.endpoints.contains_key("registration") {
        return Err(Failure::usage(format!(
            "the dialect {} has no endpoint `registration`\n  help: leave --registration out, or add it to its [endpoints]",
            args.dialect
        )));
    }
    let own = args.client.iter().map(|text| client(text)).collect::<Result<Vec<_>, _>>()?;
    let everybody = Everybody { own, usual: file::people(&dialect.personas) };
    let (clients, people) = everybody.with(config.as_ref().map(|config| &config.written))?;
    if let Some(name) = args.auto_login.as_ref().filter(|name| people.iter().all(|person| person.name != **name)) {
        let known: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
        return Err(Failure::usage(format!(
            "--auto-login: nobody is called {name}\n  help: the people: {}",
            known.join(" ")
        )));
    }
    let everyday = Everyday {
        one_click: true,
        auto_login: args.auto_login.clone(),
        login_by_hint: args.login_by_hint,
        tenants: true,
        all_fields: true,
        front_url: base_url("--front-url", args.front_url.as_ref())?,
        back_url: base_url("--back-url", args.back_url.as_ref())?,
        discovery: config.as_ref().map(|config| config.written.discovery.clone()).unwrap_or_default(),
        advice: true,
        // Where the protocol has a rule of its own for programs without a secret, that one holds.
        public_needs_pkce: dialect.adapter.is_none(),
        device: true,
        session_management: true,
        control: control(args)?,
    };
    let tls = if args.tls { Some(authority(dialect.hosts.keys().cloned())?) } else { None };
    if let (Some(authority), Some(path)) = (&tls, &args.ca_file) {
        let trouble = |error| Failure::usage(format!("{}: {error}\n  help: the folder must exist", path.display()));
        std::fs::write(path, authority.pem()).map_err(trouble)?;
    }
    let setup = ProviderConfig {
        name: ProviderName::Main,
        dialect: Arc::new(dialect),
        listen: SocketAddr::new(args.listen, args.port),
        issuer: args.issuer.clone(),
        clients: clients.clone(),
        sequence: Sequence::default(),
        people: people.clone(),
        circle: None,
        registration: args.registration,
        capacity: None,
        tls,
    };
    let (args, ca_file) = (args.clone(), args.ca_file.clone());
    runtime()?.block_on(async move {
        let provider = Provider::serve(setup, everyday).await.map_err(|error| {
            let help = match &error {
                ProviderError::Listen { .. } => "\n  help: choose another one with --port, or 0 for any",
                _ => "",
            };
            Failure::blocked(format!("{error}{help}"))
        })?;
        say!("issuer     {}", provider.issuer());
        if let Some(path) = &ca_file {
            say!("ca         {}", path.display());
        }
        for client in &clients {
            let auth = if client.auth == "none" { "public" } else { &client.auth };
            say!("client     {} ({auth}), back to {}", client.id, client.redirect_uris.join(" "));
        }
        if let Some(endpoint) = provider.metadata("registration_endpoint") {
            say!("register   {endpoint}");
        }
        for person in &people {
            say!("person     {} with password {}", person.login, person.password);
        }
        if !args.no_control {
            // A browser opens it.
            let front = args.front_url.as_deref().unwrap_or(provider.issuer()).trim_end_matches('/');
            say!("watch      {front}/_countersign/");
        }
        let interrupted = listening().await;
        say!("Ctrl-C ends it.");
        match config {
            None => interrupted.await,
            Some(config) => tokio::select! {
                () = interrupted => {}
                () = follow(config, &everybody, &provider) => {}
            },
        }
        provider.stop().await;
        Ok(0)
    })
}

/// Who is there beside what the file says.
struct Everybody {
    /// Clients of the command line.
    own: Vec<ClientRegistration>,
    /// People where the file names none.
    usual: Vec<Person>,
}

impl Everybody {
    fn with(&self, written: Option<&file::Written>) -> Result<(Vec<ClientRegistration>, Vec<Person>), Failure> {
        let mut clients = written.and_then(|written| written.clients.clone()).unwrap_or_default();
        clients.extend(self.own.iter().cloned());
        if clients.is_empty() {
            clients.push(client("demo:secret:http://127.0.0.1:3000/callback")?);
        }
        Ok((clients, written.and_then(|written| written.people.clone()).unwrap_or_else(|| self.usual.clone())))
    }
}

/// Takes over what the file says whenever it changes. What is wrong with it is told, and changes nothing.
async fn follow(mut config: Config, everybody: &Everybody, provider: &Provider) {
    let mut watched = match watch::Watched::new(&config.path, &config.text) {
        Ok(watched) => watched,
        Err(why) => {
            eprintln!("{}: changes will not be seen: {why}", config.shown);
            return std::future::pending().await;
        }
    };
    loop {
        let told = |why: &str| {
            eprintln!(
                "{}",
                super::output::said(&crate::report::safe(&format!("{why}\nwhat was in force before stays in force")))
            );
        };
        let text = match watched.changed().await {
            Ok(text) => text,
            Err(why) => {
                told(&format!("{}: {why}", config.shown));
                continue;
            }
        };
        let written = match file::read(&config.shown, &text) {
            Ok(written) => written,
            Err(wrong) => {
                told(&super::suite::shown(&wrong));
                continue;
            }
        };
        if let Ok((clients, people)) = everybody.with(Some(&written)) {
            provider.replace(&clients, &people);
            say!("reloaded   {}: {} people, {} clients", config.shown, people.len(), clients.len());
        }
        let at_start = |own: &file::Written| (own.title.clone(), own.scopes.clone(), own.discovery.clone());
        if at_start(&written) != at_start(&config.written) {
            say!("           title, scopes and discovery as they were: start anew to change them");
        }
        config.written = written;
    }
}

pub(super) fn partner(args: &PartnerArgs) -> Result<u8, Failure> {
    if args.list_flaws {
        for flaw in FLAWS {
            let habit = flaw.habit.map(|own| format!(" (with the habit {own})")).unwrap_or_default();
            say!("{:<36} shows on {:<5} {}{habit}", flaw.id, flaw.base.name(), flaw.what);
        }
        return Ok(0);
    }
    if args.list_oddities {
        for oddity in ODDITIES {
            say!("{:<36} base {:<5} {}", oddity.id, oddity.base.name(), oddity.what);
        }
        return Ok(0);
    }
    let suite = args.suite.load_dialects()?;
    let dialect = suite.dialect(&args.dialect).map_err(Failure::usage)?;
    let (flaws, odd) = (flaws(&args.flaw)?, oddities(&args.odd)?);
    let base = args.base.map_or_else(|| base_of(&flaws, &odd), Base::from);
    let Ok(secret) = std::env::var(&args.secret_env) else {
        return Err(Failure::usage(format!("{0} is not set\n  help: {0}=… countersign partner", args.secret_env)));
    };
    let issuer = args.issuer.trim_end_matches('/').to_owned();
    let flaw_ids: BTreeSet<String> = flaws.iter().map(|flaw| flaw.id.to_owned()).collect();
    let tls = if args.tls { Some(partner_tls(args, &flaw_ids)?) } else { None };
    if issuer.starts_with("https://") && tls.is_none() {
        return Err(Failure::usage(format!(
            "the issuer {issuer} is https, and this partner would speak plain http\n  help: add --tls --ca-file FILE, with the file that `countersign serve --tls --ca-file FILE` writes"
        )));
    }
    let endpoints: BTreeMap<String, String> =
        dialect.told_paths().map(|(role, path)| (role, format!("{issuer}{path}"))).collect();
    let config = ReferenceConfig {
        base,
        flaws: flaw_ids,
        oddities: with_habits(&flaws, &odd),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        dialect: args.dialect.clone(),
        issuer,
        client_id: args.client_id.clone(),
        client_secret: secret,
        endpoints,
        provider: String::new(),
        tls,
        others: Vec::new(),
    };
    let trusts = args.ca_file.as_ref().zip(config.tls.as_ref().map(|tls| tls.client.clone()));
    let trusts = trusts.map(|(file, client)| (file.display().to_string(), client, config.issuer.clone()));
    runtime()?.block_on(async move {
        if let Some((file, client, issuer)) = &trusts {
            must_be_trusted(client, issuer, file).await?;
        }
        let reference = Reference::start(config).await.map_err(|error| {
            Failure::blocked(format!(
                "port {}: {error}\n  help: choose another one with --port, or 0 for any",
                args.port
            ))
        })?;
        say!("partner    {}/ (base {})", reference.base_url(), base.name());
        say!("callback   {}/callback", reference.base_url());
        say!("Ctrl-C ends it.");
        until_interrupted().await;
        reference.stop().await;
        Ok(0)
    })
}

/// An authority whose certificates are good for this machine, and for these hosts.
fn authority(hosts: impl IntoIterator<Item = String>) -> Result<Arc<Authority>, Failure> {
    Authority::new().map(|own| Arc::new(own.vouching_for(hosts))).map_err(|error| Failure::blocked(error.to_string()))
}

/// Its own certificate for those who come to it, and trust in the provider's.
fn partner_tls(args: &PartnerArgs, flaws: &BTreeSet<String>) -> Result<Tls, Failure> {
    let own = authority([])?;
    let blocked = |error: TlsError| Failure::blocked(error.to_string());
    let client = match &args.ca_file {
        None => own.client().map_err(blocked)?,
        Some(path) => {
            let shown = path.display();
            let pem = std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!("{shown}: {error}\n  help: countersign serve --tls --ca-file {shown} writes it"))
            })?;
            Client::trusting_pem(&pem).map_err(|error| {
                let help = format!("countersign serve --tls --ca-file {shown} writes one that is good for three days");
                Failure::usage(format!("{shown}: {error}\n  help: {help}"))
            })?
        }
    };
    Tls { server: own.server().map_err(blocked)?, client }.with(flaws).map_err(blocked)
}

/// Waits for Ctrl-C, and listens for it from now on: it may come as soon as somebody was told.
async fn listening() -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    let mut interrupted: std::pin::Pin<Box<dyn Future<Output = ()>>> = Box::pin(until_interrupted());
    let begun = |context: &mut std::task::Context<'_>| match interrupted.as_mut().poll(context) {
        std::task::Poll::Ready(()) => std::task::Poll::Ready(true),
        std::task::Poll::Pending => std::task::Poll::Ready(false),
    };
    if std::future::poll_fn(begun).await { Box::pin(std::future::ready(())) } else { interrupted }
}

/// Ctrl-C, or a polite request to end (SIGTERM), which the first process of a container would not notice otherwise.
async fn until_interrupted() {
    // Without signals there is nothing to wait for but the end of the process.
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    if let Ok(mut asked) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            () = interrupted => {}
            _ = asked.recv() => {}
        }
        return;
    }
    interrupted.await;
}
