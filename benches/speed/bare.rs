//! The limits: programs that do nothing but what cannot be left out. A bare hyper server, and one that signs.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What the bare server does for each request.
#[derive(Clone)]
pub enum Work {
    /// The same bytes each time.
    Constant(Bytes),
    /// One RS256 signature over a token of ordinary size.
    Rs256(Arc<RsaKeyPair>),
    /// One ES256 signature.
    Es256(Arc<EcdsaKeyPair>),
}

impl Work {
    pub fn rs256() -> Work {
        Work::Rs256(Arc::new(RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("a key can be made")))
    }

    pub fn es256() -> Work {
        let key = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key can be made");
        Work::Es256(Arc::new(key))
    }

    fn body(&self) -> Bytes {
        const CLAIMS: &[u8] = br#"{"iss":"http://localhost:9400","sub":"client","aud":"http://localhost:9400","exp":1795000000,"iat":1794996400,"jti":"0123456789abcdef0123456789abcdef","client_id":"client","scope":"openid"}"#;
        let random = SystemRandom::new();
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","typ":"at+jwt","kid":"0123456789abcdef"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(CLAIMS));
        let mac = match self {
            Work::Constant(bytes) => return bytes.clone(),
            Work::Rs256(key) => {
                let mut mac = vec![0; key.public_modulus_len()];
                key.sign(&signature::RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut mac).expect("a good key signs");
                mac
            }
            Work::Es256(key) => key.sign(&random, signed.as_bytes()).expect("a good key signs").as_ref().to_vec(),
        };
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac));
        Bytes::from(format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600}}"#))
    }
}

/// Serves on `address` in tasks of the present runtime; gives the address.
pub async fn serve(address: SocketAddr, work: Work) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let local = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let work = work.clone();
            tokio::spawn(async move {
                let service = service_fn(move |_request: Request<hyper::body::Incoming>| {
                    let body = work.body();
                    async move {
                        let response = Response::builder()
                            .header("content-type", "application/json")
                            .header("cache-control", "no-store")
                            .body(Full::new(body))
                            .expect("constant headers are valid");
                        Ok::<_, Infallible>(response)
                    }
                });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(local)
}
