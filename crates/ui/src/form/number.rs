//! A field for a number with its unit and bounds.

use leptos::html::Input;
use leptos::prelude::*;

use super::binding::bind_text;
use super::field::{FieldFrame, FieldIds};
use super::text::initial;

/// What a number may be. The default allows any.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds {
    /// Smallest value; `None` allows any.
    pub min: Option<f64>,
    /// Largest value; `None` allows any.
    pub max: Option<f64>,
    /// The distance between two values that the arrow keys offer; none allows any value.
    pub step: Option<f64>,
}

impl Bounds {
    /// Whole numbers from `min` to `max`.
    pub const fn whole(min: f64, max: f64) -> Self {
        Self { min: Some(min), max: Some(max), step: Some(1.0) }
    }

    /// Any number from `min` to `max`; the arrow keys go by `step`.
    pub const fn between(min: f64, max: f64) -> Self {
        Self { min: Some(min), max: Some(max), step: None }
    }

    /// The number that `text` holds, none where it is empty.
    ///
    /// # Errors
    /// A sentence that says what the number has to be.
    pub fn parse(self, text: &str) -> Result<Option<f64>, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let number = number_of(text);
        if self.contain(number) { Ok(Some(number)) } else { Err(self.sentence()) }
    }

    fn contain(self, number: f64) -> bool {
        number.is_finite()
            && self.min.is_none_or(|min| number >= min)
            && self.max.is_none_or(|max| number <= max)
            && (!self.only_whole() || number.fract() == 0.0)
    }

    fn only_whole(self) -> bool {
        self.step == Some(1.0)
    }

    fn sentence(self) -> String {
        let what = if self.only_whole() { "a whole number" } else { "a number" };
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("Enter {what} from {min} to {max}."),
            (Some(min), None) => format!("Enter {what} of at least {min}."),
            (None, Some(max)) => format!("Enter {what} of at most {max}."),
            (None, None) => format!("Enter {what}."),
        }
    }
}

/// NaN where `text` holds no number.
#[cfg(feature = "ssr")]
fn number_of(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

/// As the browser reads it: the standard library's tables for it would weigh 13 kB there.
#[cfg(not(feature = "ssr"))]
fn number_of(text: &str) -> f64 {
    leptos::wasm_bindgen::JsValue::from_str(text).unchecked_into_f64()
}

/// A number. Bound to a signal it says itself when the number is out of bounds; `error` wins.
#[component]
pub fn NumberField(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    #[prop(optional, into)] id: Option<String>,
    /// As text, so that an empty field is not zero.
    #[prop(optional, into)]
    value: String,
    /// Follows the field and is followed by it, as text; [`Bounds::parse`] reads it.
    #[prop(optional)]
    bind: Option<RwSignal<String>>,
    #[prop(optional)] bounds: Bounds,
    /// Stands behind the number, in a lighter tone.
    #[prop(optional, into)]
    unit: Option<String>,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: MaybeProp<String>,
    /// What holds while the field is empty.
    #[prop(optional, into)]
    placeholder: Option<String>,
    #[prop(optional)] required: bool,
) -> impl IntoView {
    let ids = FieldIds::new(id, &name);
    let control = NodeRef::<Input>::new();
    bind_text(control, bind);
    let error = Signal::derive(move || {
        error.get().or_else(|| bind.and_then(|bound| bounds.parse(&bound.read()).err()))
    });
    let (described, hinted) = (ids.clone(), hint.is_some());
    let unit_id = unit.is_some().then(|| format!("{}-unit", ids.control));
    let unit_of = unit_id.clone();
    let described_by = move || {
        let texts = described.described_by(hinted, error.read().is_some());
        let parts: Vec<_> = unit_of.clone().into_iter().chain(texts).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    view! {
        <FieldFrame ids=ids.clone() label hint error>
            <div class="form-control form-number">
                <input
                    node_ref=control
                    id=ids.control
                    name=name
                    type="number"
                    value=initial(value, bind)
                    min=bounds.min
                    max=bounds.max
                    step=bounds.step.map_or("any".to_owned(), |step| step.to_string())
                    placeholder=placeholder
                    autocomplete="off"
                    required=required
                    aria-invalid=move || error.read().is_some().then_some("true")
                    aria-describedby=described_by
                    on:input:target=move |event| {
                        if let Some(bound) = bind {
                            bound.set(event.target().value());
                        }
                    }
                />
                {unit.map(|unit| view! { <span class="unit" id=unit_id>{unit}</span> })}
            </div>
        </FieldFrame>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_within_bounds_are_taken() {
        let runs = Bounds::whole(1.0, 20.0);
        assert_eq!(
            ["1", " 20 ", "", "  "].map(|text| runs.parse(text)),
            [Ok(Some(1.0)), Ok(Some(20.0)), Ok(None), Ok(None)]
        );
    }

    #[test]
    fn others_are_told_what_to_enter() {
        let runs = Bounds::whole(1.0, 20.0);
        for text in ["0", "21", "2.5", "two", "NaN", "inf"] {
            assert_eq!(runs.parse(text), Err("Enter a whole number from 1 to 20.".to_owned()), "{text}");
        }
        let temperature = Bounds { min: Some(0.0), ..Bounds::default() };
        assert_eq!(temperature.parse("-0.1"), Err("Enter a number of at least 0.".to_owned()));
        assert_eq!(Bounds::between(0.0, 2.0).parse("0.75"), Ok(Some(0.75)));
    }
}
