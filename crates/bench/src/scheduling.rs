//! Asks the scheduler to run the measuring thread soon when it wakes.

/// Requested time slice, ns: the shortest that Linux allows. A thread with a short slice is scheduled earlier
/// than others and gets no larger share of the CPU.
#[cfg(target_os = "linux")]
const SLICE_NS: u64 = 100_000;

/// How far the thread's nice value is lowered, if the process has the privilege.
#[cfg(target_os = "linux")]
const NICER: i32 = 10;

/// Asks for short slices (Linux 6.12 and later) and, where the process has the privilege, for
/// precedence, for the calling thread. On a busy machine it then reads chunks before the next ones
/// arrive and the kernel merges them under one stamp. Elsewhere nothing changes.
#[cfg(target_os = "linux")]
pub fn prefer_promptness() {
    let nice = current_nice();
    let _ = ask(nice - NICER).or_else(|_not_privileged| ask(nice));
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn current_nice() -> i32 {
    // SAFETY: takes and returns plain integers; 0 is the calling thread.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn ask(nice: i32) -> nix::Result<()> {
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: nice.max(-20),
        sched_priority: 0,
        sched_runtime: SLICE_NS,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the kernel only reads `size` bytes at the pointer, which is valid for the call; 0 is
    // the calling thread.
    let answer = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    nix::errno::Errno::result(answer).map(drop)
}

/// Does nothing on other systems.
#[cfg(not(target_os = "linux"))]
pub fn prefer_promptness() {}
