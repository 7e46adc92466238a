//! Charts: typed specs in Rust, drawn by ECharts in the browser.
//!
//! [`Chart`] puts a `<studio-chart>` element on the page and hands it a [`ChartSpec`] as JSON. The
//! element (`element.js`, bundled by `scripts/charts.mjs`) is a module of its own that the browser
//! fetches when the first chart comes near the window, so pages without charts do not pay for it. What
//! draws (`painter.js`) runs in a thread of its own, so that pages do not stand still meanwhile.

mod module;
mod near;
mod spec;
mod view;

#[cfg(feature = "ssr")]
pub use module::ModuleAddress;
pub use spec::{BarRow, Bars, ChartSpec, Point, Quantity, Scatter, Timeline};
pub use view::{Chart, ChartSize};
