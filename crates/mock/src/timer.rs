//! The timer under the [pacer](super::pacer): a `timerfd` on Linux, whose deadlines are exact to
//! microseconds; tokio's own timer with its millisecond steps elsewhere.

#[cfg(not(target_os = "linux"))]
pub(super) use portable::Timer;
#[cfg(target_os = "linux")]
pub(super) use timer_fd::Timer;

#[cfg(target_os = "linux")]
mod timer_fd {
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, RawFd};
    use std::time::Duration;

    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use tokio::io::unix::AsyncFd;

    /// A timer for one deadline.
    pub(crate) struct Timer(AsyncFd<Descriptor>);

    struct Descriptor(TimerFd);

    impl AsRawFd for Descriptor {
        fn as_raw_fd(&self) -> RawFd {
            self.0.as_fd().as_raw_fd()
        }
    }

    impl Timer {
        /// # Errors
        /// If no file descriptors are left.
        #[expect(
            deprecated,
            reason = "its successor is `unsafe`; this descriptor stays open while it is registered"
        )]
        pub(crate) fn new() -> io::Result<Self> {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
            Ok(Self(AsyncFd::new(Descriptor(timer))?))
        }

        /// Sets the deadline, in nanoseconds of `CLOCK_MONOTONIC`, and replaces the previous one. A past
        /// deadline fires immediately.
        pub(crate) fn set(&self, deadline_ns: u64) {
            // Zero would disarm the timer.
            let deadline = TimeSpec::from_duration(Duration::from_nanos(deadline_ns.max(1)));
            let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME;
            if let Err(error) = self.0.get_ref().0.set(Expiration::OneShot(deadline), flags) {
                tracing::error!(%error, "the mock's timer could not be set");
            }
        }

        /// Waits until the timer fires. It may fire early, so callers check the clock.
        pub(crate) async fn expired(&self) -> io::Result<()> {
            let mut ready = self.0.readable().await?;
            // Reading resets the descriptor. Having nothing to read is not an error.
            let _ = ready.get_inner().0.wait();
            ready.clear_ready();
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use std::cell::Cell;
    use std::io;
    use std::time::Duration;

    use tokio::sync::Notify;

    use endpoint::client::clock::monotonic_ns;

    /// A timer for one deadline.
    pub(crate) struct Timer {
        deadline_ns: Cell<u64>,
        changed: Notify,
    }

    impl Timer {
        /// # Errors
        /// Never. Fallible because the Linux version is.
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self { deadline_ns: Cell::new(u64::MAX), changed: Notify::new() })
        }

        /// Sets the deadline, in nanoseconds of `CLOCK_MONOTONIC`, and replaces the previous one. A past
        /// deadline fires immediately.
        pub(crate) fn set(&self, deadline_ns: u64) {
            self.deadline_ns.set(deadline_ns);
            self.changed.notify_one();
        }

        /// Waits until the timer fires. It may fire early, so callers check the clock.
        pub(crate) async fn expired(&self) -> io::Result<()> {
            let deadline_ns = self.deadline_ns.get();
            if deadline_ns == u64::MAX {
                self.changed.notified().await;
                return Ok(());
            }
            let rest = Duration::from_nanos(deadline_ns.saturating_sub(monotonic_ns()));
            tokio::select! {
                () = tokio::time::sleep(rest) => self.deadline_ns.set(u64::MAX),
                () = self.changed.notified() => {}
            }
            Ok(())
        }
    }
}
