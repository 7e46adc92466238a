//! Formatting of numbers, the same on all pages.

/// Shown in place of an unknown number.
pub const UNKNOWN: &str = "–";

/// Formats a token count in thousands or millions: `8.2K`, `128K`, `1.05M`.
pub fn tokens(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..10_000 => format!("{}K", trimmed(count as f64 / 1e3, 1)),
        10_000..999_500 => format!("{:.0}K", count as f64 / 1e3),
        _ => format!("{}M", trimmed(count as f64 / 1e6, 2)),
    }
}

/// Formats US dollars with as many digits as small prices need, at least cents: `$15.00`, `$0.075`.
pub fn usd(amount: f64) -> String {
    let decimals = if amount == 0.0 || amount >= 1.0 { 2 } else { 4 };
    let text = format!("{amount:.decimals$}");
    let cents = text.find('.').map_or(text.len(), |point| point + 3);
    let kept = text.trim_end_matches('0').len().max(cents);
    format!("${}", text.get(..kept).unwrap_or(&text))
}

/// `1 model`, `2 models`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Formats a duration with at most two units: `0.4 s`, `21 s`, `1 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return UNKNOWN.to_owned();
    }
    if seconds < 9.95 {
        return format!("{} s", trimmed(seconds, 1));
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3_600 => two_units(whole, (60, "min"), (1, "s")),
        3_600..86_400 => two_units(whole, (3_600, "h"), (60, "min")),
        _ => two_units(whole, (86_400, "d"), (3_600, "h")),
    }
}

fn two_units(seconds: u64, large: (u64, &str), small: (u64, &str)) -> String {
    let (whole, rest) = (seconds / large.0, seconds % large.0 / small.0);
    let rest = if rest == 0 { String::new() } else { format!(" {rest} {}", small.1) };
    format!("{whole} {}{rest}", large.1)
}

/// Formats a remaining time, rounded as an estimate: `21 s left`, `3 min left`.
pub fn time_left(seconds: f64) -> String {
    let kept = if seconds < 90.0 { seconds.ceil() } else { (seconds / 60.0).ceil() * 60.0 };
    format!("{} left", duration(kept))
}

/// Formats the time since `at_ms` (Unix milliseconds): `just now`, `3 min ago`, `2 h ago`, `5 d ago`.
pub fn ago(at_ms: i64, now_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(at_ms).max(0) / 1_000;
    match seconds {
        0..45 => "just now".to_owned(),
        45..3_600 => format!("{} min ago", (seconds / 60).max(1)),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// Formats a measured value without its unit, such as a speed in tokens per second: `142.6`, `0.82`, `1,240`.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size < 0.995 => 2,
        size if size < 999.95 => 1,
        _ => 0,
    };
    grouped(value, decimals)
}

/// Formats milliseconds without the unit: `412`, `11.3`, `0.42`, `12,040`.
pub fn millis(milliseconds: f64) -> String {
    let decimals = if milliseconds.abs() < 1.0 { 2 } else { usize::from(milliseconds.abs() < 99.95) };
    grouped(milliseconds, decimals)
}

/// Formats a spread with as many decimals as `value` has: `± 6.1`.
pub fn spread(deviation: f64, value: &str) -> String {
    let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    format!("± {}", grouped(deviation, decimals))
}

/// Formats a share of 1 as a percentage: `62 %`, `0.4 %`. Only 1 gives `100 %`, and only 0 gives `0 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if !percent.is_finite() => UNKNOWN.to_owned(),
        0.0 => "0 %".to_owned(),
        99.0..100.0 => "99 %".to_owned(),
        0.0..0.1 => "< 0.1 %".to_owned(),
        0.1..9.95 => format!("{} %", trimmed(percent, 1)),
        _ => format!("{percent:.0} %"),
    }
}

/// Formats a whole number with thousands separators: `5,000`.
pub fn integer(number: u64) -> String {
    grouped(number as f64, 0)
}

fn grouped(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut apart = String::with_capacity(text.len() + 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
    format!("{sign}{apart}{fraction}")
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_short() {
        let written =
            [512, 8_192, 9_999, 128_000, 131_072, 999_600, 1_000_000, 1_048_576, 10_000_000].map(tokens);
        assert_eq!(written, ["512", "8.2K", "10K", "128K", "131K", "1M", "1M", "1.05M", "10M"]);
    }

    #[test]
    fn prices_show_at_least_cents() {
        let written = [0.0, 0.05, 0.075, 0.0001, 1.0, 1.25, 15.0, 0.6].map(usd);
        assert_eq!(written, ["$0.00", "$0.05", "$0.075", "$0.0001", "$1.00", "$1.25", "$15.00", "$0.60"]);
    }

    #[test]
    fn nouns_agree_with_their_number() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "model")), ["0 models", "1 model", "2 models"]);
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let written =
            [0.0, 0.42, 9.94, 9.96, 21.2, 59.6, 80.0, 3_599.4, 3_600.0, 7_500.0, 273_600.0].map(duration);
        let expected = [
            "0 s",
            "0.4 s",
            "9.9 s",
            "10 s",
            "21 s",
            "1 min",
            "1 min 20 s",
            "59 min 59 s",
            "1 h",
            "2 h 5 min",
            "3 d 4 h",
        ];
        assert_eq!(written, expected);
        assert_eq!([f64::NAN, -1.0, f64::INFINITY].map(duration), [UNKNOWN; 3]);
    }

    #[test]
    fn estimates_are_rounded() {
        let written = [0.2, 20.3, 80.0, 91.0, 150.0].map(time_left);
        assert_eq!(written, ["1 s left", "21 s left", "1 min 20 s left", "2 min left", "3 min left"]);
    }

    #[test]
    fn past_times_are_relative_to_now() {
        let now = 1_800_000_000_000;
        let written = [-5, 10, 45, 100, 3_599, 7_300, 200_000].map(|seconds| ago(now - seconds * 1_000, now));
        let expected = ["just now", "just now", "1 min ago", "1 min ago", "59 min ago", "2 h ago", "2 d ago"];
        assert_eq!(written, expected);
    }

    #[test]
    fn measurements_keep_their_columns_comparable() {
        assert_eq!(
            [142.61, 0.824, 79.0, 1_240.4, f64::NAN].map(number),
            ["142.6", "0.82", "79.0", "1,240", UNKNOWN]
        );
        assert_eq!([412.3, 11.26, 0.424, 12_040.2].map(millis), ["412", "11.3", "0.42", "12,040"]);
    }

    #[test]
    fn a_spread_has_the_decimals_of_its_value() {
        assert_eq!(spread(6.13, &number(142.6)), "± 6.1");
        assert_eq!(spread(37.8, &millis(412.0)), "± 38");
    }

    #[test]
    fn only_one_is_a_hundred_percent() {
        let written = [0.0, 0.0004, 0.004, 0.623, 0.9999, 1.0, 1.5].map(percent);
        assert_eq!(written, ["0 %", "< 0.1 %", "0.4 %", "62 %", "99 %", "100 %", "150 %"]);
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!([0, 999, 5_000, 1_204_000].map(integer), ["0", "999", "5,000", "1,204,000"]);
        assert_eq!(grouped(-1_234.5, 1), "-1,234.5");
    }
}
