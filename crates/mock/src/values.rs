//! Types of a scenario's settings: parsing, formatting and valid ranges.

use std::fmt;
use std::str::FromStr;

/// Parses a whole number up to `MAX`.
pub(super) fn count<const MAX: u32>(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|count| *count <= MAX)
        .ok_or_else(|| format!("expected a whole number from 0 to {MAX}"))
}

/// A span of time, written in milliseconds, exact to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis {
    nanos: u64,
}

impl Millis {
    /// Maximum of any delay.
    const MAX_MS: f64 = 86_400_000.0;

    /// Creates a value from whole milliseconds.
    pub const fn of(ms: u64) -> Self {
        Self { nanos: ms * 1_000_000 }
    }

    /// Creates a value from nanoseconds.
    #[cfg(test)]
    pub(super) const fn of_nanos(nanos: u64) -> Self {
        Self { nanos }
    }

    /// Returns the value in nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.nanos
    }
}

impl FromStr for Millis {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected milliseconds between 0 and 86400000 (a day)";
        let ms: f64 = text.parse().map_err(|_| EXPECTED)?;
        if !(0.0..=Self::MAX_MS).contains(&ms) {
            return Err(EXPECTED);
        }
        Ok(Self { nanos: (ms * 1e6).round() as u64 })
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.nanos as f64 / 1e6)
    }
}

/// A share between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// Creates a share; values outside 0 to 1 are clamped.
    pub const fn new(share: f64) -> Self {
        Self(share.clamp(0.0, 1.0))
    }

    pub(super) const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let share: f64 = text.parse().map_err(|_| "expected a number between 0 and 1")?;
        (0.0..=1.0).contains(&share).then_some(Self(share)).ok_or("expected a number between 0 and 1")
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a response fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The response succeeds.
    None,
    /// Refused with this HTTP status, 429 with `Retry-After`.
    Status(u16),
    /// An error event inside the 200 stream, which then ends.
    Stream,
    /// The stream stops and the connection stays open.
    Stall,
    /// The connection is closed without the end mark.
    Cut,
    /// The request is never answered.
    Hang,
}

impl FromStr for Failure {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "stream" => Ok(Self::Stream),
            "stall" => Ok(Self::Stall),
            "cut" => Ok(Self::Cut),
            "hang" => Ok(Self::Hang),
            _ => match text.parse() {
                Ok(status @ 400..=599) => Ok(Self::Status(status)),
                _ => Err("expected none, a status from 400 to 599, stream, stall, cut or hang"),
            },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Status(status) => status.fmt(f),
            Self::Stream => f.write_str("stream"),
            Self::Stall => f.write_str("stall"),
            Self::Cut => f.write_str("cut"),
            Self::Hang => f.write_str("hang"),
        }
    }
}

/// Whether token usage is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageReport {
    /// Reported as the protocol defines.
    Reported,
    /// Never reported.
    None,
    /// Never reported, and a request with `stream_options` is refused, as some servers do.
    Rejected,
}

impl FromStr for UsageReport {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "reported" => Ok(Self::Reported),
            "none" => Ok(Self::None),
            "rejected" => Ok(Self::Rejected),
            _ => Err("expected reported, none or rejected"),
        }
    }
}

impl fmt::Display for UsageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reported => "reported",
            Self::None => "none",
            Self::Rejected => "rejected",
        })
    }
}

/// Place of the reasoning in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Think {
    /// In the protocol's field for reasoning.
    Field,
    /// In the text, between `<think>` and `</think>`.
    Tags,
}

impl FromStr for Think {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "field" => Ok(Self::Field),
            "tags" => Ok(Self::Tags),
            _ => Err("expected field or tags"),
        }
    }
}

impl fmt::Display for Think {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Field => "field",
            Self::Tags => "tags",
        })
    }
}
