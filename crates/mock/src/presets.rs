//! Models with a fixed scenario, for the demo.

use super::scenario::{DEFAULT, Scenario};
use super::values::{Failure, Millis, Share};
use endpoint::Model;

/// A named scenario, listed as a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Preset {
    pub(super) id: &'static str,
    pub(super) display_name: &'static str,
    pub(super) context_window: u64,
    pub(super) max_output_tokens: u64,
}

/// All listed models. The first one uses the server's own scenario.
pub(super) const LISTED: [Preset; 5] = [
    Preset {
        id: "mock",
        display_name: "Mock (simulated)",
        context_window: 131_072,
        max_output_tokens: 16_384,
    },
    Preset {
        id: "demo-fast",
        display_name: "Demo Fast (simulated)",
        context_window: 131_072,
        max_output_tokens: 16_384,
    },
    Preset {
        id: "demo-steady",
        display_name: "Demo Steady (simulated)",
        context_window: 32_768,
        max_output_tokens: 8_192,
    },
    Preset {
        id: "demo-reasoning",
        display_name: "Demo Reasoning (simulated)",
        context_window: 200_000,
        max_output_tokens: 16_384,
    },
    Preset {
        id: "demo-flaky",
        display_name: "Demo Flaky (simulated)",
        context_window: 8_192,
        max_output_tokens: 4_096,
    },
];

impl Preset {
    /// Returns the preset with this id, if it has a scenario of its own.
    pub(super) fn named(id: &str) -> Option<Self> {
        demos().find(|preset| preset.id == id)
    }

    /// Returns the scenario of its responses.
    pub(super) fn scenario(self) -> Scenario {
        match self.id {
            "demo-fast" => Scenario {
                ttft: Millis::of(90),
                ttft_max: Millis::of(140),
                gap: Millis::of(4),
                jitter: Millis::of(1),
                tokens: 400,
                ..DEFAULT
            },
            "demo-steady" => Scenario {
                ttft: Millis::of(250),
                ttft_max: Millis::of(270),
                gap: Millis::of(16),
                jitter: Millis::of(1),
                tokens: 250,
                ..DEFAULT
            },
            "demo-reasoning" => Scenario {
                ttft: Millis::of(350),
                ttft_max: Millis::of(500),
                gap: Millis::of(8),
                jitter: Millis::of(2),
                reasoning_tokens: 180,
                tokens: 220,
                ..DEFAULT
            },
            "demo-flaky" => Scenario {
                ttft: Millis::of(150),
                ttft_max: Millis::of(900),
                gap: Millis::of(12),
                jitter: Millis::of(10),
                tokens: 200,
                error: Failure::Status(429),
                error_rate: Share::new(0.25),
                ..DEFAULT
            },
            _ => DEFAULT,
        }
    }

    /// Returns it as a [`Model`] without a price.
    pub(super) fn model(self) -> Model {
        Model {
            display_name: self.display_name.to_owned(),
            context_window: Some(self.context_window),
            max_output_tokens: Some(self.max_output_tokens),
            ..Model::named(self.id)
        }
    }
}

/// Returns the presets that have a scenario of their own.
pub(super) fn demos() -> impl Iterator<Item = Preset> {
    LISTED.into_iter().skip(1)
}
