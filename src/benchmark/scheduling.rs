//! Asks the scheduler to run the measuring thread soon when it wakes.

/// How long the thread needs at a stretch, ns: the shortest that Linux grants. A thread that asks
/// for little at a time is let in before those that ask for more, and takes no larger share.
#[cfg(target_os = "linux")]
const SLICE_NS: u64 = 100_000;

/// Asks for short slices for the calling thread (Linux 6.12 and later; needs no privilege). On a
/// busy machine it then reads chunks before the next ones arrive and the kernel merges them under
/// one stamp. Elsewhere, and on older kernels, nothing changes.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub fn prefer_promptness() {
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: 0,
        sched_runtime: SLICE_NS,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the kernel only reads `size` bytes at the pointer, which is valid for the call; 0 is
    // the calling thread.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
}

/// Nothing to ask for here.
#[cfg(not(target_os = "linux"))]
pub fn prefer_promptness() {}
