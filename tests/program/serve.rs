//! The provider alone, as README tells to start it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running `serve`, ended when it is dropped.
pub struct Serving {
    child: Child,
    said: BufReader<ChildStdout>,
    address: String,
}

impl Serving {
    /// Until it says that it can be ended.
    pub fn start(arguments: &[&str]) -> (Serving, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["serve", "--port", "0"])
            .args(arguments)
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        while !told.contains("Ctrl-C") {
            assert!(said.read_line(&mut told).unwrap() > 0, "it ended after saying\n{told}");
        }
        let issuer = told.lines().find_map(|line| line.strip_prefix("issuer")).expect("it names its issuer").trim();
        let address = issuer.strip_prefix("http://").unwrap().to_owned();
        (Serving { child, said, address }, told)
    }

    pub fn get(&self, target: &str) -> String {
        self.ask(&format!("GET {target} HTTP/1.1"), "")
    }

    pub fn get_with(&self, target: &str, cookies: &str) -> String {
        self.ask(&format!("GET {target} HTTP/1.1\r\ncookie: {cookies}"), "")
    }

    pub fn post(&self, target: &str, cookies: &str, form: &str) -> String {
        let head = format!(
            "POST {target} HTTP/1.1\r\ncookie: {cookies}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}",
            form.len()
        );
        self.ask(&head, form)
    }

    fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("{head}\r\nhost: {}\r\nconnection: close\r\n\r\n{body}", self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LOGIN: &str = "/authorize?response_type=code&client_id=app&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

#[test]
fn people_and_clients_come_from_a_file_that_is_read_again_when_it_changes_and_a_bad_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.toml");
    let text = |name: &str| {
        format!(
            "title = \"Acme <b>\"\n[[persona]]\nname = \"{name}\"\n[[client]]\nid = \"app\"\nredirect_uris = [\"http://127.0.0.1:1/cb\"]\n"
        )
    };
    std::fs::write(&path, text("dora")).unwrap();
    let (mut serving, told) = Serving::start(&["--config", path.to_str().unwrap()]);
    assert!(told.contains("dora") && told.contains("app (public)"), "{told}");
    let page = serving.get(LOGIN);
    assert!(page.contains("value=\"dora\"") && page.contains("Sign in to Acme &lt;b&gt;"), "{page}");
    std::fs::write(&path, "[[persona]]\nnmae = \"x\"\n").unwrap();
    let mut errors = BufReader::new(serving.child.stderr.take().unwrap());
    let mut wrong = String::new();
    while !wrong.contains("stays in force") {
        assert!(errors.read_line(&mut wrong).unwrap() > 0, "{wrong}");
    }
    assert!(wrong.contains("people.toml:2:1") && wrong.contains("nmae") && wrong.contains("help:"), "{wrong}");
    assert!(serving.get(LOGIN).contains("value=\"dora\""), "what was in force before stays");
    // Nor does one that vanishes change anything.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let mut gone = String::new();
    while !gone.contains("stays in force") {
        assert!(errors.read_line(&mut gone).unwrap() > 0, "{gone}");
    }
    assert!(gone.contains("people.toml: "), "{gone}");
    assert!(serving.get(LOGIN).contains("value=\"dora\""), "what was in force before stays");
    std::fs::remove_dir(&path).unwrap();
    // As editors do it: a new file in the place of the old one.
    std::fs::write(folder.path().join("new"), text("emil")).unwrap();
    std::fs::rename(folder.path().join("new"), &path).unwrap();
    assert!(serving.next_line().contains("1 people, 1 clients"));
    let page = serving.get(LOGIN);
    assert!(page.contains("value=\"emil\"") && !page.contains("dora"), "{page}");
}

#[test]
fn a_file_that_is_not_there_or_is_bad_is_told_before_anything_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("folder.toml")).unwrap();
    std::fs::write(folder.path().join("latin.toml"), b"[[persona]]\nname = \"\xe9\"\n").unwrap();
    let twins =
        "[[persona]]\nname = \"a\"\nfields = { sub = \"1\" }\n[[persona]]\nname = \"b\"\nfields = { sub = \"1\" }\n";
    std::fs::write(folder.path().join("twins.toml"), twins).unwrap();
    std::fs::write(folder.path().join("bad.toml"), "[[client]]\nid = \"a\"\nauth = \"client_secret_basic\"\n").unwrap();
    for (arguments, says) in [
        (&["serve", "--port", "0", "--config", "none.toml"][..], "none.toml: "),
        (&["serve", "--port", "0", "--config", "folder.toml"][..], "folder.toml: "),
        (&["serve", "--port", "0", "--config", "latin.toml"][..], "latin.toml: "),
        (&["serve", "--port", "0", "--config", "twins.toml"][..], "twins.toml:4:1: `a` has this subject already"),
        (&["serve", "--port", "0", "--dialect", "oid"][..], "there is no dialect `oid`\n  help: did you mean `oidc`?"),
        (
            &["serve", "--port", "0", "--config", "bad.toml"][..],
            "bad.toml:1:1: auth = \"client_secret_basic\" needs a secret",
        ),
        (&["serve", "--port", "0", "--auto-login", "zoe"][..], "nobody is called zoe\n  help: the people: alice"),
        (&["serve", "--port", "0", "--back-url", "idp:9400"][..], "--back-url idp:9400 is no address"),
        (&["serve", "--port", "0", "--issuer", "http://x/?a=b"][..], "neither query nor fragment"),
    ] {
        let output = super::countersign(folder.path(), arguments);
        assert!(super::stderr(&output).contains(says), "{arguments:?}\n{}", super::stderr(&output));
        assert!(!output.status.success());
    }
}

#[test]
fn it_ends_in_peace_by_the_signal_that_containers_send() {
    let (mut serving, _) = Serving::start(&[]);
    let asked = Command::new("kill").args(["-TERM", &serving.child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert!(serving.child.wait().unwrap().success(), "it must not be killed by the signal");
}

#[test]
fn the_provider_alone_says_where_it_is_answers_and_ends_when_asked_to() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["serve", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut told = String::new();
    while !told.contains("Ctrl-C") {
        assert!(said.read_line(&mut told).unwrap() > 0, "it ended after saying\n{told}");
    }
    let issuer = told.lines().find_map(|line| line.strip_prefix("issuer")).expect("it names its issuer").trim();
    assert!(told.contains("demo") && told.contains("http://127.0.0.1:3000/callback"), "{told}");
    let address = issuer.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request =
        format!("GET /.well-known/openid-configuration HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(&format!("\"issuer\":\"{issuer}\"")), "{answer}");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert!(child.wait().unwrap().success(), "it ends in peace");
}
