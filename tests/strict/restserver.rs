//! `restserver.php` of Facebook Connect on the wire: what its clients sent, signed or with a token, and that nothing forged
//! opens anything.

use std::collections::BTreeMap;

use countersign::model::case::{Change, Expirable};
use countersign::model::fault::{Address, Endpoint, ErrorAnswer, Fault, Layer, Message, Operations, Patch, Selectors};
use countersign::model::persona::Audience;
use md5::{Digest as _, Md5};
use serde_json::{Value as Json, json};

use super::connect::{APP, CALLBACK, SECRET, Site};
use super::http::{Answer, Pairs, encoded, get, method, post};

const REST: &str = "/rest/restserver.php";

/// The signature as the SDKs of the time computed it: sorted, one after the other, the secret behind.
fn sig(members: Pairs<'_>, secret: &str) -> String {
    let sorted: BTreeMap<&str, &str> = members.iter().copied().collect();
    let text: String = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Md5::digest(format!("{text}{secret}")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A call with members of its own, signed by a secret.
async fn signed_by(site: &Site, secret: &str, members: Pairs<'_>) -> Answer {
    let mut all = vec![("api_key", APP), ("format", "JSON"), ("v", "1.0")];
    all.retain(|(name, _)| !members.iter().any(|(own, _)| own == name));
    all.extend_from_slice(members);
    let sig = sig(&all, secret);
    all.push(("sig", &sig));
    site.ask(post(REST, &all)).await
}

async fn signed(site: &Site, members: Pairs<'_>) -> Json {
    good(&signed_by(site, SECRET, members).await)
}

async fn by_token(site: &Site, token: &str, members: Pairs<'_>) -> Answer {
    let mut all = vec![("api_key", APP), ("format", "JSON"), ("access_token", token)];
    all.extend_from_slice(members);
    site.ask(post(REST, &all)).await
}

fn good(answer: &Answer) -> Json {
    let json: Json = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    assert!(answer.status == 200 && json.get("error_code").is_none(), "{answer:?}");
    json
}

/// Code and text of an error, which comes under 200 as everything does.
fn error(answer: &Answer) -> (i64, String) {
    let json = answer.json();
    assert!(answer.status == 200 && json["request_args"].is_array(), "{answer:?}");
    assert!(answer.header("www-authenticate").is_none(), "{answer:?}");
    (json["error_code"].as_i64().unwrap(), json["error_msg"].as_str().unwrap().to_owned())
}

fn key_of(token: &str) -> &str {
    token.split('|').nth(1).expect("a session key")
}

fn uid(site: &Site, who: usize) -> Json {
    Json::from(site.people[who].sub.parse::<u64>().unwrap())
}

#[tokio::test]
async fn the_worked_signature_is_taken_for_what_it_is() {
    let site = Site::start().await;
    // The worked example of the secret 0123456789abcdef0123456789abcdef, with an api_key that is none here.
    let worked = [
        ("api_key", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        ("auth_token", "3e4a22bb2f5ed75114b0fc9995ea85f1"),
        ("format", "JSON"),
        ("method", "auth.getSession"),
        ("v", "1.0"),
    ];
    assert_eq!(sig(&worked, SECRET), "bf63749a93421990e8ea93e0cbb3eaa8");
    let mut sent = worked.to_vec();
    sent.push(("sig", "bf63749a93421990e8ea93e0cbb3eaa8"));
    assert_eq!(error(&site.ask(post(REST, &sent)).await).0, 101, "no app has this key");
    site.register("0a1b2c3d4e5f60718293a4b5c6d7e8f9", SECRET);
    // Now it is signed well, and only its auth_token is nobody's.
    assert_eq!(error(&site.ask(post(REST, &sent)).await).0, 100);
    sent[3].1 = "auth.createToken";
    assert_eq!(
        error(&site.ask(post(REST, &sent)).await),
        (104, "Incorrect signature: its signature does not fit the app secret".into())
    );
}

#[tokio::test]
async fn a_token_and_a_signed_session_see_the_same() {
    let site = Site::start().await;
    let alice = site.token(0, "user_work_history,user_birthday,user_groups,user_photos,email").await;
    let key = key_of(&alice).to_owned();
    let fields = "uid,name,sex,birthday,work_history,education_history,about_me,relationship_status";
    let info = [("method", "users.getInfo"), ("fields", fields)];
    let by_token = good(&by_token(&site, &alice, &info).await);
    let by_session = signed(&site, &[&info[..], &[("session_key", &key), ("call_id", "1290124800.5")]].concat()).await;
    assert_eq!(by_token, by_session);
    let me = &by_token[0];
    assert_eq!((&me["uid"], &me["name"], &me["sex"]), (&uid(&site, 0), &json!("Alice Archer"), &json!("female")));
    assert_eq!(
        me["work_history"][0],
        json!({ "company_name": "Archer & Daughters", "position": "Archivist", "start_date": "2007-09", "end_date": "0000-00" })
    );
    assert_eq!(me["education_history"][0]["year"], 2004);
    assert_eq!(me["birthday"], "03/14/1984");
    assert!(me.get("relationship_status").is_none(), "hers alone, granted or not: {me}");
    // By GET as well, in the query, as scripts called it.
    let query = encoded(&[
        ("method", "facebook.Friends.Get"),
        ("format", "json"),
        ("access_token", &alice),
        ("callback", "FB.got"),
    ]);
    let script = site.ask(get(&format!("{REST}?{query}"))).await;
    assert_eq!(script.body, format!("FB.got([{}]);", uid(&site, 1)));
    let named = site
        .ask(
            get(&format!("/restserver.php?{}", query.replace("&callback=FB.got", "")))
                .header("host", "api-read.facebook.com"),
        )
        .await;
    assert_eq!(good(&named), json!([uid(&site, 1)]));
}

#[tokio::test]
async fn what_a_call_sees_is_what_was_granted_and_is_shown() {
    let site = Site::start().await;
    let bare = site.token(0, "").await;
    let info = |uids: &str, fields: &'static str| {
        vec![("method", "users.getInfo".to_owned()), ("uids", uids.to_owned()), ("fields", fields.to_owned())]
    };
    let told = async |token: &str, members: Vec<(&str, String)>| {
        let members: Vec<(&str, &str)> = members.iter().map(|(name, value)| (*name, value.as_str())).collect();
        good(&by_token(&site, token, &members).await)
    };
    let (own, bob, carol) = (site.people[0].sub.clone(), site.people[1].sub.clone(), site.people[2].sub.clone());
    let me = told(&bare, info(&own, "name,work_history,birthday,email")).await;
    assert_eq!(me, json!([{ "uid": uid(&site, 0), "name": "Alice Archer" }]), "none of them was granted");
    // Friends, by her permission and theirs; a stranger's number is left out.
    let alice = site
        .token(0, "friends_hometown,friends_birthday,friends_work_history,user_groups,user_photos,friends_photos")
        .await;
    let both = told(&alice, info(&format!("{bob},{carol},77"), "hometown_location,birthday,work_history")).await;
    assert_eq!(both[0]["hometown_location"]["name"], "Leeds, United Kingdom");
    assert!(both[0].get("birthday").is_none(), "bob shows it to nobody: {both}");
    assert_eq!(both[1], json!({ "uid": uid(&site, 2) }), "carol is no friend");
    assert_eq!(both.as_array().map(Vec::len), Some(2));
    let groups = good(&by_token(&site, &alice, &[("method", "groups.get")]).await);
    assert_eq!(groups[0], json!({ "gid": 2_204_501_798_u64, "name": "Medieval Cartography" }));
    let one = good(&by_token(&site, &alice, &[("method", "groups.get"), ("gids", "[2265467284]")]).await);
    assert_eq!(one[0]["name"], "Allotment Holders of Bath");
    assert_eq!(one.as_array().map(Vec::len), Some(1));
    assert_eq!(good(&by_token(&site, &alice, &[("method", "groups.get"), ("uid", &bob)]).await), json!([]));
    let photos = async |members: Pairs<'_>| -> Vec<String> {
        let photos = good(&by_token(&site, &alice, &[&[("method", "photos.get")], members].concat()).await);
        photos.as_array().unwrap().iter().map(|photo| photo["caption"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(photos(&[("subj_id", &own)]).await, ["Harbour at noon", "Bob on the pier"]);
    assert_eq!(photos(&[("subj_id", &bob)]).await, ["Loaves"]);
    let albums = site.graph("me/photos", &alice).await.json();
    let (album, photo) = (albums["data"][0]["album"].as_str().unwrap(), albums["data"][1]["id"].as_str().unwrap());
    assert_eq!(photos(&[("aid", album)]).await.len(), 2);
    assert_eq!(photos(&[("pids", photo)]).await, ["Bob on the pier"]);
    let diary = format!("{}2", album.strip_suffix('1').unwrap());
    assert!(photos(&[("aid", &diary)]).await.is_empty(), "an album for herself alone");
    // Nothing is remembered of what was shown before.
    let visible = vec![("groups".to_owned(), Audience::OnlyMe)];
    site.provider.everybody().change(&Change { of: "alice".to_owned(), visible, ..Change::default() }).unwrap();
    let left = good(&by_token(&site, &alice, &[("method", "groups.get")]).await);
    assert_eq!(
        left,
        json!([{ "gid": 2_309_869_772_u64, "name": "Planning Bob's Surprise" }]),
        "it has an audience of its own"
    );
    assert_eq!(photos(&[("subj_id", &own)]).await.len(), 2);
}

#[tokio::test]
async fn numbers_are_texts_where_the_call_asks_for_texts() {
    let site = Site::start().await;
    let alice = site.token(0, "publish_stream").await;
    let asked = [("format", "json-strings"), ("access_token", alice.as_str()), ("method", "friends.get")];
    assert_eq!(good(&site.ask(post(REST, &asked)).await), json!([site.people[1].sub]));
    for format in ["XML", "", "yaml"] {
        let asked = [("format", format), ("access_token", alice.as_str()), ("method", "friends.get")];
        let (code, why) = error(&site.ask(post(REST, &asked)).await);
        assert!(code == 100 && why.contains("format=JSON"), "{format}: {why}");
    }
    assert_eq!(by_token(&site, &alice, &[("method", "users.getLoggedInUser")]).await.body, site.people[0].sub);
}

#[tokio::test]
async fn permissions_are_told_and_everything_is_taken_back() {
    let site = Site::start().await;
    let alice = site.token(0, "publish_stream").await;
    let has = async |permission: &str| {
        by_token(&site, &alice, &[("method", "users.hasAppPermission"), ("ext_perm", permission)]).await
    };
    assert_eq!((has("publish_stream").await.body, has("user_likes").await.body), ("true".into(), "false".into()));
    assert_eq!(error(&has("publish_everything").await).0, 100);
    let own = site.people[0].sub.clone();
    let asked = [("method", "users.hasAppPermission"), ("ext_perm", "publish_stream"), ("uid", own.as_str())];
    assert_eq!(signed(&site, &asked).await, json!(true), "the app asks about a person by her number");
    // Neither another app nor a stranger's session takes anything away.
    let mallory = site.token(3, "").await;
    let revoke = [("method", "auth.revokeAuthorization"), ("uid", own.as_str())];
    assert_eq!(error(&by_token(&site, &mallory, &revoke).await).0, 104);
    let other = [&revoke[..], &[("api_key", "999")]].concat();
    assert_eq!(error(&signed_by(&site, "another secret", &other).await).0, 100);
    assert_eq!(site.graph("me", &alice).await.status, 200);
    assert_eq!(good(&by_token(&site, &alice, &[("method", "auth.revokeAuthorization")]).await), json!(true));
    let refused = by_token(&site, &alice, &[("method", "friends.get")]).await;
    assert_eq!(error(&refused), (190, "Invalid OAuth 2.0 Access Token".into()));
    assert_eq!(
        error(&signed_by(&site, SECRET, &[("method", "friends.get"), ("session_key", key_of(&alice))]).await).0,
        102
    );
    assert_eq!(site.graph("me", &alice).await.status, 400);
    // And the app itself takes it back for mallory.
    assert_eq!(
        signed(&site, &[("method", "auth.revokeAuthorization"), ("uid", &site.people[3].sub)]).await,
        json!(true)
    );
    assert_eq!(site.graph("me", &mallory).await.status, 400);
}

#[tokio::test]
async fn a_session_begins_with_the_token_that_its_person_took_along() {
    let site = Site::start().await;
    let auth_token = signed(&site, &[("method", "auth.createToken")]).await.as_str().unwrap().to_owned();
    assert!(auth_token.len() == 32 && auth_token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{auth_token}");
    let fetch = [("method", "auth.getSession"), ("auth_token", auth_token.as_str()), ("generate_session_secret", "1")];
    assert_eq!(error(&signed_by(&site, SECRET, &fetch).await).0, 100, "nobody has come with it yet");
    let foreign =
        format!("/www/login.php?{}", encoded(&[("api_key", "999"), ("v", "1.0"), ("auth_token", &auth_token)]));
    assert_eq!(site.ask(get(&foreign)).await.status, 400, "it is another app's");
    let login = format!("/www/login.php?{}", encoded(&[("api_key", APP), ("v", "1.0"), ("auth_token", &auth_token)]));
    let (refused, _) = site.answer(0, &login, "deny").await;
    assert!(refused.header("location").unwrap().ends_with("/www/connect/login_failure.html"), "{refused:?}");
    assert_eq!(error(&signed_by(&site, SECRET, &fetch).await).0, 100, "she did not allow it");
    let (back, _) = site.answer(0, &login, "allow").await;
    let page = back.header("location").unwrap().to_owned();
    assert!(page.contains("/www/connect/login_success.html") && !page.contains("session="), "{page}");
    assert!(site.ask(get("/www/connect/login_success.html")).await.body.contains("You are logged in"));
    // Only the app fetches the session, and once.
    assert_eq!(error(&signed_by(&site, "another secret", &fetch).await).0, 104);
    let other = [&fetch[..], &[("api_key", "999")]].concat();
    assert_eq!(error(&signed_by(&site, "another secret", &other).await).0, 100);
    let session = signed(&site, &fetch).await;
    assert_eq!(session["uid"], uid(&site, 0));
    assert!(session["expires"].as_i64().unwrap() > 1_700_000_000, "{session}");
    assert_eq!(error(&signed_by(&site, SECRET, &fetch).await).0, 100, "it was fetched already");
    // The session's own secret signs calls that say so, and no other.
    let (key, secret) = (session["session_key"].as_str().unwrap(), session["secret"].as_str().unwrap());
    let call = [("method", "users.getLoggedInUser"), ("session_key", key)];
    assert_eq!(signed(&site, &call).await, uid(&site, 0));
    let own = [&call[..], &[("ss", "1")]].concat();
    assert_eq!(good(&signed_by(&site, secret, &own).await), uid(&site, 0));
    assert_eq!(error(&signed_by(&site, secret, &call).await).0, 104);
    assert_eq!(error(&signed_by(&site, SECRET, &own).await).0, 104);
    assert_eq!(
        error(&signed_by(&site, secret, &[("method", "auth.createToken"), ("session_key", key), ("ss", "1")]).await).0,
        104,
        "a browser's secret is not the app's"
    );
    // It ends when it is told to.
    assert_eq!(signed(&site, &[("method", "auth.expireSession"), ("session_key", key)]).await, json!(true));
    assert_eq!(error(&signed_by(&site, SECRET, &call).await), (102, "Session key invalid or no longer valid".into()));
    // A login whose app has a place in the web comes back there with such a token.
    let web = format!("/www/login.php?{}", encoded(&[("api_key", APP), ("v", "1.0"), ("next", CALLBACK)]));
    let (back, _) = site.answer(1, &web, "allow").await;
    let auth_token = back.parameter("auth_token").expect("a token");
    assert!(back.parameter("session").is_none(), "{back:?}");
    assert_eq!(
        signed(&site, &[("method", "auth.getSession"), ("auth_token", &auth_token)]).await["uid"],
        uid(&site, 1)
    );
}

#[tokio::test]
async fn nothing_forged_is_answered() {
    let site = Site::start().await;
    let alice = site.token(0, "user_groups").await;
    let key = key_of(&alice).to_owned();
    let call = [("method", "friends.get"), ("session_key", key.as_str())];
    assert_eq!(signed(&site, &call).await, json!([uid(&site, 1)]));
    let mut all = vec![("api_key", APP), ("format", "JSON"), ("method", "friends.get"), ("session_key", key.as_str())];
    let right = sig(&all, SECRET);
    all.push(("sig", right.as_str()));
    assert_eq!(good(&site.ask(post(REST, &all)).await), json!([uid(&site, 1)]));
    // The signature is over query and form alike.
    let split = site.ask(post(&format!("{REST}?{}", encoded(&all[..2])), &all[2..])).await;
    assert_eq!(good(&split), json!([uid(&site, 1)]));
    let without = |name: &str| all.iter().filter(|(own, _)| *own != name).copied().collect::<Vec<_>>();
    let with = |name: &'static str, value: &'static str| {
        let mut own = without(name);
        own.push((name, value));
        own
    };
    let upper = right.to_ascii_uppercase();
    let mut shouted = without("sig");
    shouted.push(("sig", &upper));
    for (members, code) in [
        (without("sig"), 104),
        (with("sig", ""), 104),
        (with("sig", "00000000000000000000000000000000"), 104),
        (shouted, 104),
        (with("method", "groups.get"), 104),
        (with("uid", "77"), 104),
        (with("session_key", ""), 104),
        (without("api_key"), 101),
        (with("api_key", "77"), 101),
        // Signed with this app's secret for another one.
        (with("api_key", "999"), 104),
    ] {
        assert_eq!(error(&site.ask(post(REST, &members)).await).0, code, "{members:?}");
    }
    assert_eq!(error(&signed_by(&site, "another secret", &call).await).0, 104);
    assert_eq!(error(&signed_by(&site, "", &call).await).0, 104);
    // Another app has no business with this session, and nobody with one that there is not.
    let other = [&call[..], &[("api_key", "999")]].concat();
    assert_eq!(error(&signed_by(&site, "another secret", &other).await).0, 102);
    assert_eq!(
        error(&signed_by(&site, SECRET, &[("method", "friends.get"), ("session_key", "2.guess__.3600.1-1")]).await).0,
        102
    );
    assert_eq!(
        error(&signed_by(&site, SECRET, &[("method", "friends.get")]).await).0,
        102,
        "the app itself has no friends"
    );
    // Whatever stands there twice, in one place or in both.
    for name in ["method", "session_key", "sig", "api_key", "format", "anything"] {
        let mut twice = all.clone();
        let value = all.iter().find(|(own, _)| *own == name).map_or("1", |(_, value)| value);
        twice.extend(vec![(name, value); if all.iter().any(|(own, _)| *own == name) { 1 } else { 2 }]);
        assert_eq!(error(&site.ask(post(REST, &twice)).await).0, 100, "{name}");
        let once = all.iter().filter(|(own, _)| *own != name).copied().chain([(name, value)]).collect::<Vec<_>>();
        let both = site.ask(post(&format!("{REST}?{}", encoded(&[(name, value)])), &once)).await;
        assert_eq!(error(&both).0, 100, "{name} in query and form");
    }
    // Tokens: unknown ones, those of other apps, and what is no person's.
    assert_eq!(error(&by_token(&site, "guessed", &[("method", "friends.get")]).await).0, 190);
    let foreign = [("api_key", "999"), ("format", "JSON"), ("access_token", alice.as_str()), ("method", "friends.get")];
    assert_eq!(error(&site.ask(post(REST, &foreign)).await).0, 101);
    let own = format!("{APP}|{SECRET}");
    assert_eq!(error(&by_token(&site, &own, &[("method", "friends.get")]).await).0, 102);
    assert_eq!(error(&by_token(&site, &alice, &[("method", "auth.createToken")]).await).0, 104);
    // What there is not.
    assert_eq!(error(&by_token(&site, &alice, &[("method", "users.destroy")]).await), (3, "Unknown method".into()));
    assert_eq!(error(&by_token(&site, &alice, &[]).await).0, 3);
    let fql = by_token(&site, &alice, &[("method", "fql.query"), ("query", "select name from user")]).await;
    assert!(error(&fql).0 == 3 && error(&fql).1.contains("users.getInfo"), "{fql:?}");
    assert_eq!(fql.json()["request_args"][3], json!({ "key": "method", "value": "fql.query" }));
    assert_eq!(error(&by_token(&site, &alice, &[("method", "users.getInfo"), ("fields", "shoe_size")]).await).0, 111);
    assert_eq!(error(&site.ask(method("DELETE", &format!("{REST}?{}", encoded(&all)))).await).0, 100);
}

#[tokio::test]
async fn an_error_that_a_fault_asks_for_has_the_style_of_this_interface() {
    let site = Site::start().await;
    let alice = site.token(0, "").await;
    let error_answer = ErrorAnswer { code: "4".to_owned(), description: None, uri: None, subcode: None };
    let operations = Operations { error: Some(error_answer), ..Operations::default() };
    let address = Address { message: Message::Response(Endpoint::Api), layer: Layer::Members };
    let fault = Fault { patches: vec![Patch { address, selectors: Selectors::default(), operations }] };
    let placed = site.provider.everybody().put(&fault);
    let refused = by_token(&site, &alice, &[("method", "friends.get")]).await;
    assert_eq!(error(&refused).0, 4);
    // At the Graph the same error is the Graph's own.
    assert!(site.graph("me/friends", &alice).await.json()["error"].is_object());
    site.provider.everybody().mend(placed);
    assert_eq!(good(&by_token(&site, &alice, &[("method", "friends.get")]).await), json!([uid(&site, 1)]));
}

#[tokio::test]
async fn a_session_that_has_expired_opens_nothing() {
    let site = Site::start().await;
    let alice = site.token(0, "").await;
    let change = Change { of: "alice".to_owned(), expire: Some(Expirable::AccessToken), ..Change::default() };
    site.provider.everybody().change(&change).unwrap();
    let call = [("method", "friends.get"), ("session_key", key_of(&alice))];
    assert_eq!(error(&signed_by(&site, SECRET, &call).await).0, 102);
    assert_eq!(error(&by_token(&site, &alice, &[("method", "friends.get")]).await).0, 190);
}
