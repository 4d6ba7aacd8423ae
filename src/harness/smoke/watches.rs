//! A partner that says that a page of its watches the session at the provider has the provider's frame in it: a real browser
//! shows whether it does.

use std::sync::Arc;

use crate::harness::drive::{self, Mode, Order, PlayVariant};
use crate::harness::world::World;
use crate::model::case::{Act, Target, Visit};

use super::{SmokeLine, smoke_case, step};

/// Looks at it; `None` where the manifest names no such page, or no script runs.
pub(super) async fn the_session(world: &Arc<World>) -> Option<SmokeLine> {
    let frame = world.provider.check_session_iframe()?;
    world.ground.chromium.as_ref()?;
    let mut case = smoke_case();
    case.id = "smoke/check-session".to_owned();
    case.steps.push(step(Act::Visit(Visit::to(Target::Place("check_session".to_owned())))));
    let order = Order { case: Arc::new(case), variant: PlayVariant::default(), mode: Mode::Real };
    let played = drive::play(world, &order).await;
    if played.transcript.exchanges.iter().any(|exchange| exchange.request.url == frame) {
        return Some(SmokeLine::good("the page of at.check_session has the provider's frame in it"));
    }
    Some(SmokeLine {
        finding: true,
        ..SmokeLine::bad(
            "the manifest says that the page of at.check_session watches the session, and it does not load the provider's frame",
            "name the page that loads check_session_iframe for a person who is signed in, or leave check_session out of [at] (partner/manifest#declared)",
        )
    })
}
