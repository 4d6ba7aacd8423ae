//! Over https a started partner trusts the authority of the run by what its runtime reads anyway: shown with a site in
//! Java, whose trust store is made by us. That Node.js and Python do is shown by the examples.

#[path = "../common/mod.rs"]
mod common;

use std::path::Path;
use std::process::{Command, ExitCode};

use common::{countersign, site};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let asked = Command::new("java").arg("--version").output();
    let version = asked.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let version = version.and_then(|text| {
        String::from_utf8_lossy(&text).split_whitespace().nth(1)?.split('.').next()?.parse::<u32>().ok()
    });
    let here = version.is_some_and(|version| version >= 17);
    let java = |name: &str, run: fn() -> Result<(), Failed>| match here {
        true => Trial::test(name, run),
        false => Trial::test(format!("{name}, ignored: needs java 17"), run).with_ignored_flag(true),
    };
    let trials = vec![
        java("a site in Java logs in over https by the trust store that it is given", || {
            let said = check("");
            must(said.contains("ok a plain login works") && said.contains("Ready: countersign run"), &said)
        }),
        java("a site in Java that is told to trust somebody else is told of with what it said", || {
            let said = check("JAVA_TOOL_OPTIONS = \"-Djavax.net.ssl.trustStore=/nowhere\", ");
            must(
                said.contains("the provider speaks https in this run, and the partner never got through to it"),
                &said,
            )?;
            must(said.contains("SSLHandshakeException") || said.contains("InvalidAlgorithmParameterException"), &said)
        }),
    ];
    let mut trials = trials;
    trials.push(Trial::test("a file of an authority that has ended is told of with its day", ended));
    trials.push(Trial::test("a provider of another authority than the file's is told of at once", foreign));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn check(env: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let site_file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trust/Site.java").display().to_string();
    let manifest = site("java", &["java", &site_file], env);
    std::fs::write(folder.path().join("countersign.toml"), manifest).unwrap();
    let said = countersign(folder.path(), &["check", "--tls"]);
    said.out + &said.err
}

fn must(holds: bool, said: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(said.into()) }
}

/// The reference partner with this file, toward this provider.
fn partner(file: &Path, issuer: &str) -> (i32, String) {
    let output = Command::new(common::PROGRAM)
        .args(["partner", "--tls", "--port", "0", "--ca-file"])
        .arg(file)
        .args(["--issuer", issuer])
        .env("CLIENT_SECRET", "secret")
        .output()
        .unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn ended() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("ca.pem");
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 2, 29);
    std::fs::write(&file, params.self_signed(&rcgen::KeyPair::generate()?)?.pem())?;
    let (code, said) = partner(&file, "https://localhost:1");
    must(code == 2 && said.contains("ca.pem: this certificate is not good any more: it ended on 2020-02-29"), &said)?;
    must(said.contains("help: countersign serve --tls --ca-file"), &said)
}

fn foreign() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (own, other) =
        (Serving::start(&folder.path().join("own.pem"))?, Serving::start(&folder.path().join("other.pem"))?);
    let (code, said) = partner(&folder.path().join("other.pem"), &own.issuer);
    must(
        code == 5 && said.contains("shows a certificate that") && said.contains("other.pem does not vouch for"),
        &said,
    )?;
    must(said.contains("help: take the file that this provider writes"), &said)?;
    drop(other);
    Ok(())
}

/// A provider over https, for as long as this lives.
struct Serving {
    child: std::process::Child,
    issuer: String,
}

impl Serving {
    fn start(file: &Path) -> Result<Serving, Failed> {
        use std::io::BufRead as _;
        let mut child = Command::new(common::PROGRAM)
            .args(["serve", "--tls", "--port", "0", "--ca-file"])
            .arg(file)
            .stdout(std::process::Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let lines = std::io::BufReader::new(stdout).lines();
        let mut issuers = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("issuer").map(|rest| rest.trim().to_owned()));
        match issuers.next() {
            Some(issuer) => Ok(Serving { child, issuer }),
            None => Err("it tells no issuer".into()),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
