//! The page after signing in.

/// Returns `wanted` if it is a page of this app, otherwise the front page: a link to the sign-in page must not
/// redirect to another site or to a sign-in page.
pub fn next_page(wanted: Option<&str>) -> &str {
    wanted.filter(|wanted| is_page(wanted)).unwrap_or("/")
}

/// Returns whether `address` is a path on this server. Browsers read `//` and `/\` as the start of another
/// server's name and skip control characters.
pub fn is_on_this_server(address: &str) -> bool {
    address.starts_with('/')
        && !address.starts_with("//")
        && !address.chars().any(|c| c == '\\' || c.is_control())
}

/// Returns whether `wanted` is a page to go to after signing in.
fn is_page(wanted: &str) -> bool {
    let path = wanted.split(['?', '#']).next().unwrap_or_default();
    is_on_this_server(wanted)
        && !path.starts_with("/api/")
        && !["/login", "/register", "/forgot-password", "/reset-password"].contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_app_are_redirect_targets() {
        for page in ["/", "/providers", "/providers?q=a//b", "/history/7#runs"] {
            assert_eq!(next_page(Some(page)), page);
        }
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n//evil.example",
            "providers",
            "/api/auth/renew?next=/",
            "/login?next=/login",
            "/register",
            "/reset-password?token=t",
        ] {
            assert_eq!(next_page(Some(elsewhere)), "/", "{elsewhere}");
        }
        assert_eq!(next_page(None), "/");
    }
}
