//! What this program is: for reports of bugs, and for whoever runs several.

use super::Error;
use crate::civicrm::catalogue::Catalogue;

/// What is compiled in.
const FEATURES: &str = "gzip, bzip2, zstd, xz and zip; TLS by rustls; accounts with mysql_native_password, \
caching_sha2_password, client_ed25519 and parsec";

/// The library that decodes gzip, which the feature `isal` chooses.
const INFLATE: &str = if cfg!(feature = "isal") {
    "ISA-L"
} else {
    "zlib-rs"
};

/// The lines of `--version --verbose`.
///
/// # Errors
/// The catalogue that is part of the program cannot be read.
pub(super) fn about() -> Result<String, Error> {
    let catalogue = Catalogue::embedded()?;
    let states = catalogue.states();
    let release = |state: Option<&crate::civicrm::catalogue::State>, of: fn(&_) -> &str| {
        state.map_or_else(String::new, |state| of(state).to_owned())
    };
    Ok(format!(
        "cividb {}\ncatalogue: CiviCRM {} to {}, {} schemas\nbuild: {}, gzip by {INFLATE}\nfeatures: {FEATURES}\n",
        env!("CARGO_PKG_VERSION"),
        release(states.first(), |state| state.first_release()),
        release(states.last(), |state| state.last_release()),
        states.len(),
        env!("CIVIDB_BUILD"),
    ))
}
