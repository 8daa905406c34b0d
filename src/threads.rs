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

/// Does two things, the other one by a thread of its own where there is one to spare.
pub fn both<A, B: Send>(one: impl FnOnce() -> A, other: impl Fn() -> B + Send + Sync) -> (A, B) {
    if count() == 1 {
        return (one(), other());
    }
    thread::scope(|scope| {
        let started = thread::Builder::new().spawn_scoped(scope, &other);
        let one = one();
        let other = match started.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(other)) => other,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => other(),
        };
        (one, other)
    })
}

#[cfg(test)]
mod tests {
    use super::{both, in_parallel};

    #[test]
    fn both_things_are_done() {
        let (mut one, other) = (0, std::sync::atomic::AtomicUsize::new(0));
        let add = || other.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(both(|| one += 1, add), ((), 0));
        assert_eq!((one, other.into_inner()), (1, 1));
    }

    #[test]
    fn results_keep_the_order_of_the_items() {
        for count in [0, 1, 2, 3, 17] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(in_parallel(&items, |item| *item), items);
        }
    }
}
