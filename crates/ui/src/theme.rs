//! The theme: light, dark or system. It is stored in a cookie, so that the server renders the right one without
//! a flash. Works without JavaScript.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::icons::ThemeIcon;
use super::sync_view::IntoSyncAny;

/// The user's choice of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Light colours.
    Light,
    /// Dark colours.
    Dark,
    /// The theme of the operating system.
    #[default]
    System,
}

impl Theme {
    /// Returns the name used in the cookie, the form and the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::System => "system",
        }
    }

    /// Returns the document's `data-theme`; `None` leaves the choice to the style sheet's media query.
    pub fn attribute(self) -> Option<&'static str> {
        (self != Self::System).then_some(self.as_str())
    }

    fn parse(name: &str) -> Self {
        match name {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// Returns the theme that the button selects next.
    fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

#[cfg(feature = "ssr")]
impl Theme {
    const COOKIE: &str = "theme";

    /// Returns the theme of the current request.
    pub fn current() -> Self {
        use_context::<http::request::Parts>()
            .and_then(|parts| Self::from_cookies(&parts.headers))
            .unwrap_or_default()
    }

    fn from_cookies(headers: &http::HeaderMap) -> Option<Self> {
        headers
            .get_all(http::header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, _)| *name == Self::COOKIE)
            .map(|(_, value)| Self::parse(value))
    }

    /// Returns a `Set-Cookie` value that stores this theme for a year.
    fn cookie(self) -> http::HeaderValue {
        http::HeaderValue::from_static(match self {
            Self::Light => "theme=light; Path=/; Max-Age=31536000; SameSite=Lax",
            Self::Dark => "theme=dark; Path=/; Max-Age=31536000; SameSite=Lax",
            Self::System => "theme=; Path=/; Max-Age=0; SameSite=Lax",
        })
    }
}

#[cfg(not(feature = "ssr"))]
impl Theme {
    /// Returns the document's theme.
    pub fn current() -> Self {
        document()
            .document_element()
            .and_then(|html| html.get_attribute("data-theme"))
            .map(|name| Self::parse(&name))
            .unwrap_or_default()
    }
}

/// Sets the document's theme without reloading it.
fn show(theme: Theme) {
    let Some(html) = document().document_element() else { return };
    // Neither can fail, because the attribute's name is valid.
    let _ = match theme.attribute() {
        Some(name) => html.set_attribute("data-theme", name),
        None => html.remove_attribute("data-theme"),
    };
}

/// Stores the theme in a cookie.
#[server]
pub async fn set_theme(
    /// The new theme.
    theme: Theme,
) -> Result<(), ServerFnError> {
    expect_context::<leptos_axum::ResponseOptions>().append_header(http::header::SET_COOKIE, theme.cookie());
    Ok(())
}

/// A button that switches to the next theme.
#[component]
pub fn ThemeButton() -> impl IntoView {
    let theme = RwSignal::new(Theme::current());
    let action = ServerAction::<SetTheme>::new();
    Effect::new(move |_| {
        if let Some(SetTheme { theme: chosen }) = action.input().get() {
            show(chosen);
            theme.set(chosen);
        }
    });
    let label = move || format!("Theme: {}. Change to {}", theme.get().as_str(), theme.get().next().as_str());
    view! {
        <ActionForm action>
            <input type="hidden" name="theme" value=move || theme.get().next().as_str() />
            <button class="button px-2.5" aria-label=label title=label>
                {move || view! { <ThemeIcon theme=theme.get() /> }}
            </button>
        </ActionForm>
    }
    .into_sync_any()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    fn with_cookies(cookies: &[&'static str]) -> http::HeaderMap {
        let values =
            cookies.iter().map(|value| (http::header::COOKIE, http::HeaderValue::from_static(value)));
        values.collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        assert_eq!(Theme::from_cookies(&with_cookies(&["a=b; theme=dark", "c=d"])), Some(Theme::Dark));
    }

    #[test]
    fn a_missing_or_invalid_cookie_means_system() {
        assert_eq!(Theme::from_cookies(&with_cookies(&["a=b"])), None);
        assert_eq!(Theme::from_cookies(&with_cookies(&["theme=pink"])), Some(Theme::System));
    }

    #[test]
    fn the_set_cookie_is_read_back() {
        for theme in [Theme::Light, Theme::Dark, Theme::System] {
            let set = theme.cookie();
            let sent = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            let mut headers = http::HeaderMap::new();
            headers.insert(http::header::COOKIE, sent.parse().unwrap());
            assert_eq!(Theme::from_cookies(&headers).unwrap_or_default(), theme);
        }
    }

    #[test]
    fn the_button_reaches_every_theme() {
        let start = Theme::default();
        assert_eq!(
            [start.next(), start.next().next(), start.next().next().next()],
            [Theme::Light, Theme::Dark, Theme::System]
        );
    }
}
