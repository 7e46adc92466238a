//! The page of the API reference.

use leptos::config::LeptosOptions;
use leptos::prelude::*;
use leptos_meta::HashedStylesheet;

use super::fields::Field;
use super::reading::{Answer, Operation, Reference, Section};
use super::socket::{self, Message};
use crate::live::closing::Closing;
use ui::icons::Logo;
use ui::theme::Theme;

/// Renders the HTML document in the theme of the request.
pub fn document(options: LeptosOptions, reference: Reference) -> impl IntoView {
    let Reference { title, version, introduction, sections } = reference;
    view! {
        <html lang="en" data-theme=Theme::current().attribute()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title>"Interface · Benchmark Studio"</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <HashedStylesheet options id="leptos" />
            </head>
            <body>
                <a class="skip-link" href="#content">
                    "Skip to the content"
                </a>
                <header class="bg-base-100 border-base-300 flex items-center gap-3 border-b px-3.5 py-2.5 sm:px-5.5">
                    <a href="/" class="flex items-center gap-2 font-semibold">
                        <Logo />
                        "Benchmark Studio"
                    </a>
                </header>
                <div class="mx-auto max-w-[90rem] lg:grid lg:grid-cols-[15rem_minmax(0,1fr)]">
                    {contents(&sections)}
                    <main id="content" tabindex="-1" class="min-w-0 px-3.5 pt-4 pb-16 outline-none sm:px-5.5">
                        <h1 class="text-xl font-semibold tracking-tight">{format!("{title} {version}")}</h1>
                        {paragraphs(introduction)}
                        {how_to_call()}
                        {sections.into_iter().map(section).collect_view()}
                        {live()}
                    </main>
                </div>
            </body>
        </html>
    }
}

/// Links to each operation.
fn contents(sections: &[Section]) -> impl IntoView + use<> {
    let links = sections.iter().map(|section| {
        let operations = section.operations.iter().map(|operation| {
            view! {
                <li>
                    <a href=format!("#{}", operation.anchor) class="rail-link">
                        {operation.summary.clone()}
                    </a>
                </li>
            }
        });
        view! {
            <details class="py-1" open>
                <summary class="cursor-pointer px-2 py-1.5 font-semibold">{section.name.clone()}</summary>
                <ul class="text-[13px]">{operations.collect_view()}</ul>
            </details>
        }
    });
    view! {
        <nav
            aria-label="On this page"
            class="border-base-300 px-2 py-3 lg:sticky lg:top-0 lg:h-dvh lg:overflow-y-auto lg:border-r"
        >
            {links.collect_view()}
            <a href="#live" class="block px-2 py-1.5 font-semibold">
                "live"
            </a>
        </nav>
    }
}

fn how_to_call() -> impl IntoView {
    view! {
        <p class="mt-2 max-w-[48rem]">
            "Create an API token on your account page. The examples read it and the server's URL from the shell. The OpenAPI description is at "
            <a class="link" href="/api/openapi.json">
                "/api/openapi.json"
            </a>
            "."
        </p>
        {code("export STUDIO=http://127.0.0.1:3000 TOKEN=…".to_owned())}
    }
}

fn section(section: Section) -> impl IntoView {
    let id = format!("section-{}", section.name);
    view! {
        <section aria-labelledby=id class="mt-8">
            <h2 id=id.clone() class="text-lg font-semibold tracking-tight">
                {section.name}
            </h2>
            <p class="text-soft">{section.about}</p>
            {section.operations.into_iter().map(operation).collect_view()}
        </section>
    }
}

fn operation(operation: Operation) -> impl IntoView {
    let access = if operation.public { "public" } else { "requires sign-in" };
    view! {
        <article id=operation.anchor class="panel mt-3 scroll-mt-3 p-3.5 sm:p-4.5">
            <h3 class="font-semibold">{operation.summary}</h3>
            <p class="mt-1 flex flex-wrap items-baseline gap-2">
                <code class="font-mono text-[13px] break-all">
                    <b>{operation.method}</b>
                    " "
                    {operation.path}
                </code>
                <span class="tag">{access}</span>
            </p>
            {paragraphs(operation.about)}
            {part("Parameters", operation.parameters)}
            {part("Body", operation.body)}
            <h4 class="text-muted mt-3 text-xs font-semibold uppercase">"Responses"</h4>
            <ul class="mt-1">{operation.answers.into_iter().map(answer).collect_view()}</ul>
            <h4 class="text-muted mt-3 text-xs font-semibold uppercase">"Example"</h4>
            {code(operation.example)}
        </article>
    }
}

fn part(title: &'static str, fields: Vec<Field>) -> impl IntoView {
    (!fields.is_empty()).then(|| {
        view! {
            <h4 class="text-muted mt-3 text-xs font-semibold uppercase">{title}</h4>
            {list(fields)}
        }
    })
}

fn list(fields: Vec<Field>) -> AnyView {
    view! { <ul class="mt-1">{fields.into_iter().map(field).collect_view()}</ul> }.into_any()
}

fn field(field: Field) -> impl IntoView {
    let limits = (!field.limits.is_empty()).then(|| format!(" · {}", field.limits.join(" · ")));
    let inner = (!field.fields.is_empty()).then(|| {
        view! { <div class="border-base-300 ml-1 border-l pl-3">{list(field.fields)}</div> }
    });
    view! {
        <li class="border-line-soft border-b py-1.5 last:border-b-0">
            <code class="font-mono text-[13px] font-semibold break-all">{field.name}</code>
            " "
            <span class="text-muted num text-[13px]">
                {field.kind} {limits} {(!field.required).then_some(" · optional")}
            </span>
            <span class="text-soft block max-w-[48rem]">{field.meaning}</span>
            {inner}
        </li>
    }
}

/// Shows the fields of successful responses only, because all errors have the same fields.
fn answer(answer: Answer) -> impl IntoView {
    let shows_fields = answer.is_success() && !answer.fields.is_empty();
    let line = view! {
        <b class="num font-semibold">{answer.status}</b>
        " "
        <span class="text-soft">{answer.meaning}</span>
    };
    if shows_fields {
        view! {
            <li class="py-1">
                <details>
                    <summary class="cursor-pointer">{line}</summary>
                    {list(answer.fields)}
                </details>
            </li>
        }
        .into_any()
    } else {
        view! { <li class="py-1">{line}</li> }.into_any()
    }
}

fn live() -> impl IntoView {
    let codes = Closing::ALL.map(|closing| {
        view! {
            <tr>
                <td class="n">{closing.code()}</td>
                <td>{closing.reason()}</td>
            </tr>
        }
    });
    view! {
        <section aria-labelledby="live" class="mt-8">
            <h2 id="live" class="scroll-mt-3 text-lg font-semibold tracking-tight">
                "live"
            </h2>
            <p class="text-soft max-w-[48rem]">
                "The WebSocket at /ws sends live events. It accepts the session cookie, only from the app's own pages, or "
                <code class="font-mono text-[13px]">"Authorization: Bearer"</code>
                ". Scripts in a browser cannot send this header; they offer the sub-protocols "
                <code class="font-mono text-[13px]">"llm-studio"</code> " and "
                <code class="font-mono text-[13px]">"bearer."</code>
                " with the token after the dot. Where this is not possible either, POST /api/auth/ws-ticket returns a ticket that opens one connection within 30 seconds. A token in the URL is rejected, because URLs are logged. Each user can have five open connections. Each message is a JSON object with a type."
            </p>
            {code("websocat -H \"Authorization: Bearer $TOKEN\" \"${STUDIO/http/ws}/ws\"".to_owned())}
            {code("new WebSocket(`${studio}/ws`, ['llm-studio', `bearer.${token}`])\nnew WebSocket(`${studio}/ws?ticket=${ticket}`)".to_owned())}
            {messages("Server messages", socket::FROM_SERVER)}
            {messages("Client messages", socket::FROM_CLIENT)}
            <h3 class="mt-4 font-semibold">"Close codes"</h3>
            <div class="panel mt-2 overflow-x-auto">
                <table class="data-table">
                    <thead>
                        <tr>
                            <th class="n" scope="col">
                                "Code"
                            </th>
                            <th scope="col">"Reason"</th>
                        </tr>
                    </thead>
                    <tbody>{codes}</tbody>
                </table>
            </div>
        </section>
    }
}

fn messages(title: &'static str, messages: &'static [Message]) -> impl IntoView {
    let items = messages.iter().map(|message| {
        view! {
            <li class="border-line-soft border-b py-1.5 last:border-b-0">
                <code class="font-mono text-[13px] font-semibold">{message.name}</code>
                " "
                <code class="text-muted font-mono text-[12px]">{message.fields}</code>
                <span class="text-soft block max-w-[48rem]">{message.meaning}</span>
            </li>
        }
    });
    view! {
        <h3 class="mt-4 font-semibold">{title}</h3>
        <ul class="panel mt-2 px-3.5 py-1">{items.collect_view()}</ul>
    }
}

fn paragraphs(texts: Vec<String>) -> impl IntoView {
    let texts = texts.into_iter().map(|text| view! { <p class="mt-2 max-w-[48rem]">{text}</p> });
    texts.collect_view()
}

/// A code block that scrolls horizontally, also with the keyboard.
fn code(text: String) -> impl IntoView {
    view! {
        <pre class="bg-base-200 border-base-300 mt-1 overflow-x-auto rounded-md border p-2.5" tabindex="0">
            <code class="font-mono text-[13px]">{text}</code>
        </pre>
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::server::docs::reading;

    fn rendered(description: &serde_json::Value) -> String {
        let options = LeptosOptions::builder().output_name("llm-studio").build();
        Owner::new().with(|| document(options, reading::reference(description)).to_html())
    }

    #[test]
    fn markup_in_descriptions_is_escaped() {
        let evil = "<script>alert('1')</script>\"&";
        let page = rendered(&json!({
            "info": { "title": evil, "version": evil, "description": evil },
            "tags": [{ "name": evil, "description": evil }],
            "paths": { "/<b>": { "post": {
                "tags": [evil], "operationId": evil, "summary": evil, "description": evil,
                "parameters": [{ "name": evil, "description": evil, "schema": { "type": evil, "default": evil } }],
                "requestBody": { "content": { "application/json": { "schema": {
                    "required": [evil], "properties": { evil: { "type": "string", "example": evil, "enum": [evil] } },
                } } } },
                "responses": { "<i>": { "description": evil } },
            } } },
        }));
        assert!(!page.contains("<script") && !page.contains("<b>\"") && !page.contains("<i>"), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }

    #[test]
    fn an_operation_is_shown_with_bounds_and_an_example() {
        let page = rendered(&json!({
            "info": {},
            "tags": [{ "name": "jobs" }],
            "paths": { "/api/jobs": { "get": {
                "tags": ["jobs"], "operationId": "jobs_list", "summary": "List jobs",
                "parameters": [{ "name": "limit", "schema": { "type": "integer", "minimum": 1, "maximum": 200 } }],
                "responses": { "200": { "description": "A page of jobs" } },
            } } },
        }));
        for part in [
            "href=\"#jobs_list\"",
            "id=\"jobs_list\"",
            "1 to 200",
            "A page of jobs",
            "$STUDIO/api/jobs",
            "4008",
        ] {
            assert!(page.contains(part), "no {part} in {page}");
        }
    }
}
