//! Certificates end to end: the program judges a partner that it starts, signs, and verifies what it signed.

mod common;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::countersign;
use serde_json::Value as Json;

const CERTIFY: [&str; 3] = ["certify", "--tier", "basic"];

/// RFC 7517, appendix A.2.
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#;

fn payload(file: &Path) -> Json {
    let text = std::fs::read_to_string(file).unwrap();
    let payload = text.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn the_certificate_of_a_sound_partner_holds_and_can_be_recomputed() {
    let folder = tempfile::tempdir().unwrap();
    common::partner(folder.path(), "acme", &[], "");
    let said = countersign(folder.path(), &[&CERTIFY[..], &["--ladders", "ladders", "--badge", "badge.svg"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("a new key was made: countersign-key.pem"), "{said:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("countersign-key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the key is its owner's alone");
    }
    let file = folder.path().join("acme-basic.certificate");
    let verified = countersign(folder.path(), &["verify", "acme-basic.certificate", "--key", "countersign-key.pem"]);
    assert!(verified.code == 0 && verified.out.starts_with("valid: acme (oidc) at tier basic\n"), "{verified:?}");
    assert!(verified.out.contains("the given one") && verified.out.contains("not tested, and why:"), "{verified:?}");
    let own = payload(&file);
    let happy = own["cases"].as_array().unwrap().iter().find(|case| case["id"] == "login/happy").unwrap();
    // Another run, with other identities and another parallelism, has the same digest of the same exchange.
    let again = countersign(folder.path(), &["run", "login/happy", "--jobs", "1", "--report", "json=-"]);
    let report: Json = serde_json::from_str(&again.out).unwrap();
    assert_eq!(report["cases"][0]["ladder"], happy["ladder"]);
    let ladder = std::fs::read(folder.path().join("ladders/login/happy.txt")).unwrap();
    let digest: String =
        <sha2::Sha256 as sha2::Digest>::digest(&ladder).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(happy["ladder"], digest.as_str());
    assert!(std::fs::read_to_string(folder.path().join("badge.svg")).unwrap().contains("acme · basic"));
    // A second time the key is there, and is the same.
    let other = folder.path().join("other.pem");
    std::fs::write(&other, P256).unwrap();
    let refused = countersign(folder.path(), &["verify", "acme-basic.certificate", "--key", "other.pem"]);
    assert!(refused.code == 1 && refused.out.contains("not by the given one"), "{refused:?}");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    std::fs::write(folder.path().join("changed"), bytes).unwrap();
    let changed = countersign(folder.path(), &["verify", "changed"]);
    assert!(changed.code == 1 && changed.out.contains("the signature does not fit"), "{changed:?}");
    std::fs::write(folder.path().join("huge"), vec![b'a'; 5 << 20]).unwrap();
    let huge = countersign(folder.path(), &["verify", "huge"]);
    assert!(huge.code == 2 && huge.err.contains("larger than any certificate"), "{huge:?}");
    let nothing = countersign(folder.path(), &["verify", "nothing"]);
    assert!(nothing.code == 2 && nothing.err.contains("nothing: "), "{nothing:?}");
}

#[test]
fn another_suite_is_named_and_not_called_a_forgery() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key.json"), P256).unwrap();
    std::fs::create_dir_all(folder.path().join("more/login")).unwrap();
    let case = "title = \"x\"\nrequirement = \"rfc6749/4.1\"\ntier = \"basic\"\n\n[[step]]\nsign_in = { as = \"alice\" }\n\n[[step]]\nexpect = { session = \"alice\" }\n";
    std::fs::write(folder.path().join("more/login/own.toml"), case).unwrap();
    let own = ["--base", "full", "--cases", "more", "--key", "key.json", "--out", "out/a.certificate"];
    let said = countersign(folder.path(), &[&CERTIFY[..], &own].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!folder.path().join("countersign-key.pem").exists(), "a key was given");
    let same = countersign(folder.path(), &["verify", "out/a.certificate", "--cases", "more"]);
    assert!(same.code == 0 && same.out.contains("ES256"), "{same:?}");
    let other = countersign(folder.path(), &["verify", "out/a.certificate"]);
    assert!(other.code == 1 && other.out.contains("verify it with a program that has its suite"), "{other:?}");
}

#[test]
fn a_flawed_partner_gets_none_whatever_its_manifest_calls_known() {
    let folder = tempfile::tempdir().unwrap();
    let known =
        "\n[[known]]\ncase = \"login/code-once\"\nrequirement = \"rfc6749/4.1.2\"\nreason = \"it is being mended\"\n";
    common::partner(folder.path(), "acme", &["code-replayed"], known);
    let run = countersign(folder.path(), &["run", "login/code-once"]);
    assert_eq!(run.code, 0, "a run takes it as known: {run:?}");
    let said = countersign(folder.path(), &CERTIFY);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("no certificate of tier basic:"), "{said:?}");
    assert!(said.err.contains("login/code-once failed: rfc6749/4.1.2"), "{said:?}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("certificate")), "{left:?}");
}

#[test]
fn a_key_that_cannot_sign_is_told_before_anything_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key.pem"), "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n").unwrap();
    for (key, part) in [("key.pem", "signing takes the private one"), ("none.pem", "without it one is made")] {
        let said = countersign(folder.path(), &[&CERTIFY[..], &["--base", "full", "--key", key]].concat());
        assert!(said.code == 2 && said.err.contains(part) && said.out.is_empty(), "{said:?}");
    }
}
