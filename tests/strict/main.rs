//! Strictness: nothing that is forged, stolen, stale or malformed is accepted by a running provider, and whatever it
//! advertises it also does. Each test speaks raw HTTP, as any stranger could.

mod acme;
mod advertised;
mod algorithms;
mod asked;
mod authorize;
mod check_session;
mod clients;
mod connect;
mod control;
mod device;
mod everyday;
mod facebook;
mod grants;
mod heard;
mod http;
mod introspection;
mod memory;
mod modes;
mod registration;
mod resources;
mod restserver;
mod sdk;
mod session;
mod session_end;
mod site;
mod wire;
