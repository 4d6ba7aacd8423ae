//! Whether a provider can be trusted by the file that was given: asked before anybody waits for a login that cannot work.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::tls::Client;

use super::Failure;

/// Whoever takes longer is taken for absent.
const WITHIN: Duration = Duration::from_secs(3);

/// Greets the provider. One that is not there yet is no trouble: it may be started later.
pub(super) async fn must_be_trusted(client: &Client, issuer: &str, file: &str) -> Result<(), Failure> {
    let Ok(url) = url::Url::parse(issuer) else { return Ok(()) };
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return Ok(()) };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let Ok(Ok(stream)) = tokio::time::timeout(WITHIN, TcpStream::connect((bare, port))).await else { return Ok(()) };
    match tokio::time::timeout(WITHIN, client.connect(host, stream, false)).await {
        Ok(Err(error)) => Err(Failure::blocked(format!(
            "{issuer} shows a certificate that {file} does not vouch for: {error}\n  help: take the file that this provider writes: countersign serve --tls --ca-file FILE makes a new authority each time that it starts"
        ))),
        _ => Ok(()),
    }
}
