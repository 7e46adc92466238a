//! Charts: typed specs in Rust, drawn by ECharts in the browser.
//!
//! [`Chart`] puts a `<studio-chart>` element on the page and hands it a [`ChartSpec`] as JSON. The element
//! (`element.js`, bundled by `scripts/charts.mjs`) is a separate JavaScript module that the browser fetches
//! when the first chart comes near the viewport, so pages without charts do not load it. The drawing code
//! (`painter.js`) runs in a worker, so it does not block the page.

mod module;
mod spec;
mod view;
mod viewport;

#[cfg(feature = "ssr")]
pub use module::ModuleAddress;
pub use spec::{BarRow, Bars, ChartSpec, Point, Quantity, Scatter, Timeline};
pub use view::{Chart, ChartSize};
