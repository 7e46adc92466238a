//! The queue of deferred parts in the browser.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use futures::channel::oneshot;
use leptos::attr::Attribute;
use leptos::attr::any_attribute::AnyAttribute;
use leptos::prelude::*;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::CastFrom;
use leptos::tachys::view::any_view::AnyViewState;
use leptos::tachys::view::{Mountable, Position, PositionState};
use leptos::web_sys::{Element, Node};

use super::yield_to_browser;

type Make = Box<dyn FnOnce() -> AnyView + Send>;

thread_local! {
    /// Parts that are not hydrated yet, in the order of the page.
    static QUEUE: RefCell<VecDeque<Weak<RefCell<Stage>>>> = const { RefCell::new(VecDeque::new()) };
    /// Waiters for the end of hydration; `None` after it.
    static WAITING: RefCell<Option<Vec<oneshot::Sender<()>>>> = const { RefCell::new(Some(Vec::new())) };
}

/// Waits until the whole page is hydrated.
pub async fn all_hydrated() {
    let (sender, receiver) = oneshot::channel();
    let waits = WAITING.with_borrow_mut(|waiting| waiting.as_mut().map(|waiting| waiting.push(sender)));
    if waits.is_some() {
        // Also returns if the sender is dropped.
        let _ = receiver.await;
    }
}

/// Hydrates all queued parts, each in a task of its own. Called once, after all parts are queued.
pub async fn run_deferred() {
    while let Some(stage) = QUEUE.with_borrow_mut(VecDeque::pop_front) {
        yield_to_browser().await;
        // Parts that were removed from the page are skipped.
        if let Some(stage) = stage.upgrade() {
            stage.borrow_mut().take_over();
        }
    }
    WAITING.take();
}

/// A view that is created when its part is hydrated.
pub(super) struct Part(Make);

impl Part {
    pub(super) fn new(make: impl FnOnce() -> AnyView + Send + 'static) -> Self {
        Self(Box::new(make))
    }
}

/// The hydration state of a part.
enum Stage {
    /// Not hydrated: the server's HTML, and the function that creates its view.
    Waiting {
        element: Element,
        make: Make,
        owner: Option<Owner>,
    },
    Alive(AnyViewState),
    /// During hydration, and after a panic.
    Gone,
}

impl Stage {
    fn take_over(&mut self) {
        *self = match std::mem::replace(self, Self::Gone) {
            Self::Waiting { element, make, owner } => {
                let hydrate = || {
                    let place = PositionState::new(Position::Current);
                    make().hydrate::<true>(&Cursor::new(element), &place)
                };
                Self::Alive(match owner {
                    Some(owner) => owner.with(hydrate),
                    None => hydrate(),
                })
            }
            other => other,
        };
    }
}

/// The state of a mounted part.
pub(super) struct PartState(Rc<RefCell<Stage>>);

impl Render for Part {
    type State = PartState;

    fn build(self) -> PartState {
        PartState(Rc::new(RefCell::new(Stage::Alive((self.0)().build()))))
    }

    fn rebuild(self, state: &mut PartState) {
        let mut stage = state.0.borrow_mut();
        stage.take_over();
        if let Stage::Alive(view) = &mut *stage {
            (self.0)().rebuild(view);
        }
    }
}

impl RenderHtml for Part {
    type AsyncOutput = AnyView;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> AnyView {
        (self.0)().resolve().await
    }

    fn to_html_with_buf(
        self,
        html: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        attributes: Vec<AnyAttribute>,
    ) {
        (self.0)().to_html_with_buf(html, position, escape, mark_branches, attributes);
    }

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> PartState {
        match position.get() {
            Position::Current => {}
            Position::FirstChild => cursor.child(),
            _ => cursor.sibling(),
        }
        let stage = match Element::cast_from(cursor.current()) {
            Some(element) => {
                position.set(Position::NextChild);
                Stage::Waiting { element, make: self.0, owner: Owner::current() }
            }
            // Not an element, which the contract forbids: hydrate it at once.
            None => {
                position.set(Position::Current);
                Stage::Alive((self.0)().hydrate::<FROM_SERVER>(cursor, position))
            }
        };
        let stage = Rc::new(RefCell::new(stage));
        QUEUE.with_borrow_mut(|queue| queue.push_back(Rc::downgrade(&stage)));
        PartState(stage)
    }

    fn into_owned(self) -> Self {
        self
    }
}

impl AddAnyAttr for Part {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, attribute: A) -> Self {
        let attribute = attribute.into_cloneable_owned();
        Self::new(move || (self.0)().add_any_attr(attribute).into_any())
    }
}

impl Mountable for PartState {
    fn unmount(&mut self) {
        match &mut *self.0.borrow_mut() {
            Stage::Waiting { element, .. } => element.unmount(),
            Stage::Alive(view) => view.unmount(),
            Stage::Gone => {}
        }
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        match &mut *self.0.borrow_mut() {
            Stage::Waiting { element, .. } => element.mount(parent, marker),
            Stage::Alive(view) => view.mount(parent, marker),
            Stage::Gone => {}
        }
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        match &*self.0.borrow() {
            Stage::Waiting { element, .. } => element.insert_before_this(child),
            Stage::Alive(view) => view.insert_before_this(child),
            Stage::Gone => false,
        }
    }

    fn elements(&self) -> Vec<Element> {
        match &*self.0.borrow() {
            Stage::Waiting { element, .. } => vec![element.clone()],
            Stage::Alive(view) => view.elements(),
            Stage::Gone => Vec::new(),
        }
    }
}
