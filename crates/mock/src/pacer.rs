//! Exact pacing for any number of streams from one timer.
//!
//! Runtime timers tick in milliseconds, which is too coarse for gaps of a few milliseconds. All streams put
//! their next deadline into one heap, and one [timer](super::timer) fires at the earliest. Deadlines are
//! absolute, so one late write does not delay the later ones.

use std::cell::RefCell;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::timer::Timer;
use endpoint::client::clock::monotonic_ns;

/// Wakes tasks at deadlines. Cheap to clone: all clones share one timer.
#[derive(Clone)]
pub(super) struct Pacer(Rc<Shared>);

struct Shared {
    timer: Timer,
    queue: RefCell<Queue>,
}

impl Pacer {
    /// Starts the timer's task on the current thread's local runtime.
    ///
    /// # Errors
    /// If the system cannot create a timer.
    pub(super) fn start() -> io::Result<Self> {
        let pacer = Self(Rc::new(Shared { timer: Timer::new()?, queue: RefCell::default() }));
        tokio::task::spawn_local(pacer.clone().drive());
        Ok(pacer)
    }

    /// Returns ready if `deadline_ns` (`CLOCK_MONOTONIC`) has passed; otherwise registers the task to be woken
    /// at it.
    pub(super) fn poll_until(&self, deadline_ns: u64, cx: &mut Context<'_>) -> Poll<()> {
        if monotonic_ns() >= deadline_ns {
            return Poll::Ready(());
        }
        let earliest = self.0.queue.borrow_mut().push(deadline_ns, cx.waker());
        if earliest {
            self.0.timer.set(deadline_ns);
        }
        Poll::Pending
    }

    /// Waits until `deadline_ns` (`CLOCK_MONOTONIC`).
    pub(super) async fn until(&self, deadline_ns: u64) {
        std::future::poll_fn(|cx| self.poll_until(deadline_ns, cx)).await;
    }

    async fn drive(self) {
        let mut due = Vec::new();
        while self.0.timer.expired().await.is_ok() {
            let next = self.0.queue.borrow_mut().take_due(monotonic_ns(), &mut due);
            if let Some(deadline_ns) = next {
                self.0.timer.set(deadline_ns);
            }
            due.drain(..).for_each(Waker::wake);
        }
    }
}

/// Wakers by deadline, earliest first; equal deadlines in the order of insertion.
#[derive(Default)]
struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    pushed: u64,
}

struct Entry {
    deadline_ns: u64,
    order: u64,
    waker: Waker,
}

impl Queue {
    /// Adds a deadline and returns whether it is now the earliest.
    fn push(&mut self, deadline_ns: u64, waker: &Waker) -> bool {
        let earliest = self.next().is_none_or(|next| deadline_ns < next);
        self.pushed += 1;
        self.heap.push(Reverse(Entry { deadline_ns, order: self.pushed, waker: waker.clone() }));
        earliest
    }

    /// Moves the wakers of all deadlines up to `now_ns` into `due` and returns the next deadline.
    fn take_due(&mut self, now_ns: u64, due: &mut Vec<Waker>) -> Option<u64> {
        while self.next().is_some_and(|next| next <= now_ns) {
            due.extend(self.heap.pop().map(|Reverse(entry)| entry.waker));
        }
        self.next()
    }

    fn next(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse(entry)| entry.deadline_ns)
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.deadline_ns, self.order).cmp(&(other.deadline_ns, other.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::task::Wake;

    use proptest::prelude::*;
    use tokio::runtime::{Builder, LocalOptions};

    use super::*;

    struct Bell {
        deadline_ns: u64,
        rung: Arc<Mutex<Vec<u64>>>,
    }

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.rung.lock().unwrap().push(self.deadline_ns);
        }
    }

    proptest! {
        #[test]
        fn wakes_each_deadline_once_and_in_order(
            deadlines in prop::collection::vec(0_u64..1_000, 0..200),
            now in 0_u64..1_000,
        ) {
            let rung = Arc::new(Mutex::new(Vec::new()));
            let mut queue = Queue::default();
            for &deadline_ns in &deadlines {
                let earlier = queue.next();
                let waker = Waker::from(Arc::new(Bell { deadline_ns, rung: rung.clone() }));
                let earliest = queue.push(deadline_ns, &waker);
                prop_assert_eq!(earliest, earlier.is_none_or(|next| deadline_ns < next));
            }
            let mut due = Vec::new();
            let next = queue.take_due(now, &mut due);
            due.into_iter().for_each(Waker::wake);

            let mut sorted = deadlines.clone();
            sorted.sort_unstable();
            let split = sorted.partition_point(|&deadline| deadline <= now);
            prop_assert_eq!(&*rung.lock().unwrap(), &sorted[..split]);
            prop_assert_eq!(next, sorted.get(split).copied());
        }
    }

    #[test]
    fn wakes_tasks_in_deadline_order_and_never_early() {
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
        runtime.block_on(async {
            let pacer = Pacer::start().unwrap();
            let start = monotonic_ns();
            let woken = Rc::new(RefCell::new(Vec::new()));
            let sleepers: Vec<_> = [3_000_000, 1_000_000, 2_000_000, 0]
                .into_iter()
                .map(|offset| {
                    let (pacer, woken) = (pacer.clone(), woken.clone());
                    tokio::task::spawn_local(async move {
                        pacer.until(start + offset).await;
                        assert!(monotonic_ns() >= start + offset);
                        woken.borrow_mut().push(offset);
                    })
                })
                .collect();
            for sleeper in sleepers {
                sleeper.await.unwrap();
            }
            assert_eq!(*woken.borrow(), [0, 1_000_000, 2_000_000, 3_000_000]);
        });
    }
}
