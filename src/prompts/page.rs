//! The page of prompt templates: built-in ones, and the user's own, which can be changed.

use leptos::either::Either;
use leptos::prelude::*;

use super::api::{DeleteTemplate, SaveTemplate, list_templates};
use super::types::{Category, Template};
use ui::button::{ButtonTone, SubmitButton};
use ui::dialog::ConfirmDialog;
use ui::disclosure::Disclosure;
use ui::form::{Select, SelectOption, TextArea, TextField};
use ui::page::{EmptyState, PageHead, Skeleton};
use ui::tag::Tag;
use ui::title::PageTitle;

/// The page of prompt templates.
#[component]
pub fn PromptsPage() -> impl IntoView {
    let save = ServerAction::<SaveTemplate>::new();
    let delete = ServerAction::<DeleteTemplate>::new();
    let templates =
        Resource::new(move || (save.version().get(), delete.version().get()), |_| list_templates());
    view! {
        <PageTitle text="Prompt templates" />
        <PageHead title="Prompt templates" about="Reusable prompts for benchmarks." />
        <Transition fallback=|| {
            view! { <Skeleton rows=6 /> }
        }>
            {move || Suspend::new(async move {
                match templates.await {
                    Ok(templates) => Either::Left(view! { <Templates templates save delete /> }),
                    Err(error) => {
                        Either::Right(view! {
                            <EmptyState>
                                <p role="alert">{error.to_string()}</p>
                            </EmptyState>
                        })
                    }
                }
            })}
        </Transition>
    }
}

#[component]
fn Templates(
    templates: Vec<Template>,
    save: ServerAction<SaveTemplate>,
    delete: ServerAction<DeleteTemplate>,
) -> impl IntoView {
    let of = |category: Category| {
        templates.iter().filter(|template| template.category == category).cloned().collect::<Vec<_>>()
    };
    let groups: Vec<_> = Category::ALL
        .into_iter()
        .map(|category| (category, of(category)))
        .filter(|(_, templates)| !templates.is_empty())
        .collect();
    view! {
        <section class="panel mt-3.5 px-4.5 py-4" aria-labelledby="new-template">
            <h2 id="new-template" class="font-semibold">
                "New template"
            </h2>
            <TemplateForm action=save />
        </section>
        {groups
            .into_iter()
            .map(|(category, templates)| {
                view! {
                    <section class="mt-6" aria-label=category.title()>
                        <h2 class="font-semibold">{category.title()}</h2>
                        <div class="mt-2 grid gap-3.5">
                            {templates
                                .into_iter()
                                .map(|template| view! { <TemplatePanel template save delete /> })
                                .collect_view()}
                        </div>
                    </section>
                }
            })
            .collect_view()}
    }
}

#[component]
fn TemplatePanel(
    template: Template,
    save: ServerAction<SaveTemplate>,
    delete: ServerAction<DeleteTemplate>,
) -> impl IntoView {
    let (label, prompt, own) = (template.label.clone(), template.prompt.clone(), template.own);
    view! {
        <article class="panel px-4.5 py-3.5">
            <div class="flex flex-wrap items-center gap-2.5">
                <h3 class="font-semibold">{label.clone()}</h3>
                {(!own).then(|| view! { <Tag text="built in" /> })}
                {own.then(|| view! { <DeleteDialog key=template.key.clone() label=label delete /> })}
            </div>
            <p class="text-soft mt-1.5 [overflow-wrap:anywhere] whitespace-pre-wrap">{prompt}</p>
            {own
                .then(|| {
                    view! {
                        <Disclosure summary="Edit">
                            <TemplateForm action=save template />
                        </Disclosure>
                    }
                })}
        </article>
    }
}

#[component]
fn DeleteDialog(key: String, label: String, delete: ServerAction<DeleteTemplate>) -> impl IntoView {
    view! {
        <div class="ml-auto">
            <ConfirmDialog
                id=format!("delete-{key}")
                trigger="Delete"
                trigger_label=format!("Delete {label}")
                trigger_tone=ButtonTone::Quiet
                title=format!("Delete “{label}”?")
            >
                <p>"This permanently deletes the template. Past results are kept."</p>
                <ActionForm action=delete>
                    <input type="hidden" name="key" value=key />
                    <SubmitButton tone=ButtonTone::Danger pending=delete.pending()>
                        "Delete template"
                    </SubmitButton>
                </ActionForm>
            </ConfirmDialog>
        </div>
    }
}

/// The form that adds a template, or changes the given one.
#[component]
fn TemplateForm(
    action: ServerAction<SaveTemplate>,
    #[prop(optional)] template: Option<Template>,
) -> impl IntoView {
    let id = template.as_ref().map_or("new".to_owned(), |template| template.key.clone());
    let template = template.unwrap_or_else(|| Template {
        key: String::new(),
        category: Category::General,
        label: String::new(),
        prompt: String::new(),
        own: true,
    });
    let categories =
        Category::ALL.map(|category| SelectOption::new(category.as_str(), category.title())).to_vec();
    let error = move || action.value().get().and_then(Result::err).map(|error| error.to_string());
    view! {
        <ActionForm action>
            <input type="hidden" name="key" value=template.key />
            <div class="mt-2 grid gap-x-4 gap-y-2.5 sm:grid-cols-2">
                <TextField label="Name" name="label" id=format!("label-{id}") value=template.label required=true max_length=256 />
                <Select
                    label="Category"
                    name="category"
                    id=format!("category-{id}")
                    options=categories
                    value=template.category.as_str()
                />
            </div>
            <div class="mt-2.5">
                <TextArea label="Prompt" name="prompt" id=format!("prompt-{id}") value=template.prompt rows=5 required=true />
            </div>
            <p class="form-error mt-2" role="alert">
                {error}
            </p>
            <SubmitButton tone=ButtonTone::Primary pending=action.pending()>
                "Save template"
            </SubmitButton>
        </ActionForm>
    }
}
