//! What came of sending a form.

use leptos::prelude::*;

/// Why a server function refused, as its sentence alone.
pub fn sentence(error: &ServerFnError) -> String {
    match error {
        ServerFnError::ServerError(sentence) => sentence.clone(),
        other => other.to_string(),
    }
}

/// Why the form was refused. Read out when it appears; takes no room while there is nothing to say.
#[component]
pub fn FormError(#[prop(into)] error: Signal<Option<ServerFnError>>) -> impl IntoView {
    view! {
        <p class="form-error" role="alert">
            {move || error.read().as_ref().map(sentence)}
        </p>
    }
}

/// The error of an action's latest answer, for [`FormError`].
pub fn error_of<S>(action: ServerAction<S>) -> Signal<Option<ServerFnError>>
where
    S: leptos::server_fn::ServerFn<Error = ServerFnError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let answer = action.value();
    Signal::derive(move || answer.get().and_then(Result::err))
}
