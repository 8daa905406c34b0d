//! How many threads work at a time.

use std::env;
use std::sync::OnceLock;
use std::thread;

/// Most worker threads; more would not make anything faster.
const MOST: usize = 8;

/// Number of worker threads: one for each core, at most 8, unless the environment variable `CIVIDB_THREADS`
/// gives another number.
/// Results are the same with any number.
pub fn count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let asked = env::var("CIVIDB_THREADS")
            .ok()
            .and_then(|text| text.parse().ok());
        asked
            .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
            .clamp(1, MOST)
    })
}
