//! Pages that use the JavaScript SDK, as pages of three years were written, and nothing of them changed: the names of the
//! real provider lead to the mock, over https.

use std::io::BufRead as _;
use std::path::Path;
use std::process::{Command, Stdio};

use countersign::agent::{Chromium, Page, WantedForm};
use countersign::provider::dialect::facebook::seal;
use libtest_mimic::Failed;
use serde_json::{Value as Json, json};

use super::facebook::{APP, SECRET, Scene, heard, run, said};
use super::server::{Asked, Server, html};
use super::{Held, must, same};

/// The first year of `oauth: true`.
const OF_2011: &str = r#"<!doctype html><html xmlns:fb="http://www.facebook.com/2008/fbml"><body>
<div id="fb-root"></div>
<form data-step="in" onsubmit="FB.login(said, { scope: 'email' }); return false"><button>in</button></form>
<form data-step="me" onsubmit="FB.api('/me', said); return false"><button>me</button></form>
<form data-step="leave" onsubmit="FB.api('/me/permissions', 'delete', said); return false"><button>leave</button></form>
<form data-step="known" onsubmit="FB.getLoginStatus(said); return false"><button>known</button></form>
<form data-step="anew" onsubmit="FB.getLoginStatus(said, true); return false"><button>anew</button></form>
<form data-step="deaf" onsubmit="FB.Event.unsubscribe('auth.statusChange', listen); said('deaf'); return false"><button>deaf</button></form>
<form data-step="out" onsubmit="FB.logout(said); return false"><button>out</button></form>
<div class="fb-login-button" data-scope="email" data-show-faces="false">Login with Facebook</div>
<pre id="said"></pre><pre id="heard"></pre>
<script>
  function said(what) { document.getElementById('said').textContent = 'said ' + JSON.stringify(what); }
  function listen(response) { document.getElementById('heard').textContent += 'heard ' + response.status + '; '; }
  window.fbAsyncInit = function() {
    FB.init({
      appId      : '1234567890123', // App ID
      channelUrl : '//www.partner.example/channel.html', // Channel File
      status     : true, // check login status
      cookie     : true, // enable cookies to allow the server to access the session
      oauth      : true, // enable OAuth 2.0
      xfbml      : true  // parse XFBML
    });
    FB.Event.subscribe('auth.statusChange', listen);
    FB.Event.subscribe('auth.authResponseChange', function (response) {
      document.getElementById('heard').textContent += 'changed ' + Boolean(response.authResponse) + '; ';
    });
    FB.getLoginStatus(said);
  };
  (function(d){
     var js, id = 'facebook-jssdk'; if (d.getElementById(id)) {return;}
     js = d.createElement('script'); js.id = id; js.async = true;
     js.src = "//connect.facebook.net/en_US/all.js";
     d.getElementsByTagName('head')[0].appendChild(js);
   }(document));
</script></body></html>"#;

/// As the documentation of today has it.
const OF_TODAY: &str = r#"<!doctype html><html><head></head><body>
<fb:login-button scope="public_profile,email" onlogin="checkLoginState();"></fb:login-button>
<form data-step="button" onsubmit="document.querySelector('fb\\:login-button button').click(); return false"><button>button</button></form>
<form data-step="me" onsubmit="FB.api('/me', { fields: 'id,email' }, said); return false"><button>me</button></form>
<form data-step="wrong" onsubmit="FB.api('/me/nothing', said); return false"><button>wrong</button></form>
<form data-step="feed" onsubmit="FB.ui({ method: 'feed', link: 'https://partner.example/2' }, said); return false"><button>feed</button></form>
<form data-step="share" onsubmit="FB.ui({ method: 'share', href: 'https://partner.example/1' }, said); return false"><button>share</button></form>
<form data-step="out" onsubmit="FB.logout(said); return false"><button>out</button></form>
<pre id="said"></pre><pre id="heard"></pre>
<script>
  function said(what) { document.getElementById('said').textContent = 'said ' + JSON.stringify(what); }
  function checkLoginState() {
    FB.getLoginStatus(function(response) { said(response); });
  }
  window.fbAsyncInit = function() {
    FB.init({
      appId      : '1234567890123',
      cookie     : true,
      xfbml      : true,
      version    : 'v19.0'
    });
    FB.getLoginStatus(function(response) { said(response); });
  };
</script>
<script async defer crossorigin="anonymous" src="https://connect.facebook.net/en_US/sdk.js"></script>
</body></html>"#;

/// What a page of 2010 may have beside a login, and what this script does not play.
const MORE_OF_2010: &str = r#"<!doctype html><html xmlns:fb="http://www.facebook.com/2008/fbml"><body>
<script>
  var all = [];
  ['error', 'warn'].forEach(function (how) { console[how] = function (what) { all.push(what); }; });
</script>
<div id="fb-root"></div>
<div id="untouched"><fb:login-button perms="email"></fb:login-button></div>
<div id="part">
<fb:login-button perms="email" autologoutlink="true" onlogin="said('onlogin ' + FB.getSession().uid)">Connect</fb:login-button>
<p>name: <fb:name uid="loggedinuser" useyou="false"></fb:name></p><fb:profile-pic uid="loggedinuser" size="square"></fb:profile-pic>
<fb:like href="http://partner.example/1"></fb:like><fb:like href="http://partner.example/2"></fb:like><fb:facepile></fb:facepile>
</div>
<form data-step="button" onsubmit="document.querySelector('#part button').click(); return false"><button>button</button></form>
<form data-step="look" onsubmit="look(); return false"><button>look</button></form>
<form data-step="nobody" onsubmit="FB.api('/nobody.there', said); return false"><button>nobody</button></form>
<form data-step="publish" onsubmit="FB.api('/me/feed', 'post', { message: 'Hello' }, said); return false"><button>publish</button></form>
<form data-step="old" onsubmit="FB.api({ method: 'users.getInfo', uids: FB.getSession().uid, fields: 'name' }, said); return false"><button>old</button></form>
<form data-step="older" onsubmit="FB.api({ method: 'nobody.knows' }, said); return false"><button>older</button></form>
<form data-step="feed" onsubmit="FB.ui({ method: 'feed', name: 'A story', link: 'http://partner.example/1' }, said); return false"><button>feed</button></form>
<form data-step="unplayed" onsubmit="unplayed(); return false"><button>unplayed</button></form>
<pre id="said"></pre>
<script>
  function said(what) { document.getElementById('said').textContent = 'said ' + JSON.stringify(what); }
  function look() {
    said({
      like: document.querySelector('fb\\:like').innerHTML,
      picture: (document.querySelector('fb\\:profile-pic img') || {}).src,
      untouched: document.getElementById('untouched').innerHTML,
      console: all
    });
  }
  function unplayed() {
    FB.Canvas.setAutoResize(); FB.Canvas.setAutoResize();
    FB.ui({ method: 'apprequests', message: 'Play with me' });
    FB.ui({ method: 'apprequests', message: 'Play with me' }, look);
  }
  window.fbAsyncInit = function () {
    FB.init({ appId: '1234567890123', status: true, cookie: true });
    FB.XFBML.parse(document.getElementById('part'), look);
  };
  (function () {
    var e = document.createElement('script'); e.async = true;
    e.src = 'http://connect.facebook.net/en_US/all.js';
    document.getElementById('fb-root').appendChild(e);
  }());
</script></body></html>"#;

pub(super) fn page_of_2011() -> Held {
    run(async {
        let scene = Scene::set("facebook-connect", OF_2011, false).await?;
        let at = scene.server.at("/");
        let page = scene.open(&at).await?;
        same(said(&page)?, json!({ "status": "unknown", "authResponse": null }))?;
        must(page.seen.text.contains("Login with Facebook"), "the button is drawn with the page's own words")?;
        // She signs in at the provider, and does not let the app in.
        scene.press("in").await?;
        scene.sign_in().await?;
        let page = scene.consent(&[], "deny").await?;
        same(said(&page)?, json!({ "status": "not_authorized", "authResponse": null }))?;
        same(heard(&page).as_str(), "heard not_authorized;")?;
        same(said(&scene.open(&at).await?)?["status"].as_str(), Some("not_authorized"))?;
        scene.press("in").await?;
        let page = scene.consent(&["email"], "allow").await?;
        let login = said(&page)?;
        let response = &login["authResponse"];
        same(
            (login["status"].as_str(), response["userID"].as_str(), response["expiresIn"].is_u64()),
            (Some("connected"), Some(scene.alice.sub.as_str()), true),
        )?;
        must(login.get("session").is_none() && login.get("perms").is_none(), format!("of 2010: {login}"))?;
        must(heard(&page).contains("heard connected; changed true;"), heard(&page))?;
        // Cookies of the time: a code, sealed, and the domain; no session.
        same(scene.cookie(&format!("fbs_{APP}")), None)?;
        must(scene.cookie(&format!("fbm_{APP}")).is_some_and(|own| own.starts_with("base_domain=")), "fbm_")?;
        let sealed = scene.cookie(&format!("fbsr_{APP}")).ok_or("there is no cookie fbsr_")?;
        same(response["signedRequest"].as_str(), Some(sealed.as_str()))?;
        let payload = seal::open(&sealed, SECRET).map_err(|why| format!("{why}: {sealed}"))?;
        same(payload["user_id"].as_str(), Some(scene.alice.sub.as_str()))?;
        must(payload["code"].is_string(), format!("{payload}"))?;
        same(said(&scene.press("me").await?)?["name"].as_str(), Some("Alice Archer"))?;
        // She removes the app elsewhere: the page knows once it asks anew, and whoever does not listen any more hears nothing.
        same(said(&scene.press("leave").await?)?, Json::Bool(true))?;
        same(said(&scene.press("known").await?)?["status"].as_str(), Some("connected"))?;
        let before = heard(&scene.press("deaf").await?);
        let page = scene.press("anew").await?;
        same(said(&page)?, json!({ "status": "not_authorized", "authResponse": null }))?;
        same(heard(&page), format!("{before} changed false;"))?;
        same(scene.cookie(&format!("fbsr_{APP}")), None)?;
        scene.press("in").await?;
        same(said(&scene.consent(&["email"], "allow").await?)?["status"].as_str(), Some("connected"))?;
        same(said(&scene.press("out").await?)?, json!({ "status": "unknown", "authResponse": null }))?;
        same(scene.cookie(&format!("fbsr_{APP}")), None)?;
        same(said(&scene.open(&at).await?)?["status"].as_str(), Some("unknown"))?;
        scene.end().await;
        Ok(())
    })
}

pub(super) fn page_of_today_by_name() -> Held {
    run(async {
        let scene = Scene::set("facebook-login", OF_TODAY, false).await?;
        let at = scene.server.at("/");
        let page = scene.open(&at).await?;
        same(said(&page)?["status"].as_str(), Some("unknown"))?;
        let page = scene.press("button").await?;
        same(page.seen.url.split('?').next(), Some("https://www.facebook.com/v19.0/dialog/oauth"))?;
        scene.sign_in().await?;
        let login = said(&scene.consent(&["email"], "allow").await?)?;
        same(
            (login["status"].as_str(), login["authResponse"]["userID"].as_str()),
            (Some("connected"), Some(scene.alice.sub.as_str())),
        )?;
        must(scene.cookie(&format!("fbsr_{APP}")).is_some(), "there is no cookie fbsr_")?;
        must(said(&scene.press("me").await?)?["email"].is_string(), "the Graph API answers")?;
        let wrong = said(&scene.press("wrong").await?)?;
        same((wrong["error"]["type"].is_string(), wrong["error"]["code"].is_u64()), (true, true))?;
        for (step, link) in [("share", "https://partner.example/1"), ("feed", "https://partner.example/2")] {
            let page = scene.press(step).await?;
            must(
                page.seen.text.contains(link) && page.seen.url.starts_with("https://www.facebook.com/"),
                &page.seen.text,
            )?;
            same(said(&share(&scene, "share").await?)?, json!([]))?;
        }
        same(said(&scene.open(&at).await?)?["status"].as_str(), Some("connected"))?;
        same(said(&scene.press("out").await?)?["status"].as_str(), Some("unknown"))?;
        scene.end().await;
        Ok(())
    })
}

async fn share(scene: &Scene, decision: &str) -> Result<Page, Failed> {
    scene.submit(WantedForm::Step("share".to_owned()), &[("decision", decision)]).await
}

pub(super) fn what_is_not_played() -> Held {
    run(async {
        let scene = Scene::set("facebook-connect", MORE_OF_2010, false).await?;
        let page = scene.open(&scene.server.at("/")).await?;
        let named = |name: &str| {
            format!("fb:{name} is not played by this SDK, a small one for testing logins; the element stays as it is.")
        };
        let seen = said(&page)?;
        same(seen["console"].clone(), json!([named("like"), named("facepile")]))?;
        same((seen["like"].as_str(), &seen["picture"]), (Some(""), &Json::Null))?;
        must(seen["untouched"].as_str().is_some_and(|html| !html.contains("<button")), "only a part was parsed")?;
        // The button calls what the page says, once she is in; what names her follows.
        scene.press("button").await?;
        scene.sign_in().await?;
        let page = scene.consent(&["email"], "allow").await?;
        same(said(&page)?, json!(format!("onlogin {}", scene.alice.sub)))?;
        let page = scene.press("look").await?;
        must(page.seen.text.contains("name: Alice Archer") && page.seen.text.contains("Log out"), &page.seen.text)?;
        let picture = said(&page)?["picture"].as_str().unwrap_or_default().to_owned();
        same(picture, format!("https://graph.facebook.com/{}/picture?type=square", scene.alice.sub))?;
        let error = said(&scene.press("nobody").await?)?["error"].clone();
        must(error["type"].is_string() && error["message"].is_string(), format!("{error}"))?;
        // To publish was not allowed.
        must(said(&scene.press("publish").await?)?["error"]["message"].is_string(), "an error reaches the page")?;
        // The REST API of the years before.
        let old = said(&scene.press("old").await?)?;
        same(
            (old[0]["name"].as_str(), old[0]["uid"].as_str()),
            (Some("Alice Archer"), Some(scene.alice.sub.as_str())),
        )?;
        same(said(&scene.press("older").await?)?["error_code"].as_i64(), Some(3))?;
        let page = scene.press("feed").await?;
        must(page.seen.text.contains("A story"), &page.seen.text)?;
        must(said(&share(&scene, "share").await?)?["post_id"].is_string(), "a story was shared")?;
        scene.press("feed").await?;
        same(said(&share(&scene, "cancel").await?)?, Json::Null)?;
        let seen = said(&scene.press("unplayed").await?)?;
        let all: Vec<&str> = seen["console"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        same(all.len(), 4)?;
        for (said, what) in all[2..].iter().zip(["FB.Canvas.setAutoResize", "FB.ui: the dialog apprequests"]) {
            must(said.starts_with(&format!("{what} is not played")), *said)?;
        }
        scene.end().await;
        Ok(())
    })
}

/// The browser of docs/facebook.md: its flags, with the port of this provider.
fn documented_flags(port: &str) -> Result<Vec<String>, Failed> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/facebook.md"))?;
    let (_, block) = page.split_once("chromium --user-data-dir").ok_or("there is no such command")?;
    let command = block.split("```").next().unwrap_or_default();
    let rules = command.split_once("--host-resolver-rules=\"").and_then(|(_, rest)| rest.split('"').next());
    let rules = rules.ok_or_else(|| format!("it maps no names: {command}"))?;
    must(command.contains(" --ignore-certificate-errors "), command)?;
    must(rules.contains(":9400"), rules)?;
    let rules = rules.replace(":9400", &format!(":{port}"));
    Ok(vec!["--ignore-certificate-errors".to_owned(), format!("--host-resolver-rules={rules}")])
}

pub(super) fn documented_mapping() -> Held {
    for (dialect, page, script) in
        [("facebook-login", OF_TODAY, "/en_US/sdk.js"), ("facebook-connect", MORE_OF_2010, "/en_US/all.js")]
    {
        run(async move {
            let server = Server::start(move |_: &Asked| html(page)).await;
            let client = format!("{APP}:{SECRET}:{}", server.at("/callback"));
            let mut serving = Command::new(env!("CARGO_BIN_EXE_countersign"))
                .args(["serve", "--port", "0", "--dialect", dialect, "--tls", "--client", &client])
                .env("NO_COLOR", "1")
                .stdout(Stdio::piped())
                .spawn()?;
            let lines = std::io::BufReader::new(serving.stdout.take().ok_or("no output")?).lines();
            let mut lines = lines.map_while(Result::ok);
            let issuer = lines.find_map(|line| line.strip_prefix("issuer").map(|own| own.trim().to_owned()));
            let issuer = issuer.ok_or("it names no issuer")?;
            let folder = tempfile::tempdir()?;
            let shown = Command::new(Chromium::find()?)
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom"])
                .arg(format!("--user-data-dir={}", folder.path().display()))
                .args(documented_flags(issuer.rsplit(':').next().unwrap_or_default())?)
                .arg(server.at("/"))
                .output();
            serving.kill()?;
            serving.wait()?;
            let shown = String::from_utf8_lossy(&shown?.stdout).into_owned();
            must(shown.contains("said {") && shown.contains("<button type=\"button\""), format!("{script}: {shown}"))
        })?;
    }
    Ok(())
}
