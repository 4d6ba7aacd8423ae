//! `[accounts] reset`: before anything is judged, a partner forgets whom it knows of earlier runs.

use crate::harness::world::World;
use crate::partner;

use super::{SmokeLine, cause, probe_browser};

/// Asks for it, once; `None` where the manifest names nothing.
pub(super) async fn forget(world: &World) -> Option<SmokeLine> {
    let place = world.ground.manifest.accounts.reset.as_ref()?;
    let base = world.partner().await.base().to_owned();
    let browser = probe_browser(world, &base);
    let came = partner::open_place(&base, &browser, "first", place, None, &|navigation| navigation, &cause()).await;
    let observed = match came {
        Ok(page) if (200..400).contains(&page.seen.response.status) => return None,
        Ok(page) => format!("answers {}", page.seen.response.status),
        Err(error) => format!("gives no answer: {error}"),
    };
    Some(SmokeLine::bad(
        format!("[accounts] reset, {}, {observed}", place.path),
        "it is asked once, before anything is judged, and must answer 2xx; leave it out where there is no such address",
    ))
}
