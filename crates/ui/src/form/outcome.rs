//! Errors of submitted forms.

use leptos::prelude::*;

/// Returns the message of a server function's error without its prefix.
pub fn sentence(error: &ServerFnError) -> String {
    match error {
        ServerFnError::ServerError(sentence) => sentence.clone(),
        other => other.to_string(),
    }
}

/// The error of a form. Screen readers announce it when it appears; it takes no space while empty.
#[component]
pub fn FormError(#[prop(into)] error: Signal<Option<ServerFnError>>) -> impl IntoView {
    view! {
        <p class="form-error" role="alert">
            {move || error.read().as_ref().map(sentence)}
        </p>
    }
}

/// Returns the error of an action's latest response, for [`FormError`].
pub fn error_of<S>(action: ServerAction<S>) -> Signal<Option<ServerFnError>>
where
    S: leptos::server_fn::ServerFn<Error = ServerFnError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let answer = action.value();
    Signal::derive(move || answer.get().and_then(Result::err))
}
