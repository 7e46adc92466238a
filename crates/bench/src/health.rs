//! Condition of the measuring client: lateness of its reads, CPU time and memory.

use nix::{
    sys::resource::{UsageWho, getrusage},
    time::{ClockId, clock_gettime},
};

use super::{
    run::Measured,
    types::{ClientHealth, Clock},
};
use endpoint::client::clock::monotonic_ns;
use stats::Accumulator;

/// From this lateness on the kernel may merge neighbouring chunks under one stamp.
const LATE_MS: f64 = 5.0;
/// Share of time above which a busy measuring thread delays its sends and reads.
const BUSY: f64 = 0.85;

/// A monitor of the client's condition; used on the measuring thread.
#[derive(Debug)]
pub struct HealthMonitor {
    started_ns: u64,
    process_cpu_s: f64,
    thread_cpu_s: f64,
    lateness_ms: Accumulator,
    user_clock_runs: u64,
    output_tokens: u64,
}

impl HealthMonitor {
    /// Starts monitoring; call it on the measuring thread.
    pub fn start() -> Self {
        Self {
            started_ns: monotonic_ns(),
            process_cpu_s: process_cpu_s(),
            thread_cpu_s: thread_cpu_s(),
            lateness_ms: Accumulator::default(),
            user_clock_runs: 0,
            output_tokens: 0,
        }
    }

    /// Adds the lateness, clock and tokens of one run.
    pub fn push(&mut self, measured: &Measured) {
        measured.lateness_us.iter().for_each(|&us| self.lateness_ms.push(f64::from(us) / 1e3));
        self.user_clock_runs += u64::from(measured.run.success && measured.run.clock == Clock::User);
        self.output_tokens += measured.run.output_tokens.unwrap_or(0);
    }

    /// Returns the condition so far; call it on the measuring thread.
    pub fn health(&self) -> ClientHealth {
        let lateness = self.lateness_ms.summary();
        let wall_s = monotonic_ns().saturating_sub(self.started_ns) as f64 / 1e9;
        let busy = (thread_cpu_s() - self.thread_cpu_s) / wall_s.max(1e-9);
        let cpu_s = process_cpu_s() - self.process_cpu_s;
        ClientHealth {
            clock: if lateness.is_some() && self.user_clock_runs == 0 { Clock::Kernel } else { Clock::User },
            lateness_p50_ms: lateness.map(|lateness| lateness.p50),
            lateness_p99_ms: lateness.map(|lateness| lateness.p99),
            lateness_max_ms: lateness.map(|lateness| lateness.max),
            cpu_s,
            cpu_us_per_token: (self.output_tokens > 0).then(|| cpu_s * 1e6 / self.output_tokens as f64),
            peak_rss_mb: peak_rss_mb(),
            warning: warning(busy, lateness.map(|lateness| lateness.p99)),
        }
    }
}

fn warning(busy: f64, lateness_p99_ms: Option<f64>) -> Option<String> {
    if busy > BUSY {
        return Some(format!(
            "this client was busy {:.0} % of the time: the endpoint may be faster than shown; use fewer streams or a faster machine",
            busy * 100.0
        ));
    }
    let late = lateness_p99_ms.filter(|&p99| p99 > LATE_MS)?;
    Some(format!(
        "this machine saw 1 % of the chunks {late:.1} ms or more after they had arrived: gaps between chunks may be blurred; \
         stop other work on it"
    ))
}

fn process_cpu_s() -> f64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0.0, |usage| {
        let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        seconds(usage.user_time()) + seconds(usage.system_time())
    })
}

#[cfg(target_os = "linux")]
fn thread_cpu_s() -> f64 {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .map_or(0.0, |time| time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
}

#[cfg(not(target_os = "linux"))]
fn thread_cpu_s() -> f64 {
    process_cpu_s()
}

/// Returns `VmHWM`: unlike `ru_maxrss` it does not include the parent process before `exec`.
#[cfg(target_os = "linux")]
fn peak_rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak_kb = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    peak_kb.unwrap_or(0.0) / 1024.0
}

/// Returns `ru_maxrss`, which macOS gives in bytes and the BSDs in KiB.
#[cfg(not(target_os = "linux"))]
fn peak_rss_mb() -> f64 {
    const PER_MB: f64 = if cfg!(target_os = "macos") { 1024.0 * 1024.0 } else { 1024.0 };
    getrusage(UsageWho::RUSAGE_SELF).map_or(0.0, |usage| usage.max_rss() as f64 / PER_MB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calm_client_warns_of_nothing() {
        assert_eq!(warning(0.3, Some(0.4)), None);
        assert_eq!(warning(0.3, None), None);
    }

    #[test]
    fn a_busy_or_late_client_says_so() {
        assert!(warning(0.97, Some(0.1)).is_some_and(|text| text.contains("97 %")));
        assert!(warning(0.2, Some(12.0)).is_some_and(|text| text.contains("12.0 ms")));
    }
}
