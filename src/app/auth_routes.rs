//! The sign-in pages: forms that work without a script.

use leptos::prelude::*;
use leptos_router::SsrMode;
use leptos_router::components::{Route, Routes};
use leptos_router::path;

use super::NotFoundPage;
use crate::accounts::pages::{ForgotPasswordPage, LoginPage, RegisterPage, ResetPasswordPage};
use ui::layout::AuthLayout;

/// The routes of the sign-in pages.
#[component]
pub fn AuthRoutes() -> impl IntoView {
    view! {
        <AuthLayout>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
                <Route path=path!("/register") view=RegisterPage ssr=SsrMode::Async />
                <Route path=path!("/forgot-password") view=ForgotPasswordPage ssr=SsrMode::Async />
                <Route path=path!("/reset-password") view=ResetPasswordPage ssr=SsrMode::Async />
            </Routes>
        </AuthLayout>
    }
}
