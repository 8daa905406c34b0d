//! The certificate authorities that are trusted: those of `--ssl-ca` alone, where it is given.
//!
//! The library always trusts the authorities of the web besides, and does not compare host names with
//! `--ssl-mode verify-ca`: whoever has a certificate for any name at all could then stand for the server. What
//! checks the signatures of certificates is chosen by the program, though, and here it takes none that an
//! authority of the web has made, while only others are trusted.

use std::cell::RefCell;
use std::sync::OnceLock;

use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use webpki_roots::TLS_SERVER_ROOTS;

thread_local! {
    /// The certificates of the authorities that alone are trusted by this thread; `None` where those of the web
    /// are as well.
    static ONLY: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Connects by `connect`, which trusts no authority of the web where the certificates of others are given. These are
/// as they stand in a file, PEM or DER.
pub(super) fn trusting<T>(only: Option<Vec<u8>>, connect: impl FnOnce() -> T) -> T {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // Another one that is installed already was installed by whoever uses this as a library.
        let _ = provider().install_default();
    });
    let only = only.map(|certificates| decoded(&certificates));
    let before = ONLY.replace(only);
    let result = connect();
    ONLY.set(before);
    result
}

/// The certificates of a PEM file as they are in binary, one behind the other; what is not PEM is left as it is.
fn decoded(file: &[u8]) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject;
    let certificates = rustls::pki_types::CertificateDer::pem_slice_iter(file);
    let binary: Vec<u8> = certificates.flatten().flat_map(|it| it.to_vec()).collect();
    match binary.is_empty() {
        true => file.to_vec(),
        false => binary,
    }
}

/// The usual provider, whose algorithms are each asked by a [`Guarded`] one.
fn provider() -> CryptoProvider {
    let usual = ring::default_provider();
    let guarded = |algorithm: &'static dyn SignatureVerificationAlgorithm| {
        let guarded: &'static dyn SignatureVerificationAlgorithm =
            Box::leak(Box::new(Guarded(algorithm)));
        guarded
    };
    let all = usual.signature_verification_algorithms.all.iter();
    let all: Vec<_> = all.map(|algorithm| guarded(*algorithm)).collect();
    // Signatures of the connection itself are made by the server's own key.
    let mapping = usual.signature_verification_algorithms.mapping;
    CryptoProvider {
        signature_verification_algorithms: WebPkiSupportedAlgorithms {
            all: Vec::leak(all),
            mapping,
        },
        ..usual
    }
}

/// An algorithm that takes no signature of an authority that is not trusted.
#[derive(Debug)]
struct Guarded(&'static dyn SignatureVerificationAlgorithm);

impl SignatureVerificationAlgorithm for Guarded {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let is_refused = ONLY.with_borrow(|only| {
            only.as_ref()
                .is_some_and(|only| is_of_web(public_key) && !holds(only, public_key))
        });
        if is_refused {
            return Err(InvalidSignature);
        }
        self.0.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

/// Whether a key is that of an authority of the web.
fn is_of_web(public_key: &[u8]) -> bool {
    let mut roots = TLS_SERVER_ROOTS.iter();
    roots.any(|root| root.subject_public_key_info.ends_with(public_key))
}

fn holds(certificates: &[u8], public_key: &[u8]) -> bool {
    memchr::memmem::find(certificates, public_key).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes everything.
    #[derive(Debug)]
    struct Yes;

    impl SignatureVerificationAlgorithm for Yes {
        fn verify_signature(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), InvalidSignature> {
            Ok(())
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            AlgorithmIdentifier::from_slice(&[])
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            AlgorithmIdentifier::from_slice(&[])
        }
    }

    #[test]
    fn no_authority_of_the_web_is_trusted_where_another_one_is_named() {
        let takes = |key: &[u8]| Guarded(&Yes).verify_signature(key, b"", b"").is_ok();
        for root in TLS_SERVER_ROOTS {
            // The key stands at the end of what says what kind of key it is.
            let information = &root.subject_public_key_info;
            let key = &information[information.len() - 60..];
            assert!(trusting(None, || takes(key)));
            assert!(!trusting(Some(b"another certificate".to_vec()), || takes(
                key
            )));
            // The user may name one of the web.
            assert!(trusting(Some(information.to_vec()), || takes(key)));
        }
        assert!(trusting(Some(b"another certificate".to_vec()), || takes(
            &[7; 60]
        )));
        assert_eq!(
            provider().signature_verification_algorithms.all.len(),
            ring::default_provider()
                .signature_verification_algorithms
                .all
                .len()
        );
    }

    #[test]
    fn certificates_are_read_from_pem() {
        let pem = b"-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n\n\
            -----BEGIN CERTIFICATE-----\nBAU=\n-----END CERTIFICATE-----\n";
        assert_eq!(decoded(pem), [1, 2, 3, 4, 5]);
        assert_eq!(decoded(&[0x30, 0x82]), [0x30, 0x82]);
    }
}
