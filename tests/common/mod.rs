//! What tests of the program share: partners that it can start, in folders of their own, and running it.
#![allow(dead_code)]

pub mod asked;
pub mod lines;
pub mod redeem;
pub mod said;

use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::reference::{Base, manifest};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// What a run of the program said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs the program in a folder.
pub fn countersign(folder: &Path, arguments: &[&str]) -> Said {
    let output = Command::new(PROGRAM).args(arguments).current_dir(folder).env("NO_COLOR", "1").output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The manifest of a small site of a test: a login that asks for `openid` alone, a logout, and `/me` that says who is
/// signed in. `command` starts it; `own` begins the variables that it is told by.
pub fn site(name: &str, command: &[&str], own: &str) -> String {
    format!(
        r#"name = "{name}"

[client]
id = "{name}"
auth = "client_secret_post"
redirect_uris = ["{{base}}/callback"]

[scopes]
required = ["openid"]

[at]
base = "http://127.0.0.1:{{port}}"
login = "/login"
logout = "/logout"

[session]
url = "/me"
who.subject = "/sub"

[start]
command = {command:?}
env = {{ {own}PORT = "{{port}}", ISSUER = "{{issuer}}", CLIENT_ID = "{{client.id}}", CLIENT_SECRET = "{{client.secret}}", BASE_URL = "{{base}}" }}

[capabilities]
has = ["state"]
"#
    )
}

/// Writes the manifest of a partner that is the reference partner, started as a program of its own: base min, of tier
/// basic, with these flaws; `more` is added at the end. Gives the file's path.
pub fn partner(folder: &Path, name: &str, flaws: &[&str], more: &str) -> PathBuf {
    let mut command = vec![PROGRAM, "partner", "--base", "min", "--port", "{port}", "--issuer", "{issuer}"];
    command.extend(["--client-id", "{client.id}"]);
    flaws.iter().for_each(|flaw| command.extend(["--flaw", flaw]));
    let start = format!("command = {command:?}\nenv = {{ CLIENT_SECRET = \"{{client.secret}}\" }}\nready = \"/\"");
    let own = manifest(Base::Min, "oidc");
    let text = own
        .replace("name = \"reference-min\"", &format!("name = \"{name}\""))
        .replace("tier = \"strict\"", "tier = \"basic\"")
        .replace("command = [\"countersign\", \"partner\"]", &start);
    assert!(text.contains(&start) && text.contains(&format!("\"{name}\"")), "the reference manifest has changed");
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join("countersign.toml");
    std::fs::write(&path, text + more).unwrap();
    path
}
