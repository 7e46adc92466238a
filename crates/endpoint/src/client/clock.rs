//! Clocks: monotonic nanoseconds, and kernel wall-clock stamps turned into them.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`, comparable between processes of one machine.
pub fn monotonic_ns() -> u64 {
    now(ClockId::CLOCK_MONOTONIC)
}

/// Unix milliseconds UTC.
pub fn unix_ms() -> i64 {
    (realtime_ns() / 1_000_000) as i64
}

fn realtime_ns() -> u64 {
    now(ClockId::CLOCK_REALTIME)
}

fn now(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |t| t.tv_sec() as u64 * 1_000_000_000 + t.tv_nsec() as u64)
}

/// Two clock readings that lie further apart than this were interrupted and tell no offset.
const TIGHT_NS: u64 = 10_000;
/// A larger change of the offset between two reads is a clock step, not slewing.
const STEP_NS: u64 = 1_000_000;

/// Turns wall-clock stamps into monotonic time. The offset between the clocks is sampled at every
/// stamp, so a step of the wall clock spoils at most the stamp it falls upon, and that one is
/// noticed.
#[derive(Debug, Default)]
pub struct WallOffset {
    offset_ns: Option<u64>,
}

impl WallOffset {
    /// The monotonic time of `wall_ns`, and that of this call. The first is `None` when the wall clock was
    /// stepped since the last call or the stamp lies in the future: in either case it cannot be trusted.
    pub fn monotonic(&mut self, wall_ns: u64) -> (Option<u64>, u64) {
        let before = monotonic_ns();
        let wall = realtime_ns();
        let after = monotonic_ns();
        (self.at(wall_ns, before, wall, after), after)
    }

    fn at(&mut self, stamp: u64, before: u64, wall: u64, after: u64) -> Option<u64> {
        let known = self.offset_ns;
        let tight = after.saturating_sub(before) <= TIGHT_NS;
        if tight || known.is_none() {
            self.offset_ns = Some(wall.wrapping_sub(before + (after - before) / 2));
        }
        let offset = self.offset_ns?;
        let stepped = known.is_some_and(|known| tight && known.abs_diff(offset) > STEP_NS);
        let arrival = stamp.checked_sub(offset)?;
        // The offset is only as exact as its sample: what came in just now may seem to come later.
        (!stepped && arrival <= after + TIGHT_NS).then_some(arrival.min(after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFSET: u64 = 1_700_000_000_000_000_000;

    fn read(clock: &mut WallOffset, stamp: u64, mono: u64, offset: u64) -> Option<u64> {
        clock.at(stamp, mono, mono + offset, mono)
    }

    #[test]
    fn a_stamp_becomes_monotonic_time() {
        let mut clock = WallOffset::default();
        assert_eq!(read(&mut clock, OFFSET + 900, 1_000, OFFSET), Some(900));
    }

    #[test]
    fn an_interrupted_sample_does_not_move_the_offset() {
        let mut clock = WallOffset::default();
        read(&mut clock, OFFSET, 1_000, OFFSET);
        let late = clock.at(OFFSET + 5_000_000, 6_000_000, OFFSET + 9_000_000, 9_000_000);
        assert_eq!(late, Some(5_000_000));
    }

    #[test]
    fn a_clock_step_spoils_one_stamp_only() {
        let mut clock = WallOffset::default();
        let stepped = OFFSET - 3_600_000_000_000;
        assert_eq!(read(&mut clock, OFFSET + 10, 20, OFFSET), Some(10));
        assert_eq!(read(&mut clock, OFFSET + 30, 40, stepped), None);
        assert_eq!(read(&mut clock, stepped + 50, 60, stepped), Some(50));
    }

    #[test]
    fn a_stamp_from_the_future_is_not_trusted() {
        let mut clock = WallOffset::default();
        assert_eq!(read(&mut clock, OFFSET + 90_000, 20, OFFSET), None);
    }

    #[test]
    fn what_came_in_just_now_came_in_now_at_the_latest() {
        let mut clock = WallOffset::default();
        assert_eq!(read(&mut clock, OFFSET + 1_500, 1_000, OFFSET), Some(1_000));
    }
}
