//! An independent oracle of `facebook-connect`: the PyPI package `facebook-sdk`, whose code is not ours, works with it
//! unchanged but for its base addresses. Ignored, visibly, where its virtual environment was not made.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use countersign::model::case::ProviderOptions;
use countersign::model::dialect::Dialect;
use countersign::model::fault::ProviderName;
use countersign::model::persona::Person;
use countersign::model::value::{Environment as _, Source, Value};
use countersign::provider::{ClientRegistration, Everyday, Provider, ProviderConfig};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value as Json, json};

const APP: &str = "1234567890123";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CALLBACK: &str = "http://127.0.0.1:1/callback";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let python = folder().join(".venv/bin/python");
    let here = python.exists();
    let name = if here {
        "facebook-sdk works unchanged"
    } else {
        "facebook-sdk works unchanged (ignored: needs tests/oracle/.venv)"
    };
    let trial = Trial::test(name, move || oracle(&python).map_err(Failed::from)).with_ignored_flag(!here);
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle")
}

async fn provider() -> Result<(Provider, Person, Person), String> {
    let dialect = Dialect::from_files(
        include_str!("../../specs/dialects/facebook-connect/dialect.toml"),
        include_str!("../../specs/dialects/facebook-connect/personas.toml"),
    )
    .map_err(|error| error.to_string())?;
    let mint = |own| Person::mint(own, &own.name, 1, "oracle", None, None);
    let people: Vec<Person> = dialect.personas.iter().map(mint).collect();
    let (alice, bob) = (people[0].clone(), people[1].clone());
    let client = ClientRegistration {
        id: APP.to_owned(),
        secret: Some(SECRET.to_owned()),
        auth: "client_secret_post".to_owned(),
        redirect_uris: vec![CALLBACK.to_owned()],
        ..ClientRegistration::default()
    };
    let config = ProviderConfig { clients: vec![client], people, ..ProviderConfig::new(dialect) };
    let provider = Provider::serve(config, Everyday::default()).await.map_err(|error| error.to_string())?;
    Ok((provider, alice, bob))
}

fn oracle(python: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let (provider, alice, bob) = runtime.block_on(provider())?;
    let everybody = provider.everybody();
    // The package reads the content type and takes a script for no answer.
    let json_please = Value::Literal(json!("application/json; charset=UTF-8"));
    let options =
        ProviderOptions { dialect: vec![("graph_content_type".to_owned(), json_please)], ..ProviderOptions::default() };
    everybody.options(&options).map_err(|error| error.to_string())?;
    let made = |kind: &str| {
        let of = Some("alice".to_owned());
        let source =
            Source::Token { kind: kind.to_owned(), of, at: ProviderName::Main, client: None, time: None, sign: None };
        everybody.source(&source).map(|wire| wire.to_text()).ok_or(format!("no {kind}"))
    };
    let base = format!("http://{}", provider.address());
    let (fbsr, sealed) = (made("fbsr_cookie")?, made("signed_request")?);
    let output = Command::new(python)
        .arg(folder().join("facebook_sdk.py"))
        .args([&base, APP, SECRET, CALLBACK, &alice.login, &alice.password, &fbsr, &sealed])
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let found: Json = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let uid = alice.sub.as_str();
    let is = |name: &str, expected: Json| {
        let own = found.pointer(name).cloned().unwrap_or_default();
        if own == expected { Ok(()) } else { Err(format!("{name} is {own}, expected {expected}\n{found:#}")) }
    };
    let starts = |name: &str, start: &str| match found.pointer(name).and_then(Json::as_str) {
        Some(text) if text.starts_with(start) => Ok(()),
        other => Err(format!("{name} is {other:?}, expected {start}…\n{found:#}")),
    };
    is("/expires", json!("7200"))?;
    starts("/app_token", &format!("{APP}|"))?;
    is("/me/id", json!(uid))?;
    if found["me"]["work"][0]["employer"]["name"] != "Archer & Daughters" {
        return Err(format!("the employer is another one\n{found:#}"));
    }
    is("/some", json!({ "id": uid, "name": "Alice Archer" }))?;
    is("/friends", json!([{ "name": "Bob Baker", "id": bob.sub }]))?;
    is("/likes", json!(["Old Maps", "The Velvet Harbour", "Allotments"]))?;
    is("/permissions/0/publish_stream", json!(1))?;
    starts("/post", &format!("{uid}_"))?;
    is("/read", json!("From the oracle"))?;
    is("/duplicate/message", json!("(#506) Duplicate status message"))?;
    is("/forged", json!({ "type": "OAuthException", "message": "Invalid OAuth access token." }))?;
    is("/cookie/uid", json!(uid))?;
    starts("/cookie/access_token", &format!("{APP}|2."))?;
    is("/foreign_cookie", Json::Null)?;
    is("/sealed/user_id", json!(uid))?;
    is("/foreign", json!(false))
}
