//! What happens when a signal is to end the program: it goes on to a good place first, or removes what is not whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Notes the first signal that would end the program, so that a server can be ended first, or a database cleared; the
/// second ends it at once.
pub(super) fn listen() -> Arc<AtomicUsize> {
    let signal = Arc::<AtomicUsize>::default();
    let is_second = Arc::<AtomicBool>::default();
    for number in ending() {
        // In this order: the first signal finds the flag unset and sets it. Where a handler cannot be set, the signal
        // ends the program, and the server ends with it.
        let _ = flag::register_conditional_default(number, Arc::clone(&is_second));
        let _ = flag::register(number, Arc::clone(&is_second));
        let _ = flag::register_usize(
            number,
            Arc::clone(&signal),
            usize::try_from(number).unwrap_or_default(),
        );
    }
    signal
}

/// The signals that end the program, without those that it was started to ignore, as `nohup` does.
fn ending() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default();
    let all = [SIGHUP, SIGINT, SIGTERM].into_iter();
    all.filter(|signal| ignored >> (signal - 1) & 1 == 0)
        .collect()
}

/// Makes a file that is removed when a signal ends the program, as it ends it without this; `path` tells where the file
/// is. Where the system does not allow to listen, it stays.
///
/// # Errors
/// It cannot be made.
pub(super) fn make_removable<T>(
    make: impl FnOnce() -> io::Result<T>,
    path: impl FnOnce(&T) -> Option<&Path>,
) -> io::Result<T> {
    let place = Arc::new(Mutex::new(None::<PathBuf>));
    // A signal waits until it is known where the file is.
    let mut known = place.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(mut signals) = Signals::new(ending()) {
        let place = Arc::clone(&place);
        // In a thread of its own, because the main one may wait for a pipe.
        std::thread::spawn(move || {
            for signal in signals.forever() {
                let place = place.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(path) = &*place {
                    let _ = fs::remove_file(path);
                }
                let _ = emulate_default_handler(signal);
            }
        });
    }
    let made = make()?;
    *known = path(&made).map(Path::to_owned);
    Ok(made)
}
