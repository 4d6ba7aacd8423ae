//! `serve`: the mock provider alone. `partner`: the reference partner alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::model::dialect::Dialect;
use crate::model::exchange::Sequence;
use crate::model::fault::ProviderName;
use crate::model::persona::Person;
use crate::provider::{ClientRegistration, Provider, ProviderConfig, ProviderError};
use crate::reference::{Base, FLAWS, ODDITIES, Reference, ReferenceConfig, Tls};
use crate::tls::{Authority, Client, TlsError};

use super::subject::{BaseArg, base_of, flaws, oddities};
use super::suite::SuiteArgs;
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
    /// A client: id, secret (empty for a public client) and redirect_uri; may be repeated
    #[arg(long, value_name = "ID:SECRET:REDIRECT_URI")]
    client: Vec<String>,
    /// People, in the form of specs/dialects/oidc/personas.toml
    #[arg(long, value_name = "FILE")]
    personas: Option<PathBuf>,
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

/// People of `serve`: their user name is their name, so that it can be remembered.
fn people(dialect: &Dialect) -> Vec<Person> {
    dialect
        .personas
        .iter()
        .map(|persona| {
            let person = Person::mint(persona, &persona.name, 0, "serve", None, Some(&persona.name));
            Person { password: "password".to_owned(), ..person }
        })
        .collect()
}

pub(super) fn serve(args: &ServeArgs) -> Result<u8, Failure> {
    let suite = args.suite.load_dialects()?;
    let mut dialect = suite.dialect(&args.dialect).map_err(Failure::usage)?;
    if let Some(path) = &args.personas {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
        let own = suite.dialect_files.get(&format!("{}/dialect.toml", args.dialect)).map(String::as_str);
        dialect = Dialect::from_files(own.unwrap_or_default(), &text)
            .map_err(|error| Failure::usage(error.to_string().replace("personas.toml", &shown)))?;
    }
    if args.registration && !dialect.endpoints.contains_key("registration") {
        return Err(Failure::usage(format!(
            "the dialect {} has no endpoint `registration`\n  help: leave --registration out, or add it to its [endpoints]",
            args.dialect
        )));
    }
    let clients = if args.client.is_empty() {
        vec![client("demo:secret:http://127.0.0.1:3000/callback")?]
    } else {
        args.client.iter().map(|text| client(text)).collect::<Result<_, _>>()?
    };
    let people = people(&dialect);
    let tls = if args.tls { Some(authority()?) } else { None };
    if let (Some(authority), Some(path)) = (&tls, &args.ca_file) {
        let trouble = |error| Failure::usage(format!("{}: {error}\n  help: the folder must exist", path.display()));
        std::fs::write(path, authority.pem()).map_err(trouble)?;
    }
    let config = ProviderConfig {
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
    let ca_file = args.ca_file.clone();
    runtime()?.block_on(async move {
        let provider = Provider::start(config).await.map_err(|error| {
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
            let auth = if client.secret.is_some() { "client_secret_basic" } else { "public" };
            say!("client     {} ({auth}), back to {}", client.id, client.redirect_uris.join(" "));
        }
        if let Some(endpoint) = provider.metadata("registration_endpoint") {
            say!("register   {endpoint}");
        }
        for person in &people {
            say!("person     {} with password {}", person.login, person.password);
        }
        say!("Ctrl-C ends it.");
        until_interrupted().await;
        provider.stop().await;
        Ok(0)
    })
}

pub(super) fn partner(args: &PartnerArgs) -> Result<u8, Failure> {
    if args.list_flaws {
        for flaw in FLAWS {
            say!("{:<36} shows on {:<5} {}", flaw.id, flaw.shows_on.name(), flaw.what);
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
        dialect.endpoints.iter().map(|(role, path)| (role.clone(), format!("{issuer}{path}"))).collect();
    let config = ReferenceConfig {
        base,
        flaws: flaw_ids,
        oddities: odd.iter().map(|oddity| oddity.id.to_owned()).collect(),
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
    runtime()?.block_on(async move {
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

fn authority() -> Result<Arc<Authority>, Failure> {
    Authority::new().map(Arc::new).map_err(|error| Failure::blocked(error.to_string()))
}

/// Its own certificate for those who come to it, and trust in the provider's.
fn partner_tls(args: &PartnerArgs, flaws: &BTreeSet<String>) -> Result<Tls, Failure> {
    let own = authority()?;
    let blocked = |error: TlsError| Failure::blocked(error.to_string());
    let client = match &args.ca_file {
        None => own.client().map_err(blocked)?,
        Some(path) => {
            let shown = path.display();
            let pem = std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!("{shown}: {error}\n  help: countersign serve --tls --ca-file {shown} writes it"))
            })?;
            Client::trusting_pem(&pem).map_err(|error| Failure::usage(format!("{shown}: {error}")))?
        }
    };
    Tls { server: own.server().map_err(blocked)?, client }.with(flaws).map_err(blocked)
}

async fn until_interrupted() {
    // Without signals there is nothing to wait for but the end of the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
