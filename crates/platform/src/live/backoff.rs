//! How long a tab waits before it tries to connect again.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// The pause before `attempt` (1, 2, …): doubling from one second to thirty, of which `chance` (0 to 1)
/// takes up to a half away. A server that comes back is not met by all tabs at once.
pub fn pause(attempt: u32, chance: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(8);
    let whole = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    whole.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds: Vec<u64> = (1..=8).map(|attempt| pause(attempt, 0.0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(pause(u32::MAX, 0.0), LONGEST);
    }

    #[test]
    fn chance_takes_up_to_a_half_away() {
        assert_eq!(pause(3, 1.0), Duration::from_secs(2));
        assert_eq!(pause(3, 0.5), Duration::from_secs(3));
        assert_eq!(pause(3, 7.0), Duration::from_secs(2));
    }
}
