//! A partner that is already running: found, never started and never ended.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use crate::model::manifest::{Manifest, duration};

use super::command::status_of;
use super::{Boxed, Company, Launch, LaunchError, Running, Setup};

/// How long it may take to answer at all, where its manifest says nothing shorter.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct AttachedPartner {
    base: String,
    within: Duration,
}

impl AttachedPartner {
    pub(super) fn new(manifest: &Manifest) -> Self {
        let patience = manifest.patience.as_deref().and_then(duration).unwrap_or(ANSWER_WITHIN);
        AttachedPartner { base: manifest.at.base.clone(), within: patience.min(ANSWER_WITHIN) }
    }
}

impl Launch for AttachedPartner {
    fn launch<'a>(&'a self, setup: &'a Setup) -> Boxed<'a, Result<Arc<dyn Running>, LaunchError>> {
        Box::pin(async move {
            let base = self.base.trim_end_matches('/').to_owned();
            let trouble = |what: String| LaunchError {
                what,
                help: "start the partner first, or add [start] command to the manifest; [at] base must be its address"
                    .to_owned(),
                started: false,
            };
            let client = setup.client(&base)?;
            match tokio::time::timeout(self.within, status_of(&format!("{base}/"), client.as_ref())).await {
                Ok(None) if client.is_some() => Err(LaunchError {
                    help: "its certificate has to be one of this run, so a partner that speaks https is started by [start] command, with {tls.cert} and {tls.key}".to_owned(),
                    ..trouble(format!("nothing speaks https at {base} with a certificate of this run"))
                }),
                Ok(Some(_)) => Ok(Arc::new(Attached { base }) as Arc<dyn Running>),
                Ok(None) => Err(trouble(format!("nothing speaks HTTP at {base}"))),
                Err(_) => Err(trouble(format!("{base} gave no answer within {} s", self.within.as_secs_f32()))),
            }
        })
    }

    fn company(&self) -> Company {
        Company::Attached
    }
}

struct Attached {
    base: String,
}

impl Running for Attached {
    fn base(&self) -> &str {
        &self.base
    }

    fn ended(&self) -> Option<String> {
        None
    }

    fn wait_ended<'a>(&'a self) -> Boxed<'a, String> {
        Box::pin(pending())
    }

    fn stop<'a>(&'a self) -> Boxed<'a, ()> {
        Box::pin(async {})
    }

    fn output(&self) -> String {
        String::new()
    }
}
