//! Formatting of figures: three to four significant digits, thousands separators.

/// Shown in place of a missing value.
pub const NONE: &str = "–";

/// Formats a whole number with thousands separators: `12,345`.
pub fn whole(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Formats a measured value of any size: `0.42`, `5.31`, `42.5`, `312`, `12,345`.
pub fn measured(value: f64) -> String {
    with_decimals(value, decimals(value))
}

/// Formats mean and standard deviation with the mean's decimals: `312 ± 24`.
pub fn spread(mean: f64, sd: Option<f64>) -> String {
    let decimals = decimals(mean);
    let mean = with_decimals(mean, decimals);
    sd.map_or(mean.clone(), |sd| format!("{mean} ± {}", with_decimals(sd, decimals)))
}

/// Formats a range with the upper end's decimals: `98–104`.
pub fn range(low: f64, high: f64) -> String {
    let decimals = decimals(high);
    format!("{}–{}", with_decimals(low, decimals), with_decimals(high, decimals))
}

/// Formats US dollars: whole cents, or three significant digits below one dollar.
pub fn dollars(value: f64) -> String {
    if value == 0.0 {
        return "$0".to_owned();
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(2, 9);
    let text = format!("{value:.*}", decimals as usize);
    let cents = text.find('.').map_or(text.len(), |point| point + 3);
    let (cents, fractions) = text.split_at(cents);
    format!("${cents}{}", fractions.trim_end_matches('0'))
}

/// Formats a relative difference in percent with its sign: `+4.2 %`.
pub fn percent(value: f64) -> String {
    let decimals = if value.abs() < 10.0 { 1 } else { 0 };
    let text = with_decimals(value, decimals);
    if text.starts_with('−') { format!("{text} %") } else { format!("+{text} %") }
}

fn decimals(value: f64) -> usize {
    match value.abs() {
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    }
}

fn with_decimals(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (integer, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let integer = integer.parse().map_or(integer.to_owned(), whole);
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    if fraction.is_empty() { format!("{sign}{integer}") } else { format!("{sign}{integer}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(whole), ["0", "12", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn digits_follow_the_size() {
        let shown = [0.0, 0.4242, 5.314, 9.999, 42.51, 99.99, 312.4, 12_345.6, -3.0].map(measured);
        assert_eq!(shown, ["0.00", "0.42", "5.31", "10.0", "42.5", "100", "312", "12,346", "−3.00"]);
        assert_eq!(measured(-0.001), "0.00");
    }

    #[test]
    fn a_spread_has_the_digits_of_its_mean() {
        assert_eq!(spread(312.4, Some(24.44)), "312 ± 24");
        assert_eq!(spread(42.51, Some(0.3)), "42.5 ± 0.3");
        assert_eq!(spread(42.51, None), "42.5");
        assert_eq!(range(98.12, 104.2), "98–104");
    }

    #[test]
    fn small_sums_keep_their_digits() {
        assert_eq!(
            [0.0, 12.345, 0.5, 0.0123, 0.000_042_1, 0.000_3].map(dollars),
            ["$0", "$12.35", "$0.50", "$0.0123", "$0.0000421", "$0.0003"]
        );
    }

    #[test]
    fn percentages_carry_their_sign() {
        assert_eq!([4.21, -12.6, 0.0, -0.01].map(percent), ["+4.2 %", "−13 %", "+0.0 %", "+0.0 %"]);
    }
}
