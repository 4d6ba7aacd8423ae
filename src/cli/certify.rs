//! `certify`: a complete run of a tier, from a clean start, and a signed certificate of it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::harness::calendar::today;
use crate::harness::run::{self as harness, RunRequest, SubjectSpec};
use crate::harness::suite::capabilities_of;
use crate::model::result::Event;
use crate::model::verdict::Tier;
use crate::report::certificate::key::Signer;
use crate::report::certificate::{self, badge};
use crate::report::terminal;

use super::run::TierArg;
use super::subject::SubjectArgs;
use super::suite::SuiteArgs;
use super::{Failure, output, runtime, style};

/// The key that is made where none is named.
const KEY: &str = "countersign-key.pem";

#[derive(Args, Clone)]
pub(super) struct CertifyArgs {
    /// Every case up to this tier
    #[arg(long, value_enum)]
    tier: TierArg,
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    suite: SuiteArgs,
    /// Sign with this key (Ed25519 or P-256; PEM or JWK); without it ./countersign-key.pem, which is made where it is not there
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where the certificate goes; without it ./NAME-TIER.certificate
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a badge as well, as SVG
    #[arg(long, value_name = "FILE")]
    badge: Option<PathBuf>,
    /// Write the ladder of every case, of which the certificate has the digests
    #[arg(long, value_name = "DIR")]
    ladders: Option<PathBuf>,
    /// Attempts at a time
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Repeat the identities of an earlier run
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
}

pub(super) fn certify(args: &CertifyArgs) -> Result<u8, Failure> {
    let suite = args.suite.load()?;
    let mut subjects = args.subject.subjects(&suite)?;
    let (Some(mut subject), true) = (subjects.pop(), subjects.is_empty()) else {
        return Err(Failure::usage("a certificate is of one partner\n  help: certify one --partner FILE at a time"));
    };
    // What is known to fail fails all the same.
    if let SubjectSpec::Manifest { manifest, .. } = &mut subject {
        manifest.known.clear();
    }
    // Before anything is judged: a run whose certificate cannot be signed is for nothing.
    let given = args.key.as_deref().map(read_key).transpose()?;
    let tier = Tier::from(args.tier);
    let manifest = subject.manifest_over(args.subject.tls);
    let capabilities = capabilities_of(&manifest);
    let request = RunRequest {
        dialect: args.subject.dialect.clone(),
        tier: Some(tier),
        jobs: args.jobs,
        seed: args.seed,
        rerun_prefix: args.subject.rerun(&subject, Some(tier), &args.suite),
        ladders: true,
        tls: args.subject.tls,
        browser: args.subject.browser(),
        ..RunRequest::new(suite.clone(), subject)
    };
    let (report, ladders) = runtime()?.block_on(async {
        let (sender, receiver) = unbounded_channel();
        let listening = tokio::spawn(listen(receiver));
        let report = harness::run(request, sender).await;
        (report, listening.await.unwrap_or_default())
    });
    if let Some(folder) = &args.ladders {
        keep_ladders(folder, &ladders)?;
    }
    let made = certificate::of_run(&report, &suite, &manifest, &capabilities, args.subject.tls, today());
    let own = match made {
        Ok(own) => own,
        Err(obstacles) => {
            let shown = terminal::details(&report, &suite.requirements, style(&std::io::stderr()));
            eprint!("{}", output::said(&shown));
            eprintln!("no certificate of tier {tier}:");
            for obstacle in &obstacles {
                eprintln!("  {}", output::said(&crate::report::indented(obstacle, 4)));
            }
            if obstacles.iter().any(|obstacle| obstacle.contains("`https`")) {
                eprintln!("  help: add --tls, so that what shows over https only is tested");
            }
            let code = report.exit_code(false);
            return Ok(if code == 0 || code == 3 { 1 } else { code });
        }
    };
    let signer = match given {
        Some(signer) => signer,
        None => own_key(Path::new(KEY))?,
    };
    let text = certificate::signed(&own, &signer).map_err(Failure::blocked)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}-{tier}.certificate", own.partner)));
    write(&out, &text)?;
    if let Some(path) = &args.badge {
        write(path, &badge::svg(&own))?;
    }
    say!("{}: certified at tier {tier} by suite {}", own.partner, own.suite.version);
    let totals = &own.totals;
    say!("{} passed, {} warned, {} not applicable", totals.pass, totals.warn, totals.not_applicable);
    say!("signed by the key {}", signer.public().thumbprint());
    say!("the certificate is in {}; check it with: countersign verify {}", out.display(), out.display());
    say!("{}", certificate::STATEMENT);
    Ok(0)
}

/// Notes go to standard error; gives the ladders.
async fn listen(mut events: UnboundedReceiver<Event>) -> BTreeMap<String, String> {
    let mut ladders = BTreeMap::new();
    while let Some(event) = events.recv().await {
        match event {
            Event::Started { partner, cases, tier, .. } => {
                eprintln!(
                    "{} ({}): {cases} cases up to tier {tier}, from a clean start",
                    partner.name, partner.dialect
                );
            }
            Event::Note(text) => eprintln!("{}", output::said(&crate::report::safe(&text))),
            Event::Drawn { id, ladder } => {
                ladders.insert(id, ladder);
            }
            Event::Finished(_) => break,
            _ => {}
        }
    }
    ladders
}

fn read_key(path: &Path) -> Result<Signer, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!(
            "{}: {error}\n  help: --key FILE names a key that is there; without it one is made",
            path.display()
        ))
    })?;
    Signer::read(&text).map_err(|why| Failure::usage(format!("{}: {why}", path.display())))
}

/// The key of this folder; made where there is none, for its owner alone.
fn own_key(path: &Path) -> Result<Signer, Failure> {
    if path.exists() {
        return read_key(path);
    }
    let (signer, text) = Signer::made().map_err(Failure::blocked)?;
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written
        .map_err(|error| Failure::usage(format!("{}: {error}\n  help: name a key with --key FILE", path.display())))?;
    eprintln!("a new key was made: {}. Keep it, and keep it secret: it is who signs", path.display());
    Ok(signer)
}

fn keep_ladders(folder: &Path, ladders: &BTreeMap<String, String>) -> Result<(), Failure> {
    ladders.iter().try_for_each(|(id, ladder)| write(&folder.join(format!("{id}.txt")), ladder))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = folder.map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
    written.map_err(|error| {
        Failure::usage(format!("{}: {error}\n  help: give a path that can be written to", path.display()))
    })
}
