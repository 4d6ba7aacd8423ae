use countersign::agent::{AgentError, Submission, WantedForm, form_defaults};

use crate::{Server, browser, cause, get, html, open};

const CONSENT: &str = "<form action=/other><input name=q></form>\
    <form data-step=consent method=post action='?a=1'><input type=hidden name=scope value=openid>\
    <input type=checkbox name=scope value=profile checked><input type=checkbox name=scope value=email checked>\
    <input type=hidden name=csrf value='t&#39;1'>\
    <button name=decision value=allow>Allow</button><button name=decision value=deny>Deny</button></form>";

fn entries(values: &[(&str, &str)], without: &[&str]) -> Submission {
    Submission {
        values: values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        without: without.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[tokio::test]
async fn a_form_is_filled_in_and_sent_with_what_it_has_by_itself() {
    let server = Server::start(|asked| if asked.method == "POST" { html("done") } else { html(CONSENT) }).await;
    let browser = browser(&server);
    let page = open(&browser, &server.named("/consent?x=1")).await.expect("a page");
    let consent = WantedForm::Step("consent".to_owned());
    let defaults = form_defaults(&page, &consent).expect("a form");
    let scopes: Vec<&str> =
        defaults.iter().filter(|(name, _)| name == "scope").map(|(_, value)| value.as_str()).collect();
    assert_eq!(scopes, ["openid", "profile", "email"]);

    let submission = entries(&[("decision", "deny"), ("scope", "openid"), ("scope", "email")], &[]);
    let done = browser.submit("first", &consent, &submission, Vec::new(), &cause()).await.expect("a page");
    assert_eq!(done.seen.text, "done");
    let asked = server.last();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/consent?a=1"));
    assert_eq!(asked.body, "scope=openid&scope=email&csrf=t%271&decision=deny");
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(asked.header("referer"), Some(server.named("/consent?x=1").as_str()));
    assert_eq!(asked.header("origin"), Some(server.named("").as_str()));
    assert_eq!(asked.header("sec-fetch-site"), Some("same-origin"));
}

#[tokio::test]
async fn a_search_form_puts_its_members_into_the_url_in_place_of_the_query() {
    let server = Server::start(|_| html(CONSENT)).await;
    let browser = browser(&server);
    open(&browser, &server.at("/consent?x=1")).await.expect("a page");
    let submission = entries(&[("q", "a b&c")], &[]);
    browser.submit("first", &WantedForm::First, &submission, Vec::new(), &cause()).await.expect("a page");
    assert_eq!(server.last().target, "/other?q=a+b%26c");
}

#[tokio::test]
async fn a_missing_form_is_named() {
    let server = Server::start(|_| html("no form <p>here")).await;
    let browser = browser(&server);
    let submit = async |wanted: WantedForm| {
        browser.submit("first", &wanted, &Submission::default(), Vec::new(), &cause()).await.expect_err("no form")
    };
    assert!(matches!(submit(WantedForm::First).await, AgentError::NoForm { .. }));
    open(&browser, &server.at("/x?secret=1")).await.expect("a page");
    let error = submit(WantedForm::WithMember("email".to_owned())).await.to_string();
    assert_eq!(error, format!("{} shows no form with a member `email`", server.at("/x")));
    let error = submit(WantedForm::Step("login".to_owned())).await.to_string();
    assert!(error.ends_with("shows no form of the step `login`"), "{error}");
}

#[tokio::test]
async fn each_tab_has_its_own_page_and_the_one_before() {
    let server = Server::start(|asked| html(&format!("<form><input name={}></form>", &asked.path()[1..]))).await;
    let browser = browser(&server);
    for (tab, path) in [("first", "/a"), ("second", "/b"), ("first", "/c")] {
        browser.open(tab, get(&server.at(path)), &cause()).await.expect("a page");
    }
    let url = |page: Option<countersign::agent::Page>| page.map(|page| page.seen.url);
    assert_eq!(url(browser.page("first")), Some(server.at("/c")));
    assert_eq!(url(browser.page_before("first")), Some(server.at("/a")));
    assert_eq!(url(browser.page("second")), Some(server.at("/b")));
    assert_eq!(url(browser.page_before("second")), None);
    assert_eq!(url(browser.page("third")), None);
    let wanted = WantedForm::WithMember("b".to_owned());
    browser.submit("second", &wanted, &Submission::default(), Vec::new(), &cause()).await.expect("a page");
    assert_eq!(server.last().target, "/b?b=");
    let rested: Vec<String> = browser.pages().into_iter().map(|page| page.url).collect();
    assert_eq!(rested, [server.at("/a"), server.at("/b"), server.at("/c"), server.at("/b?b=")]);
}
