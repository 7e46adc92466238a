//! The actions of the provider pages and their errors.

use leptos::prelude::*;

use crate::providers::api::{
    AddModel, ChangeProvider, DeleteModel, DeleteProvider, RefreshModels, RemoveKey, SaveKey, ShareProvider,
    StepModel, StepProvider, SwitchModel, SwitchProvider,
};

/// The actions of a page, whose lists reload after each.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    pub refresh_models: ServerAction<RefreshModels>,
    pub save_key: ServerAction<SaveKey>,
    pub remove_key: ServerAction<RemoveKey>,
    pub switch: ServerAction<SwitchProvider>,
    pub step: ServerAction<StepProvider>,
    pub share: ServerAction<ShareProvider>,
    pub change: ServerAction<ChangeProvider>,
    pub delete: ServerAction<DeleteProvider>,
    pub add_model: ServerAction<AddModel>,
    pub switch_model: ServerAction<SwitchModel>,
    pub step_model: ServerAction<StepModel>,
    pub delete_model: ServerAction<DeleteModel>,
}

impl Actions {
    pub(super) fn new() -> Self {
        Self {
            refresh_models: ServerAction::new(),
            save_key: ServerAction::new(),
            remove_key: ServerAction::new(),
            switch: ServerAction::new(),
            step: ServerAction::new(),
            share: ServerAction::new(),
            change: ServerAction::new(),
            delete: ServerAction::new(),
            add_model: ServerAction::new(),
            switch_model: ServerAction::new(),
            step_model: ServerAction::new(),
            delete_model: ServerAction::new(),
        }
    }

    /// Increases with each finished action.
    pub(super) fn version(self) -> usize {
        [
            self.refresh_models.version(),
            self.save_key.version(),
            self.remove_key.version(),
            self.switch.version(),
            self.step.version(),
            self.share.version(),
            self.change.version(),
            self.delete.version(),
            self.add_model.version(),
            self.switch_model.version(),
            self.step_model.version(),
            self.delete_model.version(),
        ]
        .iter()
        .map(Get::get)
        .sum()
    }

    fn errors(self) -> Vec<String> {
        [
            error_of(self.refresh_models),
            error_of(self.save_key),
            error_of(self.remove_key),
            error_of(self.switch),
            error_of(self.step),
            error_of(self.share),
            error_of(self.change),
            error_of(self.delete),
            error_of(self.add_model),
            error_of(self.switch_model),
            error_of(self.step_model),
            error_of(self.delete_model),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Returns the error of the last call, as a sentence.
pub(super) fn error_of<S>(action: ServerAction<S>) -> Option<String>
where
    S: server_fn::ServerFn<Output = (), Error = ServerFnError> + Clone + Send + Sync + 'static,
    S::Error: Clone + Send + Sync + 'static,
{
    match action.value().get() {
        Some(Err(ServerFnError::ServerError(sentence))) => Some(sentence),
        Some(Err(error)) => Some(error.to_string()),
        _ => None,
    }
}

/// The error region. Always rendered, so that screen readers announce changes.
#[component]
pub(super) fn ActionErrors(actions: Actions) -> impl IntoView {
    view! {
        <div role="alert" class="form-error mt-2">
            {move || actions.errors().into_iter().map(|error| view! { <p>{error}</p> }).collect_view()}
        </div>
    }
}
