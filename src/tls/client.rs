//! The client's side: a connection that is plain, or over TLS to somebody whom the authority vouches for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::authority::provider;
use super::validity::ended;
use super::{BROWSER, HTTP, TlsError};

/// Opens connections over TLS. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    plain: TlsConnector,
    as_browser: TlsConnector,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    pub(super) fn trusting(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Client, TlsError> {
        let wrong = |error: rustls::Error| TlsError::new("no client over TLS could be made", error);
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root).map_err(wrong)?;
        }
        let store = Arc::new(store);
        let config = |protocols: &[&[u8]]| -> Result<TlsConnector, TlsError> {
            let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
            let mut config = builder.map_err(wrong)?.with_root_certificates(Arc::clone(&store)).with_no_client_auth();
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            Ok(TlsConnector::from(Arc::new(config)))
        };
        Ok(Client { plain: config(&[HTTP])?, as_browser: config(&[BROWSER, HTTP])? })
    }

    /// A client's side that trusts the authorities in a PEM file.
    ///
    /// # Errors
    /// The text has no certificate, or one that cannot be used or has ended.
    pub fn trusting_pem(pem: &str) -> Result<Client, TlsError> {
        let wrong = |why: String| TlsError::new("no certificate of an authority can be read", why);
        let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let roots = roots.map_err(|error| wrong(error.to_string()))?;
        if roots.is_empty() {
            return Err(wrong("there is none between BEGIN CERTIFICATE and END CERTIFICATE".to_owned()));
        }
        if let Some(end) = roots.iter().find_map(|root| ended(root)) {
            return Err(TlsError::new("this certificate is not good any more", format!("it ended on {end}")));
        }
        Client::trusting(roots)
    }

    /// A client's side that looks at no certificate: the defect that a partner must not have.
    ///
    /// # Errors
    /// The crypto library refuses.
    pub fn trusting_anybody() -> Result<Client, TlsError> {
        let wrong = |error: rustls::Error| TlsError::new("no client over TLS could be made", error);
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let config = builder.map_err(wrong)?.dangerous().with_custom_certificate_verifier(Arc::new(Anybody));
        let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
        Ok(Client { plain: connector.clone(), as_browser: connector })
    }

    /// Greets `host` over a connection. `as_browser`: as the harness's own browser, toward a provider.
    ///
    /// # Errors
    /// The other side speaks no TLS, or its certificate is not one to be trusted for that host.
    pub async fn connect(&self, host: &str, stream: TcpStream, as_browser: bool) -> io::Result<Stream> {
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(io::Error::other)?;
        let connector = if as_browser { &self.as_browser } else { &self.plain };
        Ok(Stream::Tls(Box::new(connector.connect(name, stream).await?)))
    }
}

/// Takes every certificate for a good one.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A connection to a server.
pub enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Over TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
