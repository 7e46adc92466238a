//! How numbers are written: the same on every page.

/// What stands where a number is not known.
pub const UNKNOWN: &str = "–";

/// A token count in thousands or millions, as on a model's data sheet: `8.2K`, `128K`, `1.05M`.
pub fn tokens(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..10_000 => format!("{}K", trimmed(count as f64 / 1e3, 1)),
        10_000..999_500 => format!("{:.0}K", count as f64 / 1e3),
        _ => format!("{}M", trimmed(count as f64 / 1e6, 2)),
    }
}

/// US dollars with as many digits as small prices need, at least cents: `$15.00`, `$0.075`.
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
}
