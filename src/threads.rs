//! How many threads work at a time, and work that is shared among them.

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

/// Applies `work` to each item, shared among threads; the results keep the order of the items. What the system starts no
/// thread for is done by this one.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = items.len().div_ceil(count()).max(1);
    let mut shares = items.chunks(share);
    let first = shares.next().unwrap_or_default();
    let run = |share: &[T]| share.iter().map(&work).collect::<Vec<R>>();
    thread::scope(|scope| {
        let start = |share| thread::Builder::new().spawn_scoped(scope, move || run(share));
        let others: Vec<_> = shares.map(|share| (share, start(share))).collect();
        let mut results = run(first);
        for (share, started) in others {
            results.extend(match started.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(more)) => more,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => run(share),
            });
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::in_parallel;

    #[test]
    fn results_keep_the_order_of_the_items() {
        for count in [0, 1, 2, 3, 17] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(in_parallel(&items, |item| *item), items);
        }
    }
}
