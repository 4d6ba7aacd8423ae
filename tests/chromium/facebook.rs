//! Facebook in a real browser: pages of partners that use the JavaScript SDK, each of its time, unchanged but for where the
//! host names lead; and a person who clicks through what `serve` shows.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use countersign::agent::{Browser, Chromium, Navigation, Page, Submission, Surroundings, WantedForm};
use countersign::model::dialect::Dialect;
use countersign::model::exchange::Party;
use countersign::model::fault::ProviderName;
use countersign::model::persona::Person;
use countersign::provider::dialect::facebook::{legacy_sig, seal};
use countersign::provider::{ClientRegistration, Everyday, Provider, ProviderConfig};
use countersign::tls::Authority;
use libtest_mimic::Failed;
use serde_json::Value as Json;

use super::server::{Asked, Server, html, reply};
use super::{Held, cause, must, same, surroundings};

pub(super) const APP: &str = "1234567890123";
pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The hosts of the real provider that pages name.
const HOSTS: [&str; 4] = ["www.facebook.com", "graph.facebook.com", "connect.facebook.net", "api.facebook.com"];

/// As pages of 2010 were written: the script from a protocol-relative address, sessions, perms, fb:login-button.
const OF_2010: &str = r#"<!doctype html><html xmlns:fb="http://www.facebook.com/2008/fbml"><body>
<div id="fb-root"></div><fb:login-button perms="email" autologoutlink="true"></fb:login-button>
<form data-step="in" onsubmit="FB.login(said, { perms: 'email,publish_stream' }); return false"><button>in</button></form>
<form data-step="me" onsubmit="FB.api('/me', said); return false"><button>me</button></form>
<form data-step="publish" onsubmit="FB.api('/me/feed', 'post', { message: 'Hello' }, function (told) { last = told.id; said(told); }); return false"><button>publish</button></form>
<form data-step="take back" onsubmit="FB.api('/' + last, 'delete', said); return false"><button>take back</button></form>
<form data-step="share" onsubmit="FB.ui({ method: 'stream.publish', message: 'Look', attachment: { name: 'A story', href: 'http://partner.example/1' } }, said); return false"><button>share</button></form>
<form data-step="out" onsubmit="FB.logout(said); return false"><button>out</button></form>
<pre id="said"></pre><pre id="heard"></pre>
<script>
  function said(what) { document.getElementById('said').textContent = 'said ' + JSON.stringify(what); }
  window.fbAsyncInit = function () {
    FB.Event.subscribe('auth.sessionChange', function (response) {
      document.getElementById('heard').textContent += 'heard ' + (response.session ? 'session' : 'none') + '; ';
    });
    FB.init({ appId: '1234567890123', status: true, cookie: true, xfbml: true });
    FB.getLoginStatus(said);
  };
  (function () {
    var e = document.createElement('script'); e.async = true;
    e.src = document.location.protocol + '//connect.facebook.net/en_US/all.js';
    document.getElementById('fb-root').appendChild(e);
  }());
</script></body></html>"#;

/// As pages of today are written.
const OF_TODAY: &str = r#"<!doctype html><html><body>
<div class="fb-login-button" data-scope="email" data-auto-logout-link="true"></div>
<form data-step="in" onsubmit="FB.login(said, { scope: 'email,user_friends', return_scopes: true }); return false"><button>in</button></form>
<form data-step="again" onsubmit="FB.login(said, { scope: 'user_friends', auth_type: 'rerequest', return_scopes: true }); return false"><button>again</button></form>
<form data-step="me" onsubmit="FB.api('/me', { fields: 'id,name,email' }, said); return false"><button>me</button></form>
<form data-step="gone" onsubmit="FB.api('/me/permissions', 'delete', said); return false"><button>gone</button></form>
<form data-step="share" onsubmit="FB.ui({ method: 'share', href: 'https://partner.example/1' }, said); return false"><button>share</button></form>
<form data-step="out" onsubmit="FB.logout(said); return false"><button>out</button></form>
<pre id="said"></pre><pre id="heard"></pre>
<script>
  function said(what) { document.getElementById('said').textContent = 'said ' + JSON.stringify(what); }
  window.fbAsyncInit = function () {
    FB.Event.subscribe('auth.statusChange', function (response) {
      document.getElementById('heard').textContent += 'heard ' + response.status + '; ';
    });
    FB.init({ appId: '1234567890123', cookie: true, xfbml: true, version: 'v19.0' });
    FB.AppEvents.logPageView();
    FB.getLoginStatus(said);
  };
  (function (d, s, id) {
    var js, fjs = d.getElementsByTagName(s)[0];
    if (d.getElementById(id)) { return; }
    js = d.createElement(s); js.id = id;
    js.src = '//SDK/en_US/sdk.js';
    fjs.parentNode.insertBefore(js, fjs);
  }(document, 'script', 'facebook-jssdk'));
</script></body></html>"#;

/// A provider, a partner's page, and a browser for which the provider's real names lead to the mock.
pub(super) struct Scene {
    pub(super) server: Server,
    provider: Option<Provider>,
    serving: Option<Child>,
    chromium: Arc<Chromium>,
    browser: Browser,
    pub(super) alice: Person,
}

impl Scene {
    /// `page`: what the partner shows, with the host of the script in place of `SDK` (the provider's own where `by_path`).
    pub(super) async fn set(dialect: &str, page: &'static str, by_path: bool) -> Result<Scene, Failed> {
        let file = |name: &str| {
            let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/dialects").join(dialect);
            std::fs::read_to_string(root.join(name))
        };
        let dialect = Dialect::from_files(&file("dialect.toml")?, &file("personas.toml")?)?;
        let persona = &dialect.personas[0];
        let alice = Person::mint(persona, &persona.name, 1, "sdk", None, None);
        let script = Arc::new(std::sync::OnceLock::<String>::new());
        let own = Arc::clone(&script);
        let server =
            Server::start(move |_: &Asked| html(&page.replace("SDK", own.get().map_or(HOSTS[2], String::as_str))))
                .await;
        let client = ClientRegistration {
            id: APP.to_owned(),
            secret: Some(SECRET.to_owned()),
            auth: "client_secret_post".to_owned(),
            redirect_uris: vec![server.at("/callback")],
            ..ClientRegistration::default()
        };
        let hosts = dialect.hosts.keys().cloned().collect::<Vec<_>>();
        let authority = Arc::new(Authority::new()?.vouching_for(hosts));
        let tls = (!by_path).then(|| Arc::clone(&authority));
        let config = ProviderConfig {
            clients: vec![client],
            people: vec![alice.clone()],
            tls: tls.clone(),
            ..ProviderConfig::new(dialect)
        };
        let provider = Provider::serve(config, Everyday::default()).await?;
        if by_path {
            let _ = script.set(provider.issuer().trim_start_matches("http://").to_owned());
        }
        let issuer = provider.issuer().to_owned();
        let scene = Scene::around(server, &issuer, alice, tls).await?;
        Ok(Scene { provider: Some(provider), ..scene })
    }

    async fn around(server: Server, issuer: &str, alice: Person, tls: Option<Arc<Authority>>) -> Result<Scene, Failed> {
        let address = issuer.rsplit('/').next().unwrap_or_default().replace("localhost", "127.0.0.1");
        // Browsers know by themselves that these hosts are asked over https alone.
        let mapped = HOSTS.map(|host| (format!("{host}:443"), address.clone()));
        let chromium = Arc::new(Chromium::start_mapped(&[], &mapped, tls.as_deref()).await?);
        let main = Party::Provider(ProviderName::Main);
        let mut origins =
            vec![(issuer.to_owned(), main), (server.at(""), Party::Partner), (server.named(""), Party::Partner)];
        origins
            .extend(["http", "https"].into_iter().flat_map(|how| HOSTS.map(|host| (format!("{how}://{host}"), main))));
        let browser = Browser::new(
            "one",
            Surroundings { tls: tls.map(|own| own.client()).transpose()?, ..surroundings(&chromium, origins) },
        );
        Ok(Scene { server, provider: None, serving: None, chromium, browser, alice })
    }

    pub(super) async fn open(&self, url: &str) -> Result<Page, Failed> {
        let navigation = Navigation { url: url.to_owned(), ..Navigation::default() };
        Ok(self.browser.open("first", navigation, &cause()).await?)
    }

    pub(super) async fn submit(&self, form: WantedForm, values: &[(&str, &str)]) -> Result<Page, Failed> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let submission = Submission { values, without: Vec::new() };
        Ok(self.browser.submit("first", &form, &submission, Vec::new(), &cause()).await?)
    }

    /// Presses a button of the partner's page.
    pub(super) async fn press(&self, step: &str) -> Result<Page, Failed> {
        self.submit(WantedForm::Step(step.to_owned()), &[]).await
    }

    pub(super) async fn sign_in(&self) -> Result<Page, Failed> {
        let (login, password) = (self.alice.login.as_str(), self.alice.password.as_str());
        self.submit(WantedForm::Step("login".to_owned()), &[("username", login), ("password", password)]).await
    }

    pub(super) async fn consent(&self, scopes: &[&str], decision: &str) -> Result<Page, Failed> {
        let mut values: Vec<(&str, &str)> = scopes.iter().map(|scope| ("scope", *scope)).collect();
        values.push(("decision", decision));
        self.submit(WantedForm::Step("consent".to_owned()), &values).await
    }

    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        self.browser.cookies(None).into_iter().find(|own| own.name == name).map(|own| own.value)
    }

    pub(super) async fn end(mut self) {
        self.chromium.stop().await;
        if let Some(mut child) = self.serving.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        drop(self.provider);
    }
}

/// What the page's callback was given last.
pub(super) fn said(page: &Page) -> Result<Json, Failed> {
    let text = page.seen.text.split_once("said ").map(|(_, text)| text);
    let text = text.ok_or_else(|| format!("nothing was said: {}", page.seen.text))?;
    let first = serde_json::Deserializer::from_str(text).into_iter::<Json>().next();
    Ok(first.ok_or("nothing was said")??)
}

/// Which events it heard.
pub(super) fn heard(page: &Page) -> String {
    page.seen.text.find("heard ").map(|at| page.seen.text[at..].trim().to_owned()).unwrap_or_default()
}

pub(super) fn run(scene: impl Future<Output = Held>) -> Held {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(scene)
}

pub(super) fn page_of_2010() -> Held {
    run(async {
        let scene = Scene::set("facebook-connect", OF_2010, false).await?;
        let at = scene.server.at("/");
        let page = scene.open(&at).await?;
        same(said(&page)?, serde_json::json!({ "status": "unknown", "session": null, "perms": null }))?;
        must(page.seen.text.contains("Log in with Facebook"), "the button is drawn")?;
        let page = scene.press("in").await?;
        same(page.seen.site.as_str(), "provider")?;
        scene.sign_in().await?;
        let page = scene.consent(&["email", "publish_stream"], "allow").await?;
        let login = said(&page)?;
        same(
            (&login["status"], &login["session"]["uid"]),
            (&Json::from("connected"), &Json::from(scene.alice.sub.as_str())),
        )?;
        same(login["perms"].as_str(), Some("email,publish_stream"))?;
        same(heard(&page).as_str(), "heard session;")?;
        must(page.seen.text.contains("Log out"), "the button signs out from now on")?;
        // The partner's server reads the cookie, as its SDK of the time does.
        let cookie = scene.cookie(&format!("fbs_{APP}")).ok_or("there is no cookie")?;
        let session = legacy_sig::open_fbs_cookie(&cookie, SECRET, 0).map_err(|why| format!("{why}: {cookie}"))?;
        same(session["uid"].as_str(), scene.alice.sub.as_str())?;
        same(said(&scene.press("me").await?)?["name"].as_str(), Some("Alice Archer"))?;
        must(said(&scene.press("publish").await?)?["id"].is_string(), "a story was published")?;
        same(said(&scene.press("take back").await?)?, Json::Bool(true))?;
        let page = scene.press("share").await?;
        must(page.seen.text.contains("A story"), &page.seen.text)?;
        let shared = said(&scene.submit(WantedForm::Step("share".to_owned()), &[("decision", "share")]).await?)?;
        must(shared["post_id"].is_string(), format!("{shared}"))?;
        // The next visit knows her by the cookie.
        same(said(&scene.open(&at).await?)?["status"].as_str(), Some("connected"))?;
        let page = scene.press("out").await?;
        same(said(&page)?["status"].as_str(), Some("unknown"))?;
        same(scene.cookie(&format!("fbs_{APP}")), None)?;
        same(said(&scene.open(&at).await?)?["status"].as_str(), Some("unknown"))?;
        scene.end().await;
        Ok(())
    })
}

pub(super) fn page_of_today() -> Held {
    run(async {
        let scene = Scene::set("facebook-login", OF_TODAY, true).await?;
        let at = scene.server.at("/");
        same(said(&scene.open(&at).await?)?, serde_json::json!({ "status": "unknown", "authResponse": null }))?;
        scene.press("in").await?;
        scene.sign_in().await?;
        let page = scene.consent(&[], "deny").await?;
        same(said(&page)?["authResponse"].clone(), Json::Null)?;
        // Signed in at the provider by now: only the permissions are asked.
        let page = scene.press("in").await?;
        must(page.seen.text.contains("Share with"), &page.seen.text)?;
        let page = scene.consent(&["email"], "allow").await?;
        let login = said(&page)?;
        same(
            (login["status"].as_str(), login["authResponse"]["userID"].as_str()),
            (Some("connected"), Some(scene.alice.sub.as_str())),
        )?;
        same(login["authResponse"]["grantedScopes"].as_str(), Some("public_profile,email"))?;
        must(heard(&page).ends_with("heard connected;"), heard(&page))?;
        let sealed = scene.cookie(&format!("fbsr_{APP}")).ok_or("there is no cookie")?;
        let payload = seal::open(&sealed, SECRET).map_err(|why| format!("{why}: {sealed}"))?;
        same(payload["user_id"].as_str(), Some(scene.alice.sub.as_str()))?;
        let me = said(&scene.press("me").await?)?;
        same((me["name"].as_str(), me["email"].is_string()), (Some("Alice Archer"), true))?;
        // What was declined is asked again, and only that.
        let page = scene.press("again").await?;
        must(page.seen.text.contains("friends") && !page.seen.text.contains("e-mail address"), &page.seen.text)?;
        let page = scene.consent(&["user_friends"], "allow").await?;
        let granted = said(&page)?["authResponse"]["grantedScopes"].as_str().unwrap_or_default().to_owned();
        must(granted.contains("user_friends"), granted)?;
        scene.press("share").await?;
        let cancelled = said(&scene.submit(WantedForm::Step("share".to_owned()), &[("decision", "cancel")]).await?)?;
        same(cancelled["error_code"].as_i64(), Some(4201))?;
        // The next visit knows her.
        same(said(&scene.open(&at).await?)?["status"].as_str(), Some("connected"))?;
        same(said(&scene.press("out").await?)?["status"].as_str(), Some("unknown"))?;
        same(said(&scene.open(&at).await?)?["status"].as_str(), Some("unknown"))?;
        scene.end().await;
        Ok(())
    })
}

pub(super) fn page_of_a_stranger() -> Held {
    run(async {
        let scene = Scene::set("facebook-login", OF_TODAY, true).await?;
        // She is signed in, and has let the app in.
        scene.open(&scene.server.at("/")).await?;
        scene.press("in").await?;
        scene.sign_in().await?;
        let page = scene.consent(&["email"], "allow").await?;
        same(said(&page)?["status"].as_str(), Some("connected"))?;
        // The same page at another address is told nothing.
        let page = scene.open(&scene.server.named("/")).await?;
        same(said(&page)?["status"].as_str(), Some("unknown"))?;
        let page = scene.press("in").await?;
        must(page.seen.text.contains("not allowed by the settings of the application"), &page.seen.text)?;
        scene.end().await;
        Ok(())
    })
}

pub(super) fn clicks_through() -> Held {
    run(async {
        let server = Server::start(|asked: &Asked| match asked.path() {
            "/callback" => html("back at the partner"),
            _ => reply(200, &[], ""),
        })
        .await;
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("people.toml");
        std::fs::write(
            &config,
            format!(
                "[[client]]\nid = \"{APP}\"\nsecret = \"{SECRET}\"\nauth = \"client_secret_post\"\nredirect_uris = [\"{}\"]\ncallbacks = {{ deauthorize = \"{}\" }}\n",
                server.at("/callback"),
                server.at("/deauthorize")
            ),
        )?;
        let mut serving = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["serve", "--port", "0", "--dialect", "facebook-login", "--config"])
            .arg(&config)
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = std::io::BufReader::new(serving.stdout.take().ok_or("no output")?).lines();
        let issuer =
            lines.map_while(Result::ok).find_map(|line| line.strip_prefix("issuer").map(|own| own.trim().to_owned()));
        let issuer = issuer.ok_or("it names no issuer")?;
        let persona = Dialect::from_files(
            include_str!("../../specs/dialects/facebook-login/dialect.toml"),
            include_str!("../../specs/dialects/facebook-login/personas.toml"),
        )?;
        let alice = Person::mint(&persona.personas[0], "alice", 1, "sdk", None, None);
        let scene = Scene { serving: Some(serving), ..Scene::around(server, &issuer, alice, None).await? };
        let looked = |page: &Page, name: &str| -> Held {
            // For whoever wants to look at the pages: COUNTERSIGN_PAGES=folder.
            match std::env::var_os("COUNTERSIGN_PAGES") {
                Some(folder) => Ok(std::fs::write(
                    std::path::Path::new(&folder).join(format!("{name}.html")),
                    &page.seen.response.body,
                )?),
                None => Ok(()),
            }
        };
        let dialog = format!(
            "{issuer}/www/v19.0/dialog/oauth?client_id={APP}&state=st&scope=email,user_friends,user_likes&redirect_uri={}",
            scene.server.at("/callback")
        );
        let page = scene.open(&dialog).await?;
        looked(&page, "login")?;
        let page = scene.submit(WantedForm::WithMember("persona".to_owned()), &[("persona", "alice")]).await?;
        looked(&page, "permissions")?;
        for words in ["Share with", "always part of signing in", "e-mail address", "friends"] {
            must(page.seen.text.contains(words), format!("{words}: {}", page.seen.text))?;
        }
        let page = scene.consent(&["email", "user_friends"], "allow").await?;
        same(page.seen.text.as_str(), "back at the partner")?;
        let asked = scene.server.asked();
        let back = asked.iter().find(|asked| asked.path() == "/callback").ok_or("she did not come back")?;
        let query = back.target.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let members: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        same(members.get("state").map(String::as_str), Some("st"))?;
        let code = members.get("code").ok_or("there is no code")?;
        // What the relying party sees now.
        let graph = |path: String| {
            let (browser, url) = (scene.browser.clone(), format!("{issuer}/graph/v19.0/{path}"));
            async move {
                let page = browser.peek(&url, &[], &cause()).await?;
                Ok::<Json, Failed>(serde_json::from_slice(&page.seen.response.body)?)
            }
        };
        let redirect = scene.server.at("/callback");
        let token = graph(format!(
            "oauth/access_token?client_id={APP}&client_secret={SECRET}&code={code}&redirect_uri={redirect}"
        ))
        .await?;
        let token = token["access_token"].as_str().ok_or_else(|| format!("{token}"))?.to_owned();
        let me = graph(format!("me?fields=id,name,email&access_token={token}")).await?;
        must(me["email"].is_string() && me["name"] == "Alice Archer", format!("{me}"))?;
        let all = graph(format!("me/permissions?access_token={token}")).await?;
        let status = |name: &str| {
            let all = all["data"].as_array().into_iter().flatten();
            all.clone().find(|own| own["permission"] == name).map(|own| own["status"].clone())
        };
        same(status("user_likes"), Some(Json::from("declined")))?;
        same(status("user_friends"), Some(Json::from("granted")))?;
        same(graph(format!("me/likes?access_token={token}")).await?["data"].clone(), serde_json::json!([]))?;
        // She removes the app.
        let page = scene.open(&format!("{issuer}/www/settings/apps")).await?;
        looked(&page, "apps")?;
        must(page.seen.text.contains(&format!("Remove {APP}")), &page.seen.text)?;
        let page = scene.submit(WantedForm::Step("remove".to_owned()), &[("decision", "remove")]).await?;
        looked(&page, "removed")?;
        must(page.seen.text.contains("is removed."), &page.seen.text)?;
        let error = graph(format!("me?access_token={token}")).await?["error"].clone();
        same((error["code"].as_i64(), error["error_subcode"].as_i64()), (Some(190), Some(458)))?;
        let told = scene.server.asked().into_iter().find(|asked| asked.path() == "/deauthorize");
        let told = told.ok_or("the app was not told")?;
        let sealed = told.body.strip_prefix("signed_request=").ok_or_else(|| told.body.clone())?;
        let payload = seal::open(sealed, SECRET).map_err(|why| why.to_string())?;
        same(payload["user_id"].clone(), me["id"].clone())?;
        scene.end().await;
        Ok(())
    })
}

pub(super) fn removes_an_app_of_2010() -> Held {
    run(async {
        let scene = Scene::set("facebook-connect", OF_2010, true).await?;
        let issuer = scene.provider.as_ref().map(|own| own.issuer().to_owned()).ok_or("there is no provider")?;
        let settings = format!("{issuer}/www/settings/apps");
        must(scene.open(&settings).await?.seen.text.contains("Nobody is signed in"), "nobody came yet")?;
        let to = scene.server.at("/callback");
        let asked = [("client_id", APP), ("redirect_uri", &to), ("scope", "user_groups,publish_stream")];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).finish();
        scene.open(&format!("{issuer}/www/dialog/oauth?{query}")).await?;
        scene.sign_in().await?;
        same(scene.consent(&["user_groups", "publish_stream"], "allow").await?.seen.site.as_str(), "partner")?;
        let page = scene.open(&settings).await?;
        for words in ["Signed in as Alice Archer", "see your groups", "publish to your wall"] {
            must(page.seen.text.contains(words), format!("{words}: {}", page.seen.text))?;
        }
        let page = scene.submit(WantedForm::Step("remove".to_owned()), &[("decision", "remove")]).await?;
        must(page.seen.text.contains(&format!("{APP} is removed.")), &page.seen.text)?;
        must(page.seen.text.contains("No app may see anything of you."), &page.seen.text)?;
        scene.end().await;
        Ok(())
    })
}
