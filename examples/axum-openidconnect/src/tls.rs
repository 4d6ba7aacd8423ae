//! The site over https, where `TLS_CERT` and `TLS_KEY` name files in PEM: tokio-rustls below axum, as a listener of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::Failure;

/// Whoever does not finish the handshake by then is left.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Connections whose handshake is done.
pub struct Https {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Https {
    /// Over a listener, with the certificate and the key of these files.
    pub fn over(mut listener: TcpListener, certificate: &str, key: &str) -> Result<Https, Failure> {
        let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(key)?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
        let (acceptor, address) = (TlsAcceptor::from(Arc::new(config)), listener.local_addr()?);
        let (tell, ready) = mpsc::channel(64);
        tokio::spawn(async move {
            while !tell.is_closed() {
                // axum's own way waits where the system has no more files.
                let (stream, from) = Listener::accept(&mut listener).await;
                let (acceptor, tell) = (acceptor.clone(), tell.clone());
                // One that is slow keeps nobody else waiting.
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        let _ = tell.send((stream, from)).await;
                    }
                });
            }
        });
        Ok(Https { ready, address })
    }
}

impl Listener for Https {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(next) => next,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
