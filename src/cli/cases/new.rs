//! `cases new`.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::Failure;
use crate::cli::run::TierArg;
use crate::harness::reach::reach;
use crate::harness::suite::{Suite, is_case_id};
use crate::model::diagnostic::nearest;
use crate::model::verdict::Tier;
use crate::report::skeleton;

#[derive(Args, Clone)]
pub(super) struct NewArgs {
    /// Its id: AREA/NAME, for instance tokens/iss-other-host
    id: String,
    /// The rule that it tests
    #[arg(long, value_name = "ID", default_value = "rfc6749/4.1")]
    requirement: String,
    /// The lowest tier in which it runs
    #[arg(long, value_enum, default_value = "basic")]
    tier: TierArg,
    /// The folder of cases
    #[arg(long, value_name = "DIR", default_value = "cases")]
    dir: PathBuf,
}

pub(super) fn new(suite: &Suite, args: &NewArgs) -> Result<u8, Failure> {
    let (Some((area, name)), true) = (args.id.split_once('/'), is_case_id(&args.id)) else {
        return Err(Failure::usage(format!(
            "`{}` is no id\n  help: AREA/NAME, of small letters, digits and hyphens, for instance tokens/iss-other-host",
            args.id
        )));
    };
    let Some(rule) = suite.requirements.get(&args.requirement) else {
        let near = nearest(&args.requirement, suite.requirements.by_id.keys().map(String::as_str));
        let help = near.map_or(
            "countersign cases coverage lists them; a new one goes into specs/requirements/ first".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Failure::usage(format!("no requirement `{}`\n  help: {help}", args.requirement)));
    };
    if suite.case(&args.id).is_some() {
        return Err(Failure::usage(format!(
            "the suite has a case `{0}` already\n  help: countersign cases show {0}; or choose another name",
            args.id
        )));
    }
    let path = args.dir.join(area).join(format!("{name}.toml"));
    let shown = path.display();
    let text = skeleton::text(rule, Tier::from(args.tier));
    std::fs::create_dir_all(args.dir.join(area))
        .map_err(|error| Failure::usage(format!("{}: {error}", args.dir.display())))?;
    // Never over a file that is there, whoever makes it in this moment.
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{shown} is there already, and is left as it is\n  help: choose another name"))
        }
        _ => Failure::usage(format!("{shown}: {error}\n  help: give a folder that can be written to with --dir")),
    })?;
    say!("{shown} written.");
    if let Ok((case, _)) = super::read(suite, &path) {
        tell!("{}", reach(suite, &Arc::new(case)).text());
    }
    let areas: std::collections::BTreeSet<&str> = suite.cases.iter().map(|case| case.area()).collect();
    if !areas.contains(area) {
        let areas: Vec<&str> = areas.into_iter().collect();
        say!("`{area}` is a new area; those that there are: {}", areas.join(" "));
    }
    say!("Look it over:  countersign cases lint {shown}");
    say!("Play it:       countersign cases try {shown}");
    say!("In a run:      countersign run --cases {} {}", args.dir.display(), args.id);
    say!("In the suite's own repository the next build makes it part of the suite.");
    Ok(0)
}
