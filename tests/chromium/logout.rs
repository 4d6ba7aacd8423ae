//! Front-channel logout in a real browser: the provider's page of signing out may frame the site, and does.

use countersign::agent::{Browser, Navigation, Submission, WantedForm};
use countersign::model::dialect::Dialect;
use countersign::model::exchange::Party;
use countersign::model::fault::ProviderName;
use countersign::model::persona::Person;
use countersign::provider::{ClientRegistration, Everyday, Provider, ProviderConfig};

use super::server::{Asked, html};
use super::{Held, cause, must, play, surroundings};

/// A provider that signs alice in at once, and whose client is the site at `base`.
async fn provider(base: &str) -> Provider {
    let dialect = Dialect::from_files(
        include_str!("../../specs/dialects/oidc/dialect.toml"),
        include_str!("../../specs/dialects/oidc/personas.toml"),
    );
    let dialect = dialect.expect("the shipped dialect");
    let alice = Person::mint(&dialect.personas[0], "alice", 1, "logout", None, None);
    let client = ClientRegistration {
        id: "site".to_owned(),
        auth: "none".to_owned(),
        redirect_uris: vec![format!("{base}/callback")],
        frontchannel_logout_uri: Some(format!("{base}/out")),
        ..ClientRegistration::default()
    };
    let config = ProviderConfig { clients: vec![client], people: vec![alice], ..ProviderConfig::new(dialect) };
    let everyday = Everyday { auto_login: Some("alice".to_owned()), ..Everyday::default() };
    Provider::serve(config, everyday).await.expect("a free port")
}

pub fn frames() -> Held {
    play(
        |_: &Asked| html("so"),
        |stage| async move {
            let base = stage.server.at("");
            let provider = provider(&base).await;
            let issuer = provider.issuer().to_owned();
            let browser = Browser::new(
                "one",
                surroundings(
                    &stage.chromium,
                    vec![(issuer.clone(), Party::Provider(ProviderName::Main)), (base.clone(), Party::Partner)],
                ),
            );
            let open = |url: String| Navigation { url, ..Navigation::default() };
            let login = format!(
                "{issuer}/authorize?response_type=code&client_id=site&scope=openid&redirect_uri={base}/callback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
            );
            let came = browser.open("first", open(login), &cause()).await?;
            must(came.seen.url.starts_with(&format!("{base}/callback?code=")), came.seen.url)?;
            browser.open("first", open(format!("{issuer}/end_session")), &cause()).await?;
            let sent = Submission { values: vec![("decision".to_owned(), "logout".to_owned())], without: Vec::new() };
            let done =
                browser.submit("first", &WantedForm::Step("logout".to_owned()), &sent, Vec::new(), &cause()).await?;
            must(done.seen.text.contains("You are signed out"), done.seen.text)?;
            let asked: Vec<String> = stage.server.asked().iter().map(|asked| asked.target.clone()).collect();
            let told = asked.iter().find(|target| target.starts_with("/out?iss=") && target.contains("&sid="));
            must(told.is_some(), format!("the site was asked for {asked:?} only"))
        },
    )
}
