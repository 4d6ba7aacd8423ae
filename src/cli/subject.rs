//! Arguments that say whom to judge.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::harness::run::SubjectSpec;
use crate::harness::suite::Suite;
use crate::model::diagnostic::nearest;
use crate::model::manifest::{self, Engine, Names};
use crate::model::verdict::Tier;
use crate::reference::{Base, FLAWS, ODDITIES, SIGNS_IN_BY, Switch, habits};

use super::Failure;
use super::suite::SuiteArgs;

/// The manifest that is taken when no other is named.
const MANIFEST: &str = "countersign.toml";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum BaseArg {
    /// State alone
    Min,
    /// State and nonce
    Oidc,
    /// State, nonce, PKCE and `iss`
    Full,
}

impl From<BaseArg> for Base {
    fn from(base: BaseArg) -> Base {
        match base {
            BaseArg::Min => Base::Min,
            BaseArg::Oidc => Base::Oidc,
            BaseArg::Full => Base::Full,
        }
    }
}

#[derive(Args, Clone, Default)]
pub(super) struct SubjectArgs {
    /// The partner's manifest, or several; without it ./countersign.toml if there is one, else the reference partner
    #[arg(long, value_name = "FILE")]
    pub partner: Vec<PathBuf>,
    /// Speak another dialect than the manifest says
    #[arg(long, value_name = "NAME")]
    pub dialect: Option<String>,
    /// A flaw of the reference partner to switch on; may be repeated
    #[arg(long, value_name = "ID", conflicts_with = "partner")]
    pub flaw: Vec<String>,
    /// An odd habit of the reference partner that is right all the same; may be repeated
    #[arg(long, value_name = "ID", conflicts_with = "partner")]
    pub odd: Vec<String>,
    /// Which defences the reference partner has; with flaws the weakest base where they show
    #[arg(long, value_enum, conflicts_with = "partner")]
    pub base: Option<BaseArg>,
    /// Drive a partner that is not on this machine
    #[arg(long)]
    pub allow_remote: bool,
    /// Speak https: the provider, the browser, and the reference partner; certificates are made for the run
    #[arg(long)]
    pub tls: bool,
    /// Who plays the person's browser: http is fast and runs no scripts, chromium is a real one; as the manifest says when absent
    #[arg(long, value_enum)]
    pub browser: Option<BrowserArg>,
}

/// The engines of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum BrowserArg {
    Http,
    Chromium,
}

impl SubjectArgs {
    /// Who plays the browser, where a flag says so.
    pub fn browser(&self) -> Option<Engine> {
        self.browser.map(|browser| match browser {
            BrowserArg::Http => Engine::Http,
            BrowserArg::Chromium => Engine::Chromium,
        })
    }

    /// Whom to judge: at least one, each of another name.
    pub fn subjects(&self, suite: &Suite) -> Result<Vec<SubjectSpec>, Failure> {
        let paths = self.manifests();
        if self.partner.is_empty() && !paths.is_empty() {
            eprintln!("judging the partner of ./{MANIFEST}");
        }
        if paths.is_empty() {
            if !self.means_reference() {
                eprintln!(
                    "no {MANIFEST} here: judging the built-in reference partner; countersign init writes one for a site"
                );
            }
            self.is_spoken(suite)?;
            return Ok(vec![self.reference()?]);
        }
        let mut subjects: Vec<SubjectSpec> = Vec::new();
        let mut wrong = Vec::new();
        for path in &paths {
            match manifest(path, suite, self) {
                Ok(subject) => match subjects.iter().find(|other| other.manifest().name == subject.manifest().name) {
                    Some(other) => wrong.push(format!(
                        "{} and {} are both named `{}`\n  help: a name belongs to one partner, for reports and snapshots are filed under it; give one of them another",
                        other.place(),
                        subject.place(),
                        subject.manifest().name
                    )),
                    None => subjects.push(subject),
                },
                Err(failure) => wrong.push(failure.text),
            }
        }
        if wrong.is_empty() { Ok(subjects) } else { Err(Failure::usage(wrong.join("\n\n"))) }
    }

    /// The manifests that say whom to judge; none for the reference partner.
    pub fn manifests(&self) -> Vec<PathBuf> {
        match self.partner.is_empty() && !self.means_reference() && Path::new(MANIFEST).is_file() {
            true => vec![PathBuf::from(MANIFEST)],
            false => self.partner.clone(),
        }
    }

    /// The reference partner is meant, whatever lies in this folder.
    fn means_reference(&self) -> bool {
        !self.flaw.is_empty() || !self.odd.is_empty() || self.base.is_some()
    }

    /// The command that runs a case of a subject again, without its id.
    pub fn rerun(&self, subject: &SubjectSpec, tier: Option<Tier>, suite: &SuiteArgs) -> String {
        let mut words = vec!["countersign run".to_owned()];
        match subject {
            SubjectSpec::Reference { base, flaws, oddities, .. } => {
                words.extend(flaws.iter().map(|flaw| format!("--flaw {flaw}")));
                words.extend(oddities.iter().map(|oddity| format!("--odd {oddity}")));
                words.push(format!("--base {}", base.name()));
            }
            SubjectSpec::Manifest { path, .. } => words.push(format!("--partner {}", path.display())),
        }
        words.extend(self.dialect.as_ref().map(|dialect| format!("--dialect {dialect}")));
        words.extend(tier.map(|tier| format!("--tier {tier}")));
        words.extend(self.allow_remote.then(|| "--allow-remote".to_owned()));
        words.extend(self.tls.then(|| "--tls".to_owned()));
        words.extend(self.browser().map(|engine| match engine {
            Engine::Chromium => "--browser chromium".to_owned(),
            Engine::Http => "--browser http".to_owned(),
        }));
        words.extend(suite.words());
        words.join(" ")
    }

    /// The reference partner was told of some dialects; one of somebody's own needs a partner of theirs.
    fn is_spoken(&self, suite: &Suite) -> Result<(), Failure> {
        let own = self.dialect.as_ref().filter(|own| suite.vocabulary.dialects.contains(*own));
        match own.filter(|own| !SIGNS_IN_BY.contains(&own.as_str())) {
            None => Ok(()),
            Some(own) => Err(Failure::usage(format!(
                "the reference partner does not speak {own}: it was told of {}\n  help: give a partner that does, whose manifest says dialect = \"{own}\": --partner countersign.toml",
                SIGNS_IN_BY.join(" ")
            ))),
        }
    }

    fn reference(&self) -> Result<SubjectSpec, Failure> {
        let (flaws, odd) = (flaws(&self.flaw)?, oddities(&self.odd)?);
        Ok(SubjectSpec::Reference {
            base: self.base.map_or_else(|| base_of(&flaws, &odd), Base::from),
            oddities: with_habits(&flaws, &odd),
            flaws: flaws.iter().map(|flaw| flaw.id.to_owned()).collect::<BTreeSet<_>>(),
            dialect: self.dialect.clone().unwrap_or_else(|| "oidc".to_owned()),
        })
    }
}

/// The weakest base on which flaws show, that of the oddities where there are any, else the one with every defence.
pub(super) fn base_of(flaws: &[Switch], oddities: &[Switch]) -> Base {
    flaws.iter().chain(oddities).map(|switch| switch.base).max().unwrap_or(Base::Full)
}

/// The oddities that are asked for, and those without which a partner cannot have these flaws, by id.
pub(super) fn with_habits(flaws: &[Switch], oddities: &[Switch]) -> BTreeSet<String> {
    let needed = habits(flaws.iter().map(|flaw| flaw.id));
    oddities.iter().map(|oddity| oddity.id).chain(needed).map(str::to_owned).collect()
}

/// Oddities by their ids.
pub(super) fn oddities(ids: &[String]) -> Result<Vec<Switch>, Failure> {
    switches(ids, ODDITIES, "oddity", "--list-oddities")
}

/// Flaws by their ids.
pub(super) fn flaws(ids: &[String]) -> Result<Vec<Switch>, Failure> {
    switches(ids, FLAWS, "flaw", "--list-flaws")
}

fn switches(ids: &[String], known: &[Switch], what: &str, list: &str) -> Result<Vec<Switch>, Failure> {
    ids.iter()
        .map(|id| {
            known.iter().find(|switch| switch.id == id).copied().ok_or_else(|| {
                let help = match nearest(id, known.iter().map(|switch| switch.id)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("countersign partner {list} names those that there are"),
                };
                Failure::usage(format!("no {what} `{id}`\n  help: {help}"))
            })
        })
        .collect()
}

/// A manifest, read.
fn manifest(path: &Path, suite: &Suite, args: &SubjectArgs) -> Result<SubjectSpec, Failure> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{shown}: {error}\n  help: give the partner's countersign.toml")))?;
    let names = Names {
        dialects: &suite.vocabulary.dialects,
        capabilities: &suite.capabilities,
        version: &suite.version,
        changelog: suite.changelog,
    };
    let mut manifest =
        manifest::read(&shown, &text, &names).map_err(|wrong| Failure::usage(super::suite::shown(&wrong)))?;
    manifest.at.base = manifest.at.base.replace("{scheme}", if args.tls { "https" } else { "http" });
    if !args.allow_remote && !on_this_machine(&manifest.at.base) {
        return Err(Failure::usage(format!(
            "{shown}: [at] base `{}` is not on this machine\n  help: add --allow-remote if you mean to drive it over the network",
            manifest.at.base
        )));
    }
    Ok(SubjectSpec::Manifest { path: path.to_owned(), manifest: Box::new(manifest) })
}

fn on_this_machine(base: &str) -> bool {
    url::Url::parse(&base.replace("{port}", "1")).is_ok_and(|url| crate::agent::is_loopback(&url))
}
