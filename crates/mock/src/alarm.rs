//! The timer under the [pacer](super::pacer): a `timerfd` on Linux, whose deadlines are exact to
//! microseconds; tokio's own timer with its millisecond steps elsewhere.

#[cfg(not(target_os = "linux"))]
pub(super) use portable::Alarm;
#[cfg(target_os = "linux")]
pub(super) use timer_fd::Alarm;

#[cfg(target_os = "linux")]
mod timer_fd {
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, RawFd};
    use std::time::Duration;

    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use tokio::io::unix::AsyncFd;

    /// Rings once at the deadline it was last set to.
    pub(crate) struct Alarm(AsyncFd<Descriptor>);

    struct Descriptor(TimerFd);

    impl AsRawFd for Descriptor {
        fn as_raw_fd(&self) -> RawFd {
            self.0.as_fd().as_raw_fd()
        }
    }

    impl Alarm {
        /// # Errors
        /// When the system has no file descriptors left.
        #[expect(
            deprecated,
            reason = "its successor is `unsafe`; this descriptor stays open while it is registered"
        )]
        pub(crate) fn new() -> io::Result<Self> {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
            Ok(Self(AsyncFd::new(Descriptor(timer))?))
        }

        /// Rings at `deadline_ns` on `CLOCK_MONOTONIC`, at once if that is past; replaces what was set before.
        pub(crate) fn set(&self, deadline_ns: u64) {
            // Zero would disarm the timer.
            let deadline = TimeSpec::from_duration(Duration::from_nanos(deadline_ns.max(1)));
            let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME;
            if let Err(error) = self.0.get_ref().0.set(Expiration::OneShot(deadline), flags) {
                tracing::error!(%error, "the mock's timer could not be set");
            }
        }

        /// Waits until the alarm rings. May ring early; callers look at the clock.
        pub(crate) async fn ring(&self) -> io::Result<()> {
            let mut ready = self.0.readable().await?;
            // Reading resets the descriptor; that there was nothing to read is no error.
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

    /// Rings once at the deadline it was last set to.
    pub(crate) struct Alarm {
        deadline_ns: Cell<u64>,
        changed: Notify,
    }

    impl Alarm {
        /// # Errors
        /// Never; fallible because the Linux one is.
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self { deadline_ns: Cell::new(u64::MAX), changed: Notify::new() })
        }

        /// Rings at `deadline_ns` on `CLOCK_MONOTONIC`, at once if that is past; replaces what was set before.
        pub(crate) fn set(&self, deadline_ns: u64) {
            self.deadline_ns.set(deadline_ns);
            self.changed.notify_one();
        }

        /// Waits until the alarm rings. May ring early; callers look at the clock.
        pub(crate) async fn ring(&self) -> io::Result<()> {
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
