//! Works on many pieces with a few threads, and hands on the answers in the order of the pieces.
//!
//! Each piece gets one answer, whatever happens: work that takes too long, or that a defect ends, is answered in its
//! place. Answers that came before their turn wait, and when many bytes of them wait no further piece is begun, so that
//! memory does not grow with the number of pieces.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::deadline;

/// The most bytes of answers that wait for their turn before no further piece is begun.
const MOST_WAITING: usize = 16 << 20;

/// The stack of a thread: as much as the first one of a program has.
const STACK: usize = 8 << 20;

/// How long to wait before looking again whether anything is late.
const A_WHILE: Duration = Duration::from_millis(100);

/// How pieces are worked on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many threads work at a time; at least one does.
    pub jobs: usize,
    /// How long the answer to one piece may take, from when it is begun.
    pub deadline: Option<Duration>,
}

/// Why a piece has no answer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// It was not there in time.
    Late,
    /// A defect of the program ended the work on it.
    Defect,
    /// The run was ended before its turn.
    Ended,
}

/// Works on pieces.
pub trait Work: Send + Sync + 'static {
    /// What comes of a piece.
    type Answer: Send + 'static;

    /// Works on the piece of this number.
    fn work(&self, piece: usize) -> Self::Answer;

    /// The answer in the place of one that does not come.
    fn missed(&self, piece: usize, why: Missed) -> Self::Answer;

    /// What an answer takes in memory, in bytes.
    fn size(answer: &Self::Answer) -> usize;
}

/// What the threads share.
struct State<A> {
    /// The piece that is begun next.
    next: usize,
    /// The piece whose answer is handed on next.
    turn: usize,
    /// The pieces that are worked on, and when each was begun.
    begun: BTreeMap<usize, Instant>,
    /// Answers before their turn.
    waiting: BTreeMap<usize, A>,
    /// What they take in memory.
    bytes: usize,
    /// No further piece is begun.
    is_over: bool,
}

struct Shared<W: Work> {
    work: W,
    pieces: usize,
    limits: Limits,
    state: Mutex<State<W::Answer>>,
    /// Told of each answer.
    answered: Condvar,
    /// Told when a piece can be begun.
    room: Condvar,
}

/// Works on the pieces 0 to `pieces`, and hands each answer to `take`, in order, on this thread. When `take` breaks, the
/// pieces behind are answered as [`Missed::Ended`]. A thread whose answer is late is left alone and replaced; it ends when it
/// notices, or with the program.
///
/// # Errors
/// The error of `take`, with which everything ends.
pub fn run<W: Work, E>(
    work: W,
    pieces: usize,
    limits: Limits,
    take: &mut dyn FnMut(usize, W::Answer) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let state = State {
        next: 0,
        turn: 0,
        begun: BTreeMap::new(),
        waiting: BTreeMap::new(),
        bytes: 0,
        is_over: false,
    };
    let shared = Arc::new(Shared {
        work,
        pieces,
        limits,
        state: Mutex::new(state),
        answered: Condvar::new(),
        room: Condvar::new(),
    });
    // One after the other takes no thread: nothing of the next source is said before the report on this one is printed.
    let is_alone = limits.jobs <= 1 && limits.deadline.is_none();
    let threads = match is_alone {
        true => 0,
        false => limits.jobs.clamp(1, pieces.max(1)),
    };
    let started = (0..threads).filter(|_| start(&shared)).count();
    let mut is_over = false;
    let mut result = Ok(());
    for piece in 0..pieces {
        let answer = match is_over {
            true => shared.work.missed(piece, Missed::Ended),
            false if started == 0 => shared.work_on(piece),
            false => Shared::answer(&shared, piece),
        };
        match take(piece, answer) {
            Ok(flow) => is_over |= flow.is_break(),
            Err(error) => {
                result = Err(error);
                break;
            }
        }
        if is_over {
            shared.end();
        }
    }
    shared.end();
    result
}

/// Starts a thread that works on pieces until there are none; `false` where the system gives none.
fn start<W: Work>(shared: &Arc<Shared<W>>) -> bool {
    let shared = Arc::clone(shared);
    let thread = thread::Builder::new().stack_size(STACK);
    thread.spawn(move || shared.work_on_all()).is_ok()
}

impl<W: Work> Shared<W> {
    /// The state, also where a defect ended a thread that held it: no step leaves it half done.
    fn state(&self) -> MutexGuard<'_, State<W::Answer>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins no further piece.
    fn end(&self) {
        self.state().is_over = true;
        self.room.notify_all();
    }

    /// Works on pieces as long as there are any, and as long as nobody has answered in its place.
    fn work_on_all(&self) {
        while let Some(piece) = self.begin() {
            let answer = self.work_on(piece);
            let mut state = self.state();
            if state.begun.remove(&piece).is_none() {
                return;
            }
            state.keep(piece, answer, W::size);
            self.answered.notify_all();
        }
    }

    /// The next piece, once there is room for its answer.
    fn begin(&self) -> Option<usize> {
        let mut state = self.state();
        loop {
            if state.is_over || state.next >= self.pieces {
                return None;
            }
            if state.next == state.turn || state.bytes < MOST_WAITING {
                break;
            }
            state = (self.room.wait(state)).unwrap_or_else(PoisonError::into_inner);
        }
        let piece = state.next;
        state.next += 1;
        let now = Instant::now();
        state.begun.insert(piece, now);
        deadline::set(self.limits.deadline.map(|most| now + most));
        Some(piece)
    }

    /// Works on one piece; a defect does not keep the others from being worked on.
    fn work_on(&self, piece: usize) -> W::Answer {
        match catch_unwind(AssertUnwindSafe(|| self.work.work(piece))) {
            Ok(answer) => answer,
            Err(cause) if deadline::is_late(&*cause) => self.work.missed(piece, Missed::Late),
            Err(_) => self.work.missed(piece, Missed::Defect),
        }
    }

    /// The answer to the piece whose turn it is, once it is there. Answers in the place of those that are late.
    fn answer(shared: &Arc<Self>, piece: usize) -> W::Answer {
        let mut state = shared.state();
        loop {
            if let Some(answer) = state.waiting.remove(&piece) {
                state.bytes -= W::size(&answer).min(state.bytes);
                state.turn = piece + 1;
                shared.room.notify_all();
                return answer;
            }
            let now = Instant::now();
            let mut first = None;
            if let Some(most) = shared.limits.deadline {
                let late: Vec<usize> = (state.begun.iter())
                    .filter(|(_, begun)| now >= **begun + most)
                    .map(|(piece, _)| *piece)
                    .collect();
                for piece in &late {
                    state.begun.remove(piece);
                    let answer = shared.work.missed(*piece, Missed::Late);
                    state.keep(*piece, answer, W::size);
                    start(shared);
                }
                if !late.is_empty() {
                    continue;
                }
                first = state.begun.values().min().map(|begun| *begun + most);
            }
            // A deadline is set when a piece is begun, so that nobody has to be told of a new one.
            let patience = first.map_or(A_WHILE, |first| (first - now).min(A_WHILE));
            let waited = shared.answered.wait_timeout(state, patience);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<A> State<A> {
    /// Keeps an answer until its turn.
    fn keep(&mut self, piece: usize, answer: A, size: fn(&A) -> usize) {
        self.bytes += size(&answer);
        self.waiting.insert(piece, answer);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::panic::resume_unwind;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers with the number of the piece, each in its own way.
    struct Numbers(fn(usize) -> Option<usize>);

    impl Work for Numbers {
        type Answer = Result<usize, Missed>;

        fn work(&self, piece: usize) -> Self::Answer {
            Ok((self.0)(piece).unwrap_or_else(|| resume_unwind(Box::new("a defect"))))
        }

        fn missed(&self, _: usize, why: Missed) -> Self::Answer {
            Err(why)
        }

        fn size(_: &Self::Answer) -> usize {
            1 << 20
        }
    }

    fn answers(
        work: fn(usize) -> Option<usize>,
        pieces: usize,
        jobs: usize,
        deadline: Option<Duration>,
    ) -> Vec<Result<usize, Missed>> {
        let mut all = Vec::new();
        let limits = Limits { jobs, deadline };
        let ended = run::<_, Infallible>(Numbers(work), pieces, limits, &mut |piece, answer| {
            assert_eq!(piece, all.len());
            all.push(answer);
            Ok(ControlFlow::Continue(()))
        });
        assert!(ended.is_ok());
        all
    }

    #[test]
    fn answers_come_in_order_with_any_number_of_threads() {
        let expected: Vec<_> = (0..200).map(Ok).collect();
        for jobs in [0, 1, 2, 7, 300] {
            let uneven = |piece: usize| {
                thread::sleep(Duration::from_micros((piece as u64 * 7919) % 300));
                Some(piece)
            };
            assert_eq!(answers(uneven, 200, jobs, None), expected, "{jobs}");
        }
        assert!(answers(Some, 0, 3, None).is_empty());
    }

    #[test]
    fn what_waits_for_its_turn_has_bounds() {
        static DONE: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let work = |piece: usize| {
            if piece == 0 {
                thread::sleep(Duration::from_millis(200));
                MOST.store(DONE.load(Ordering::SeqCst), Ordering::SeqCst);
            }
            DONE.fetch_add(1, Ordering::SeqCst);
            Some(piece)
        };
        assert_eq!(answers(work, 100, 4, None).len(), 100);
        // An answer takes a MiB, and each of the other threads may have begun one.
        let most = MOST.load(Ordering::SeqCst);
        assert!((16..=19).contains(&most), "{most}");
    }

    #[test]
    fn a_defect_and_one_that_hangs_have_an_answer_and_stop_no_other() {
        let deadline = Some(Duration::from_millis(400));
        let work = |piece: usize| {
            match piece {
                // It notices that it is late, and one that never does.
                1 | 4 => loop {
                    thread::sleep(Duration::from_millis(5));
                    if piece == 1 {
                        deadline::keep();
                    }
                },
                2 => None,
                _ => Some(piece),
            }
        };
        let late = Err(Missed::Late);
        let expected = [Ok(0), late, Err(Missed::Defect), Ok(3), late, Ok(5)];
        for jobs in [1, 2, 6] {
            assert_eq!(answers(work, 6, jobs, deadline), expected, "{jobs}");
        }
        let no_defect_stops = answers(|piece| (piece != 2).then_some(piece), 4, 1, None);
        assert_eq!(no_defect_stops[2..], [Err(Missed::Defect), Ok(3)]);
    }

    #[test]
    fn a_run_that_is_ended_answers_all_the_same() {
        for jobs in [1, 3] {
            let mut all = Vec::new();
            let limits = Limits {
                jobs,
                deadline: None,
            };
            let _ = run::<_, Infallible>(Numbers(Some), 9, limits, &mut |piece, answer| {
                all.push(answer);
                Ok(match piece {
                    2 => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                })
            });
            let ended = Err(Missed::Ended);
            let expected = [
                Ok(0),
                Ok(1),
                Ok(2),
                ended,
                ended,
                ended,
                ended,
                ended,
                ended,
            ];
            assert_eq!(all, expected, "{jobs}");
        }
    }

    #[test]
    fn an_error_ends_everything() {
        let limits = Limits {
            jobs: 2,
            deadline: None,
        };
        let result = run(Numbers(Some), 9, limits, &mut |piece, _| match piece {
            3 => Err("no more room"),
            _ => Ok(ControlFlow::Continue(())),
        });
        assert_eq!(result, Err("no more room"));
    }
}
