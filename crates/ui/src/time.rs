//! Relative times.

use leptos::prelude::*;

use super::format::ago;

/// Update interval of "3 min ago".
#[cfg(not(feature = "ssr"))]
const TICK: std::time::Duration = std::time::Duration::from_secs(20);

/// Shows "3 min ago" with the exact time as its title, and keeps it up to date.
///
/// Server and browser each use their own clock. If they differ, the server's text stays until the next tick.
#[component]
pub fn Ago(
    /// Unix milliseconds, UTC.
    at_ms: i64,
) -> impl IntoView {
    let now = clock();
    let exact = iso_utc(at_ms);
    view! {
        <time class="whitespace-nowrap" datetime=exact.clone() title=exact>
            {move || ago(at_ms, now.get())}
        </time>
    }
}

/// Returns the current time in Unix milliseconds.
#[cfg(feature = "ssr")]
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Returns the current time in Unix milliseconds.
#[cfg(not(feature = "ssr"))]
pub fn now_ms() -> i64 {
    leptos::web_sys::js_sys::Date::now() as i64
}

/// Formats a time as `2026-11-21T21:27:03Z`; empty if it is out of range.
#[cfg(feature = "ssr")]
fn iso_utc(at_ms: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(at_ms).ok();
    moment.map(|moment| moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

/// Formats a time as `2026-11-21T21:27:03Z`; empty if it is out of range.
#[cfg(not(feature = "ssr"))]
fn iso_utc(at_ms: i64) -> String {
    use leptos::web_sys::js_sys::Date;
    let date = Date::new(&(at_ms as f64).into());
    if date.get_time().is_nan() {
        return String::new();
    }
    let text = String::from(date.to_iso_string());
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// Returns the current time in Unix milliseconds, updated each second until its owner is disposed. Constant on
/// the server.
pub fn current_time() -> RwSignal<i64> {
    let now = RwSignal::new(now_ms());
    Effect::new(move |_| {
        let ticking = set_interval_with_handle(move || now.set(now_ms()), std::time::Duration::from_secs(1));
        on_cleanup(move || ticking.into_iter().for_each(|ticking| ticking.clear()));
    });
    now
}

/// Returns the time of rendering.
#[cfg(feature = "ssr")]
fn clock() -> ArcRwSignal<i64> {
    ArcRwSignal::new(now_ms())
}

/// One clock for the whole page while it is open.
#[cfg(not(feature = "ssr"))]
fn clock() -> ArcRwSignal<i64> {
    thread_local! {
        static CLOCK: ArcRwSignal<i64> = ticking();
    }
    CLOCK.with(ArcRwSignal::clone)
}

#[cfg(not(feature = "ssr"))]
fn ticking() -> ArcRwSignal<i64> {
    let clock = ArcRwSignal::new(now_ms());
    let hand = clock.clone();
    set_interval(move || hand.set(now_ms()), TICK);
    clock
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_in_utc() {
        assert_eq!(iso_utc(1_795_296_423_456), "2026-11-21T21:27:03Z");
        assert_eq!(iso_utc(i64::MAX), "");
    }
}
