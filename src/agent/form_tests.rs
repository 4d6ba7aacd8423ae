//! Forms as browsers fill them in: what is sent, and what is not.

use super::*;

fn sent(html: &str, wanted: &WantedForm, submission: &Submission) -> Option<Filled> {
    let here = Url::parse("http://127.0.0.1:5/a/page?x=1#f").expect("url");
    Forms::read(html.as_bytes(), &here).filled(wanted, submission)
}

fn members(html: &str, submission: &Submission) -> Vec<(String, String)> {
    sent(html, &WantedForm::First, submission).expect("a form").members
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn entries(values: &[(&str, &str)], without: &[&str]) -> Submission {
    Submission { values: pairs(values), without: without.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn every_kind_of_member_has_its_default() {
    let html = "<form method=post>\
        <input type=hidden name=csrf value=t><input name=empty><input value=nameless>\
        <input type=checkbox name=box checked><input type=checkbox name=off value=1>\
        <input type=radio name=r value=1><input type=radio name=r value=2 checked>\
        <textarea name=area>\nline 1\nline 2</textarea>\
        <select name=one><option disabled>x<option value=a>A<option>B b</select>\
        <select name=two><option>A<option selected> B  b </select>\
        <select name=many multiple><option selected>1<option>2<option selected>3</select>\
        <select name=none multiple><option>1</select>\
        <input name=gone disabled><fieldset disabled><input name=gone2></fieldset>\
        <input type=button name=script value=1><input type=reset name=reset value=1>\
        <button type=button name=script>x</button><template><input name=gone3></template></form>";
    let expected = pairs(&[
        ("csrf", "t"),
        ("empty", ""),
        ("box", "on"),
        ("r", "2"),
        ("area", "line 1\r\nline 2"),
        ("one", "a"),
        ("two", "B b"),
        ("many", "1"),
        ("many", "3"),
    ]);
    assert_eq!(members(html, &Submission::default()), expected);
}

#[test]
fn the_first_button_is_pressed_unless_the_entries_name_another() {
    let html = "<form method=post action=/first><input name=a value=1>\
        <button disabled name=decision value=never>no</button>\
        <button name=decision value=allow>yes</button>\
        <button name=decision value=deny formaction=/second formmethod=get>no</button></form>";
    let first = sent(html, &WantedForm::First, &Submission::default()).expect("form");
    assert_eq!(first.members, pairs(&[("a", "1"), ("decision", "allow")]));
    assert_eq!((first.action.path(), first.encoding), ("/first", Encoding::UrlEncoded));
    let second = sent(html, &WantedForm::First, &entries(&[("decision", "deny")], &[])).expect("form");
    assert_eq!(second.members, pairs(&[("a", "1"), ("decision", "deny")]));
    assert_eq!((second.action.path(), second.encoding), ("/second", Encoding::Query));
}

#[test]
fn entries_replace_all_members_of_their_name_and_the_rest_stays() {
    let html = "<form><input name=keep value=k><input type=checkbox name=scope value=a checked>\
        <input type=checkbox name=scope value=b checked><input name=last value=l></form>";
    assert_eq!(
        members(html, &entries(&[("scope", "b"), ("scope", "c"), ("new", "n")], &["last"])),
        pairs(&[("keep", "k"), ("scope", "b"), ("scope", "c"), ("new", "n")])
    );
    assert_eq!(members(html, &entries(&[], &["scope"])), pairs(&[("keep", "k"), ("last", "l")]));
}

#[test]
fn a_form_is_found_by_step_or_by_member() {
    let html = "<form id=search><input name=q></form><form data-step=login><input name=username></form>\
        <input name=outside form=search>";
    let by = |wanted: WantedForm| sent(html, &wanted, &Submission::default()).map(|filled| filled.members);
    assert_eq!(by(WantedForm::First), Some(pairs(&[("q", ""), ("outside", "")])));
    assert_eq!(by(WantedForm::Step("login".to_owned())), Some(pairs(&[("username", "")])));
    assert_eq!(by(WantedForm::WithMember("username".to_owned())), Some(pairs(&[("username", "")])));
    assert_eq!(by(WantedForm::Step("consent".to_owned())), None);
    assert_eq!(by(WantedForm::WithMember("nothing".to_owned())), None);
}

#[test]
fn a_form_between_the_parts_of_a_table_keeps_its_members() {
    let html = "<table><form method=post action=x><tr><td><input name=in_table></td></tr></form></table>";
    assert_eq!(members(html, &Submission::default()), pairs(&[("in_table", "")]));
}

#[test]
fn the_action_is_relative_to_the_base_and_without_one_the_page_is_sent_to_itself() {
    let action = |html: &str| String::from(sent(html, &WantedForm::First, &Submission::default()).expect("f").action);
    assert_eq!(action("<form>"), "http://127.0.0.1:5/a/page?x=1");
    assert_eq!(action("<form action=''>"), "http://127.0.0.1:5/a/page?x=1");
    assert_eq!(action("<form action='next?y=2'>"), "http://127.0.0.1:5/a/next?y=2");
    assert_eq!(action("<base href='/other/'><form action=next>"), "http://127.0.0.1:5/other/next");
}

#[test]
fn a_multipart_form_travels_in_parts() {
    let html = "<form method=post enctype=multipart/form-data><input name='a\"b' value=1></form>";
    let filled = sent(html, &WantedForm::First, &Submission::default()).expect("form");
    let (kind, body) = body(filled.encoding, &filled.members);
    assert_eq!(kind, "multipart/form-data; boundary=----countersign");
    assert_eq!(
        String::from_utf8_lossy(&body),
        "------countersign\r\ncontent-disposition: form-data; name=\"a%22b\"\r\n\r\n1\r\n------countersign--\r\n"
    );
}
