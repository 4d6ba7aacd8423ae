//! A partner that says it takes from userinfo who somebody is must do without the ID token: a login in which that cannot
//! be read shows whether it does.

use std::sync::Arc;

use crate::harness::drive::{self, Mode, Order, PlayVariant};
use crate::harness::world::World;
use crate::model::case::{Act, FaultSource, SessionIs};
use crate::model::fault::{Address, Fault, Layer, Message, Object, Operations, Patch};
use crate::model::manifest::IdentityFrom;
use crate::model::value::Value;

use super::{SmokeLine, session_is, smoke_case, step};

/// What no parser of tokens can read.
const UNREADABLE: &str = "this-is-no-token";

/// Tries it; `None` where the manifest does not say so.
pub(super) async fn from_userinfo(world: &Arc<World>) -> Option<SmokeLine> {
    if world.ground.manifest.session.identity_from != IdentityFrom::Userinfo {
        return None;
    }
    let patch = Patch {
        address: Address { message: Message::Object(Object::IdToken), layer: Layer::Members },
        selectors: Default::default(),
        operations: Operations { replace: Some(Value::Literal(UNREADABLE.into())), ..Operations::default() },
    };
    let mut case = smoke_case();
    case.id = "smoke/identity".to_owned();
    case.steps.insert(0, step(Act::Fault(FaultSource::Here(Fault { patches: vec![patch] }))));
    case.steps.push(step(session_is(SessionIs::Own)));
    let order = Order { case: Arc::new(case), variant: PlayVariant::default(), mode: Mode::Real };
    let played = drive::play(world, &order).await;
    // A partner that does not ask for `openid` gets no ID token at all.
    if played.faults.iter().all(|fault| fault.delivery.delivered == 0) {
        return None;
    }
    let judge = |observation| crate::judge::observation(observation, &played.transcript, &played.facts);
    let missed = played.observations.iter().flat_map(judge).next();
    Some(match missed {
        None => SmokeLine::good("a login works without the ID token: who it is comes from userinfo"),
        Some(missed) => SmokeLine::bad(
            format!(
                "with an ID token that cannot be read, {}: the partner does not take from userinfo alone who somebody is",
                missed.observed
            ),
            "leave identity_from out of [session], so that the ID token is judged",
        ),
    })
}
