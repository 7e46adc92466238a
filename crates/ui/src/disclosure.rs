//! Content shown on demand: disclosures and dropdown menus. Both are `<details>`.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{HtmlElement, Node};
use leptos_router::hooks::use_location;

/// A collapsible section, for example for advanced parameters.
#[component]
pub fn Disclosure(
    /// The line that is always visible.
    #[prop(into)]
    summary: String,
    /// Whether it is initially open.
    #[prop(optional)]
    open: bool,
    /// The collapsible content.
    children: Children,
) -> impl IntoView {
    view! {
        <details class="disclosure" open=open>
            <summary>{summary}</summary>
            <div class="pt-2">{children()}</div>
        </details>
    }
}

/// The side of the top bar that a menu's button is on. Its panel opens below the button and stays on the
/// screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// On the left.
    Left,
    /// On the right.
    Right,
}

/// A dropdown menu of the top bar: jobs, account.
///
/// Opens and closes without JavaScript, one menu at a time; with it, it also closes on Escape, on a
/// click elsewhere and when another page is shown. Needs a router around it.
#[component]
pub fn Menu(
    /// Accessible name of the button.
    #[prop(into)]
    label: Signal<String>,
    /// Content of the button.
    #[prop(into)]
    button: ViewFn,
    /// The side of the top bar that the button is on.
    #[prop(default = Side::Right)]
    side: Side,
    /// The content of the panel.
    children: Children,
) -> impl IntoView {
    let panel = match side {
        Side::Left => "menu-panel menu-panel-left",
        Side::Right => "menu-panel",
    };
    let menu = NodeRef::<html::Details>::new();
    let close = move || {
        if let Some(menu) = menu.get_untracked() {
            menu.set_open(false);
        }
    };
    close_elsewhere(menu);
    let address = use_location();
    Effect::new(move |before: Option<()>| {
        address.pathname.track();
        // A menu that was opened before hydration stays open.
        if before.is_some() {
            close();
        }
    });
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            close();
            focus_button(menu);
        }
    };
    view! {
        // `<details>` elements of one name close each other.
        <details node_ref=menu class="menu" name="top-bar-menu" on:keydown=on_key>
            <summary class="button px-2.5" aria-label=label title=label>
                {button.run()}
            </summary>
            <div class=panel>{children()}</div>
        </details>
    }
}

/// Closes the menu when something outside it is pressed or focused.
fn close_elsewhere(menu: NodeRef<html::Details>) {
    let close_if_outside = move |target: Option<Node>| {
        let Some(menu) = menu.get_untracked().filter(|menu| menu.open()) else { return };
        if !menu.contains(target.as_ref()) {
            menu.set_open(false);
        }
    };
    Effect::new(move |_| {
        let pressed = window_event_listener(ev::pointerdown, move |event| close_if_outside(node_of(&event)));
        let focused = window_event_listener(ev::focusin, move |event| close_if_outside(node_of(&event)));
        on_cleanup(move || {
            pressed.remove();
            focused.remove();
        });
    });
}

fn node_of(event: &leptos::web_sys::Event) -> Option<Node> {
    event.target()?.dyn_into().ok()
}

fn focus_button(menu: NodeRef<html::Details>) {
    let button = menu.get_untracked().and_then(|menu| menu.first_element_child());
    if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
        // Fails only for elements that cannot be focused.
        let _ = button.focus();
    }
}
