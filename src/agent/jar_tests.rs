//! Cookies as RFC 6265 (and its successor) say: what is kept, sent and thrown away.

use super::*;

const NOW: i64 = 1_800_000_000;

fn url(text: &str) -> Url {
    Url::parse(text).expect(text)
}

fn jar(from: &str, headers: &[&str]) -> Jar {
    let mut jar = Jar::default();
    headers.iter().for_each(|header| jar.take(&url(from), header, Reach::SameSite, NOW));
    jar
}

fn sent(jar: &mut Jar, to: &str, reach: Reach) -> String {
    jar.header(&url(to), reach, &[], NOW).unwrap_or_default()
}

#[test]
fn a_cookie_goes_to_its_host_whatever_the_port_and_to_no_other() {
    let mut jar = jar("http://127.0.0.1:5000/", &["sid=1"]);
    assert_eq!(sent(&mut jar, "http://127.0.0.1:6000/x", Reach::SameSite), "sid=1");
    assert_eq!(sent(&mut jar, "http://localhost:5000/", Reach::SameSite), "");
}

#[test]
fn only_a_cookie_with_a_domain_reaches_the_hosts_below() {
    let mut jar = jar("http://a.example.com/", &["own=1", "wide=2; Domain=example.com", "foreign=3; Domain=other.com"]);
    assert_eq!(sent(&mut jar, "http://a.example.com/", Reach::SameSite), "own=1; wide=2");
    assert_eq!(sent(&mut jar, "http://b.example.com/", Reach::SameSite), "wide=2");
    assert_eq!(sent(&mut jar, "http://b.a.example.com/", Reach::SameSite), "wide=2");
    assert_eq!(sent(&mut jar, "http://badexample.com/", Reach::SameSite), "");
    let domains: Vec<String> = jar.seen(None, NOW).into_iter().map(|seen| seen.domain).collect();
    assert_eq!(domains, ["a.example.com", ".example.com"]);
}

#[test]
fn a_top_level_domain_takes_no_cookie_and_an_address_only_its_own() {
    assert!(jar("http://a.example.com/", &["sid=1; Domain=com"]).seen(None, NOW).is_empty());
    let seen = jar("http://127.0.0.1:5/", &["sid=1; Domain=127.0.0.1"]).seen(None, NOW);
    assert_eq!(seen[0].domain, "127.0.0.1");
    let seen = jar("http://localhost:5/", &["sid=1; Domain=localhost"]).seen(None, NOW);
    assert_eq!(seen[0].domain, "localhost");
}

#[test]
fn paths_match_at_slashes_and_longer_ones_are_sent_first() {
    let mut jar = jar("http://127.0.0.1/auth/callback", &["a=1; Path=/", "b=2", "c=3; Path=/auth/callback"]);
    assert_eq!(sent(&mut jar, "http://127.0.0.1/auth/callback", Reach::SameSite), "c=3; b=2; a=1");
    assert_eq!(sent(&mut jar, "http://127.0.0.1/auth", Reach::SameSite), "b=2; a=1");
    assert_eq!(sent(&mut jar, "http://127.0.0.1/authority", Reach::SameSite), "a=1");
}

#[test]
fn secure_cookies_work_over_plain_http_on_this_machine_and_nowhere_else() {
    let mut here = jar("http://127.0.0.1:5/", &["sid=1; Secure"]);
    assert_eq!(sent(&mut here, "http://127.0.0.1:5/", Reach::SameSite), "sid=1");
    assert!(jar("http://shop.example/", &["sid=1; Secure"]).seen(None, NOW).is_empty());
    let mut there = jar("https://shop.example/", &["sid=1; Secure"]);
    assert_eq!(sent(&mut there, "http://shop.example/", Reach::SameSite), "");
    assert_eq!(sent(&mut there, "https://shop.example/", Reach::SameSite), "sid=1");
}

#[test]
fn another_sites_link_brings_lax_cookies_and_its_form_only_none() {
    let mut jar = jar(
        "http://127.0.0.1/",
        &["plain=1", "lax=2; SameSite=Lax", "strict=3; SameSite=Strict", "none=4; SameSite=None; Secure"],
    );
    let to = "http://127.0.0.1/";
    assert_eq!(sent(&mut jar, to, Reach::SameSite), "plain=1; lax=2; strict=3; none=4");
    assert_eq!(sent(&mut jar, to, Reach::ForeignLink), "plain=1; lax=2; none=4");
    assert_eq!(sent(&mut jar, to, Reach::ForeignOther), "none=4");
}

#[test]
fn same_site_none_without_secure_is_refused() {
    assert!(jar("http://127.0.0.1/", &["sid=1; SameSite=None"]).seen(None, NOW).is_empty());
}

#[test]
fn another_sites_subresource_sets_only_cookies_that_it_would_get() {
    let mut jar = Jar::default();
    for header in ["a=1", "b=2; SameSite=Lax", "c=3; SameSite=None; Secure"] {
        jar.take(&url("http://127.0.0.1/"), header, Reach::ForeignOther, NOW);
    }
    assert_eq!(jar.seen(None, NOW).len(), 1);
}

#[test]
fn prefixes_are_promises_that_the_jar_keeps() {
    let kept = |header: &str| !jar("http://127.0.0.1/x/y", &[header]).seen(None, NOW).is_empty();
    assert!(kept("__Host-sid=1; Secure; Path=/"));
    assert!(!kept("__Host-sid=1; Path=/"));
    assert!(!kept("__Host-sid=1; Secure"));
    assert!(!kept("__host-sid=1; Secure; Path=/x"));
    assert!(!kept("__Host-sid=1; Secure; Path=/; Domain=127.0.0.1"));
    assert!(kept("__Secure-sid=1; Secure"));
    assert!(!kept("__Secure-sid=1"));
    assert!(!kept("=__Secure-sid=1; Secure"));
}

#[test]
fn max_age_goes_before_expires_and_a_past_date_deletes() {
    let past = "Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    let mut jar = jar("http://127.0.0.1/", &["sid=1", &format!("keep=2; {past}; Max-Age=60"), "gone=3; Max-Age=0"]);
    assert_eq!(sent(&mut jar, "http://127.0.0.1/", Reach::SameSite), "sid=1; keep=2");
    assert_eq!(jar.seen(None, NOW)[1].max_age, Some(60));
    jar.take(&url("http://127.0.0.1/"), &format!("sid=; {past}"), Reach::SameSite, NOW);
    assert_eq!(sent(&mut jar, "http://127.0.0.1/", Reach::SameSite), "keep=2");
    assert_eq!(jar.header(&url("http://127.0.0.1/"), Reach::SameSite, &[], NOW + 61), None);
}

#[test]
fn a_value_set_by_hand_replaces_what_the_server_set_and_keeps_its_flags() {
    let mut jar = jar("http://127.0.0.1:5/auth/x", &["sid=1; HttpOnly; SameSite=Strict"]);
    jar.set("http://127.0.0.1:5", "sid", "forged", NOW);
    jar.set("http://127.0.0.1:5", "__Host-new", "2", NOW);
    let seen = jar.seen(Some("http://127.0.0.1:5"), NOW);
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].value.as_str(), seen[0].path.as_str(), seen[0].http_only), ("forged", "/auth", true));
    assert_eq!((seen[1].path.as_str(), seen[1].secure), ("/", true));
}

#[test]
fn a_jar_moves_to_another_browser_as_it_stands() {
    let mut from = jar(
        "http://127.0.0.1:5/a/b",
        &["sid=1; HttpOnly; SameSite=Strict", "__Host-x=2; Secure; Path=/; Max-Age=60", "=bare"],
    );
    let mut to = Jar::default();
    from.seen(None, NOW).iter().for_each(|cookie| to.plant(cookie, NOW));
    assert_eq!(to.seen(None, NOW), from.seen(None, NOW));
    assert_eq!(
        sent(&mut to, "http://127.0.0.1:5/a/b", Reach::SameSite),
        sent(&mut from, "http://127.0.0.1:5/a/b", Reach::SameSite)
    );
}

#[test]
fn cookies_are_forgotten_by_name_by_place_or_all() {
    let mut jar = jar("http://127.0.0.1:5/", &["a=1", "b=2; Path=/deep"]);
    jar.take(&url("http://localhost:9/"), "a=3", Reach::SameSite, NOW);
    let left = |jar: &mut Jar| jar.seen(None, NOW).into_iter().map(|seen| seen.value).collect::<Vec<_>>();
    let mut by_place = jar.clone();
    by_place.forget(None, Some("http://127.0.0.1:5/"));
    assert_eq!(left(&mut by_place), ["3"]);
    let mut by_both = jar.clone();
    by_both.forget(Some("a"), Some("http://localhost:9"));
    assert_eq!(left(&mut by_both), ["1", "2"]);
    jar.forget(Some("a"), None);
    assert_eq!(left(&mut jar), ["2"]);
    jar.forget(None, None);
    assert_eq!(left(&mut jar), Vec::<String>::new());
}

#[test]
fn a_flood_of_cookies_pushes_out_the_oldest() {
    let headers: Vec<String> = (0..PER_HOST + 20).map(|at| format!("c{at}=1")).collect();
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let seen = jar("http://127.0.0.1/", &headers).seen(None, NOW);
    assert_eq!(seen.len(), PER_HOST);
    assert_eq!(seen[0].name, "c20");
}
