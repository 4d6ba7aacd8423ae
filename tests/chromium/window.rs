//! What a browser is beside its pages: by which name it asks, whose certificates it takes, what a window hears from the
//! page that opened it.

use std::sync::Arc;
use std::time::Duration;

use countersign::agent::{Browser, Chromium, Initiator, Navigation, Surroundings};
use countersign::model::dialect::Dialect;
use countersign::model::exchange::Party;
use countersign::model::fault::ProviderName;
use countersign::provider::{Provider, ProviderConfig};
use countersign::tls::Authority;
use libtest_mimic::Failed;
use tokio::sync::mpsc;

use super::server::{Asked, html};
use super::{Held, cause, must, play, same, surroundings};

/// A page that says at its own server what it hears, and a frame in it that does.
const HEARS: &str = r#"<script>
addEventListener('message', event => { fetch('/heard?' + event.data + (window === top ? '' : '-in-a-frame')); });
</script>"#;

pub fn heard() -> Held {
    let (hears, mut heard) = mpsc::unbounded_channel();
    play(
        move |asked: &Asked| match asked.target.split_once('?') {
            Some(("/heard", what)) => {
                let _ = hears.send(what.to_owned());
                html("")
            }
            _ if asked.path() == "/shop" => html(&format!("{HEARS}<iframe src=/frame></iframe>the shop")),
            _ => html(HEARS),
        },
        |stage| async move {
            let navigation = Navigation {
                url: stage.server.at("/shop"),
                initiator: Initiator::Site("http://attacker.example".to_owned()),
                says: Some("changed".to_owned()),
                ..Navigation::default()
            };
            let page = stage.browser.open("first", navigation, &cause()).await?;
            same((page.seen.url, page.seen.text.as_str()), (stage.server.at("/shop"), "the shop"))?;
            let mut all = Vec::new();
            for _ in 0..2 {
                let one = tokio::time::timeout(Duration::from_secs(20), heard.recv()).await;
                all.extend(one.map_err(|_| format!("only {all:?} was heard"))?);
            }
            all.sort();
            same(all, vec!["changed".to_owned(), "changed-in-a-frame".to_owned()])
        },
    )
}

pub fn name() -> Held {
    play(
        |_: &Asked| html("so"),
        |stage| async move {
            stage.open(&stage.server.at("/page")).await?;
            stage.browser.peek(&stage.server.at("/probe"), &[], &cause()).await?;
            let asked = stage.server.asked();
            let names: Vec<&str> = asked.iter().filter_map(|asked| asked.header("user-agent")).collect();
            must(names.len() == 2 && names[0].contains("Chrome/") && names[0] == names[1], format!("{names:?}"))
        },
    )
}

/// What comes of opening a provider's metadata in a Chromium that is told of this authority.
async fn opened(provider: &Provider, told: Option<&Authority>, client: &Authority) -> Result<u16, Failed> {
    let chromium = Arc::new(Chromium::start_mapped(&[], &[], told).await?);
    let issuer = provider.issuer().to_owned();
    let browser = Browser::new(
        "one",
        Surroundings {
            tls: Some(client.client()?),
            ..surroundings(&chromium, vec![(issuer.clone(), Party::Provider(ProviderName::Main))])
        },
    );
    let url = format!("{issuer}/.well-known/openid-configuration");
    let came = browser.open("first", Navigation { url, ..Navigation::default() }, &cause()).await;
    drop(browser);
    chromium.stop().await;
    Ok(came.map_or(0, |page| page.seen.response.status))
}

pub fn certificates() -> Held {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let dialect = Dialect::from_files(
            include_str!("../../specs/dialects/oidc/dialect.toml"),
            include_str!("../../specs/dialects/oidc/personas.toml"),
        )?;
        let own = Arc::new(Authority::new()?);
        let provider = Provider::start(ProviderConfig { tls: Some(Arc::clone(&own)), ..ProviderConfig::new(dialect) });
        let provider = provider.await?;
        same(opened(&provider, Some(&own), &own).await?, 200)?;
        same(opened(&provider, Some(&Authority::new()?), &own).await?, 0)?;
        same(opened(&provider, None, &own).await?, 0)
    })
}
