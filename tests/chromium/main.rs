//! The second engine: a real Chromium in the place of the harness's own browser. Visibly ignored where there is none;
//! that it is missing is told well everywhere.

mod check_session;
mod facebook;
mod logout;
mod sdk_pages;
#[path = "../agent/server.rs"]
mod server;
mod window;

use std::path::Path;
use std::process::{Command, ExitCode, Output};
use std::sync::Arc;
use std::time::Duration;

use countersign::agent::{Browser, Chromium, Limits, Navigation, Page, Submission, Surroundings, Tag, WantedForm};
use countersign::model::exchange::{Cause, Party, Sequence};
use countersign::model::fault::ProviderName;
use libtest_mimic::{Arguments, Failed, Trial};
use server::{Asked, Reply, Server, html, reply, to};

type Held = Result<(), Failed>;
type Test = fn() -> Held;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("a Chromium that is not there blocks the run with advice", missing)];
    let needs: Vec<(&str, Test)> = vec![
        ("redirects are followed, and the tag goes to the issuer alone", tagged),
        ("a page rests when its scripts have had their turn", scripts),
        ("a form is sent as it was filled in, and its cookies are known", forms),
        ("a place not to be opened is not asked for", stops),
        ("what is opened again is asked for again, whatever place of the page was shown", again),
        ("a pop-up is seen in the tab that opened it, and the opener when it has closed", popup),
        ("a page that speaks up is not waited for", dialogs),
        ("nothing is contacted but this machine and what the run names", outside),
        ("cookies that the harness changes are Chromium's, too", cookies),
        ("a page of 2010 signs in, calls, publishes and shares by the script of the provider", facebook::page_of_2010),
        ("a page of today signs in, hears what was granted and refused, and signs out", facebook::page_of_today),
        (
            "a page of 2011 signs in with oauth: true, hears what changes and keeps the cookies of that year",
            sdk_pages::page_of_2011,
        ),
        ("a page of today works unchanged where the names of the provider lead here", sdk_pages::page_of_today_by_name),
        ("the browser of the handbook finds the script by its real name at serve", sdk_pages::documented_mapping),
        (
            "what the script does not play is named on the console, once, and nothing else breaks",
            sdk_pages::what_is_not_played,
        ),
        ("a page that the app did not register gets nothing from the script", facebook::page_of_a_stranger),
        ("a person clicks through login, permissions and the removal of an app at serve", facebook::clicks_through),
        ("a person of 2010 removes an app in the settings", facebook::removes_an_app_of_2010),
        ("the provider's page of signing out loads the address of each site in a frame", logout::frames),
        ("the provider's frame tells a site whether the session is the one that it knows", check_session::frame),
        ("a partner that watches the session ends its own, and at nobody else's word", check_session::partner),
        ("a window that a site opens hears what the site says, and its frames do", window::heard),
        ("a look from outside goes by the name that pages go by", window::name),
        ("only the certificates of the run's own authority are taken", window::certificates),
        ("the cases of session management hold in it, and over HTTP say why they do not apply", check_session::cases),
        ("check sees whether the page that is named watches the session", check_session::check),
        ("an honest partner passes with the same ladders as over HTTP, and a flaw fails", verdicts),
    ];
    let here = Chromium::find().is_ok();
    trials.extend(needs.into_iter().map(|(name, test)| match here {
        true => Trial::test(name, test),
        false => Trial::test(name, test).with_kind("needs chromium").with_ignored_flag(true),
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn must(holds: bool, what: impl Into<String>) -> Held {
    if holds { Ok(()) } else { Err(what.into().into()) }
}

fn same<T: PartialEq + std::fmt::Debug>(seen: T, wanted: T) -> Held {
    must(seen == wanted, format!("seen {seen:?}, wanted {wanted:?}"))
}

// --- what the tests have in common ------------------------------------------------------------------------------------

/// What a browser of this Chromium knows: whose the origins are.
fn surroundings(chromium: &Arc<Chromium>, origins: Vec<(String, Party)>) -> Surroundings {
    Surroundings {
        sequence: Sequence::default(),
        origins,
        tag: None,
        limits: Limits { answer: Duration::from_secs(20), ..Limits::default() },
        tls: None,
        chromium: Some(Arc::clone(chromium)),
    }
}

/// A server, a Chromium, and a browser for whom `localhost` is the issuer and `127.0.0.1` the partner.
struct Stage {
    server: Server,
    chromium: Arc<Chromium>,
    browser: Browser,
}

impl Stage {
    async fn set(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Result<Stage, Failed> {
        let server = Server::start(answer).await;
        let chromium = Arc::new(Chromium::start(&[]).await?);
        let origins = vec![
            (server.named(""), Party::Provider(ProviderName::Main)),
            (server.at(""), Party::Partner),
            (format!("http://127.0.0.2:{}", server.port), Party::Elsewhere),
        ];
        let tag = Tag { header: "x-countersign", value: Arc::new(|one: &str, tab: &str| format!("{one}/{tab}")) };
        let surroundings = Surroundings { tag: Some(tag), ..surroundings(&chromium, origins) };
        let browser = Browser::new("one", surroundings);
        Ok(Stage { server, chromium, browser })
    }

    async fn open(&self, url: &str) -> Result<Page, Failed> {
        let navigation = Navigation { url: url.to_owned(), ..Navigation::default() };
        Ok(self.browser.open("first", navigation, &cause()).await?)
    }

    async fn submit(&self, values: &[(&str, &str)]) -> Result<Page, Failed> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let submission = Submission { values, without: Vec::new() };
        Ok(self.browser.submit("first", &WantedForm::First, &submission, Vec::new(), &cause()).await?)
    }
}

fn cause() -> Cause {
    Cause { browser: "one".to_owned(), tab: "first".to_owned(), ..Cause::default() }
}

/// Plays a scene on a stage of its own, and ends its Chromium.
fn play<A>(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static, scene: impl FnOnce(Arc<Stage>) -> A) -> Held
where
    A: Future<Output = Held>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let stage = Arc::new(Stage::set(answer).await?);
        let held = scene(Arc::clone(&stage)).await;
        stage.chromium.stop().await;
        held
    })
}

fn countersign(folder: &Path, arguments: &[&str], chromium: Option<&str>) -> Result<(Output, String), Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1");
    if let Some(path) = chromium {
        command.env("CHROMIUM", path);
    }
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((output, said))
}

// --- the tests --------------------------------------------------------------------------------------------------------

fn missing() -> Held {
    let folder = tempfile::tempdir()?;
    let run = ["run", "--browser", "chromium", "--base", "min", "login/happy"];
    let (output, said) = countersign(folder.path(), &run, Some("/nowhere/chromium"))?;
    same(output.status.code(), Some(5))?;
    must(said.contains("CHROMIUM=/nowhere/chromium is no file") && said.contains("help: name the program"), said)
}

fn tagged() -> Held {
    let answer = |asked: &Asked| match (asked.path(), asked.header("host")) {
        ("/login", Some(host)) => to(302, &format!("http://{}/authorize", host.replace("127.0.0.1", "localhost"))),
        ("/authorize", Some(host)) => to(303, &format!("http://{}/in", host.replace("localhost", "127.0.0.1"))),
        ("/in", _) => html("<h1>in</h1><img src=/picture.png><script>fetch('/script')</script>"),
        _ => reply(200, &[], ""),
    };
    play(answer, |stage| async move {
        let page = stage.open(&stage.server.at("/login")).await?;
        same((page.seen.text.as_str(), page.redirects), ("in", 2))?;
        for asked in stage.server.asked() {
            let wanted = asked.header("host").is_some_and(|host| host.starts_with("localhost")).then_some("one/first");
            same(asked.header("x-countersign"), wanted)?;
        }
        let paths = stage.server.paths();
        must(paths.iter().any(|path| path == "/script"), format!("its script had no turn: {paths:?}"))?;
        let written: Vec<String> = stage.browser.exchanges().into_iter().map(|one| one.request.url.clone()).collect();
        let navigations = [stage.server.at("/login"), stage.server.named("/authorize"), stage.server.at("/in")];
        same(written, navigations.to_vec())
    })
}

fn again() -> Held {
    play(
        |_: &Asked| html("so"),
        |stage| async move {
            for place in ["/page#one", "/page#two", "/page#two", "/page"] {
                same(stage.open(&stage.server.at(place)).await?.seen.url, stage.server.at(place))?;
            }
            same(stage.server.asked().len(), 4)?;
            same(stage.browser.exchanges().len(), 4)
        },
    )
}

fn scripts() -> Held {
    let page = "<p id=p>waits</p><script>(async () => {
        const all = [];
        for (let i = 0; i < 5; i++) {
            all.push(await (await fetch('/piece?' + i)).text());
            await crypto.subtle.digest('SHA-256', new Uint8Array(1000));
        }
        p.textContent = all.join('');
        history.pushState(null, '', '/shown#here');
    })()</script>";
    let answer = |asked: &Asked| match asked.path() {
        "/piece" => reply(200, &[], asked.target.split('?').next_back().unwrap_or_default()),
        _ => html(page),
    };
    play(answer, |stage| async move {
        let page = stage.open(&stage.server.at("/app")).await?;
        same(page.seen.text.as_str(), "01234")?;
        same(page.seen.url, stage.server.at("/shown#here"))?;
        must(String::from_utf8_lossy(&page.seen.response.body).contains("waits"), "the answer is kept as it came")
    })
}

fn forms() -> Held {
    let answer = |asked: &Asked| match asked.path() {
        "/form" => html(
            "<form method=post action=/done><input name=user><input type=checkbox name=scope value=a checked>\
             <input type=checkbox name=scope value=b checked><button name=go value=no>No</button>\
             <button name=go value=yes>Yes</button></form>",
        ),
        "/done" => reply(303, &[("location", "/end"), ("set-cookie", "s=1; Path=/; HttpOnly; Max-Age=60")], ""),
        _ => html("end"),
    };
    play(answer, |stage| async move {
        stage.open(&stage.server.at("/form")).await?;
        let page = stage.submit(&[("user", "al ice&"), ("scope", "b"), ("go", "yes"), ("more", "1")]).await?;
        same(page.seen.text.as_str(), "end")?;
        let asked = stage.server.asked();
        let done = asked.iter().find(|asked| asked.path() == "/done").ok_or("nothing was sent")?;
        same(done.body.as_str(), "user=al+ice%26&scope=b&go=yes&more=1")?;
        let end = asked.iter().find(|asked| asked.path() == "/end").ok_or("the redirect was not followed")?;
        same(end.header("cookie"), Some("s=1"))?;
        let jar = stage.browser.cookies(None);
        same(
            jar.iter().map(|own| (own.name.as_str(), own.http_only, own.max_age)).collect(),
            vec![("s", true, Some(60))],
        )?;
        // What a server set stands in the answer as it came.
        let set = stage.browser.exchanges().into_iter().filter_map(|one| one.response);
        let set: Vec<String> =
            set.flat_map(|one| one.headers.clone()).filter(|(name, _)| name == "set-cookie").map(|one| one.1).collect();
        same(set, vec!["s=1; Path=/; HttpOnly; Max-Age=60".to_owned()])
    })
}

fn stops() -> Held {
    let answer = |asked: &Asked| match asked.path() {
        "/callback" => html("never"),
        "/posts" => html(
            "<form method=post action=/callback><input name=code value='a b'></form><script>document.forms[0].submit()</script>",
        ),
        _ => to(302, "/callback?code=c"),
    };
    play(answer, |stage| async move {
        for (from, wanted) in [("/login", "/callback?code=c"), ("/posts", "/callback?code=a+b")] {
            let stop_before = vec![stage.server.at("/callback")];
            let navigation = Navigation { url: stage.server.at(from), stop_before, ..Navigation::default() };
            let page = stage.browser.open("first", navigation, &cause()).await?;
            same(page.stopped_at, Some(stage.server.at(wanted)))?;
        }
        must(!stage.server.paths().contains(&"/callback".to_owned()), "it was opened all the same")
    })
}

fn popup() -> Held {
    let answer = |asked: &Asked| match asked.path() {
        "/app" => html(
            "<p id=p>waits</p><script>addEventListener('message', event => { p.textContent = event.data; });
             open(location.origin.replace('127.0.0.1', 'localhost') + '/authorize', 'login', 'popup')</script>",
        ),
        "/authorize" => html("<p>who?</p><form action=/answered method=post><input name=who></form>"),
        _ => html("<script>opener.postMessage('signed in', '*'); close()</script>"),
    };
    play(answer, |stage| async move {
        let page = stage.open(&stage.server.at("/app")).await?;
        same((page.seen.text.as_str(), page.seen.site.as_str()), ("who?", "provider"))?;
        let tag = stage.server.asked().into_iter().find(|asked| asked.path() == "/authorize");
        same(tag.as_ref().and_then(|asked| asked.header("x-countersign")), Some("one/first"))?;
        let page = stage.submit(&[("who", "alice")]).await?;
        same((page.seen.text.as_str(), page.seen.site.as_str()), ("signed in", "partner"))
    })
}

fn dialogs() -> Held {
    let answer =
        |_: &Asked| html("<p id=p></p><script>alert('hear me'); p.textContent = String(confirm('sure?'))</script>");
    play(answer, |stage| async move { same(stage.open(&stage.server.at("/")).await?.seen.text.as_str(), "false") })
}

fn outside() -> Held {
    let answer = |asked: &Asked| {
        let there = asked.header("host").unwrap_or_default().replace("127.0.0.1", "127.0.0.2");
        match asked.path() {
            "/page" => html(&format!(
                "<img src=http://{there}/img><iframe src=http://{there}/frame></iframe><script src=http://{there}/js></script>\
                 <script>fetch('http://{there}/fetch', {{mode: 'no-cors'}}); navigator.sendBeacon('http://{there}/beacon');\
                 open('http://{there}/popup'); new WebSocket('ws://{there}/socket');\
                 fetch('http://example.com/', {{mode: 'no-cors'}})</script>rests"
            )),
            "/leads" => to(302, &format!("http://{there}/led")),
            _ => html("reached"),
        }
    };
    play(answer, |stage| async move {
        stage.open(&stage.server.at("/page")).await?;
        let page = stage.open(&stage.server.at("/leads")).await?;
        same((page.seen.response.status, page.seen.site.as_str()), (0, "attacker"))?;
        let named = format!("127.0.0.2:{}", stage.server.port);
        let reached: Vec<String> = (stage.server.asked().into_iter())
            .filter(|asked| asked.header("host") == Some(&named))
            .map(|asked| asked.target)
            .collect();
        same(reached, Vec::new())
    })
}

fn cookies() -> Held {
    let answer = |_: &Asked| reply(200, &[("content-type", "text/html"), ("set-cookie", "own=1; HttpOnly")], "so");
    play(answer, |stage| async move {
        let (at, sent) = (stage.server.at("/"), || stage.server.last().header("cookie").map(str::to_owned));
        stage.open(&at).await?;
        stage.browser.set_cookie(&at, "own", "2");
        stage.browser.set_cookie(&at, "more", "3");
        stage.open(&at).await?;
        let mut both: Vec<String> = sent().unwrap_or_default().split("; ").map(str::to_owned).collect();
        both.sort();
        same(both, vec!["more=3".to_owned(), "own=2".to_owned()])?;
        stage.browser.drop_cookies(None, Some(&at));
        stage.open(&at).await?;
        same(sent(), None)?;
        // A look from outside carries them as well.
        stage.browser.peek(&at, &[], &cause()).await?;
        same(sent().as_deref(), Some("own=1"))
    })
}

fn verdicts() -> Held {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guard = ["guard", "--browser", "chromium", "--base", "full"];
    let honest = ["login/happy", "login/error-access-denied", "security/state-missing", "security/state-other-session"];
    let arguments: Vec<&str> = guard.into_iter().chain(honest).collect();
    let (output, said) = countersign(root, &arguments, None)?;
    must(output.status.code() == Some(0), said)?;
    // What a real browser cannot be made to do is no verdict on the partner.
    let forged = ["run", "--browser", "chromium", "--flaw", "host-header-trusted", "login/redirect-uri-exact"];
    let (output, said) = countersign(root, &forged, None)?;
    must(output.status.code() == Some(0) && said.contains("no real browser sends a `host` header"), said)?;
    let flawed = ["run", "--browser", "chromium", "--flaw", "skip-nonce", "tokens/nonce-wrong"];
    let (output, said) = countersign(root, &flawed, None)?;
    must(output.status.code() == Some(1) && said.contains("oidc-core/3.1.3.7#11"), said)
}
