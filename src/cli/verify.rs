//! `verify`: does a certificate hold?

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;

use crate::harness::calendar::today;
use crate::report::certificate::key::Public;
use crate::report::certificate::{self, LARGEST, Refusal};

use super::suite::SuiteArgs;
use super::{Failure, output};

#[derive(Args, Clone)]
pub(super) struct VerifyArgs {
    /// The certificate
    file: PathBuf,
    /// Take the signature of this key alone (Ed25519 or P-256; PEM or JWK)
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    suite: SuiteArgs,
}

/// Exit code 0: it holds; 1: it does not; 2: it is no certificate, or cannot be read.
pub(super) fn verify(args: &VerifyArgs) -> Result<u8, Failure> {
    let suite = args.suite.load()?;
    let key = args.key.as_ref().map(|path| {
        let wrong = |why: String| Failure::usage(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Public::read(&text).map_err(wrong)
    });
    let key = key.transpose()?;
    let shown = args.file.display();
    let no_file = |error: std::io::Error| {
        Failure::usage(format!("{shown}: {error}\n  help: name a file that `countersign certify` has written"))
    };
    let mut bytes = Vec::new();
    // One byte more than there may be, so that it shows, and no more than that into memory.
    let file = std::fs::File::open(&args.file).map_err(no_file)?;
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(no_file)?;
    match certificate::verified(&bytes, key.as_ref(), &suite, today()) {
        Ok(verified) => {
            tell!("{}", output::said(&certificate::text(&verified, key.is_some())));
            Ok(0)
        }
        Err(Refusal::NoCertificate(why)) => Err(Failure::usage(format!(
            "{shown} is no certificate: {why}\n  help: name a file that `countersign certify` has written"
        ))),
        Err(Refusal::Invalid(obstacles)) => {
            say!("not valid: {}", output::said(&crate::judge::printable(&shown.to_string())));
            for obstacle in obstacles {
                say!("  {}", output::said(&crate::judge::printable(&obstacle)));
            }
            Ok(1)
        }
    }
}
