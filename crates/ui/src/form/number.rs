//! A field for a number with its unit and bounds.

use leptos::html::Input;
use leptos::prelude::*;

use super::binding::bind_text;
use super::field::{FieldFrame, FieldIds};
use super::text::initial;

/// Bounds of a number. The default allows any number.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds {
    /// Smallest value; `None` allows any.
    pub min: Option<f64>,
    /// Largest value; `None` allows any.
    pub max: Option<f64>,
    /// Step of the arrow keys; `None` allows any value.
    pub step: Option<f64>,
}

impl Bounds {
    /// Allows whole numbers from `min` to `max`.
    pub const fn whole(min: f64, max: f64) -> Self {
        Self { min: Some(min), max: Some(max), step: Some(1.0) }
    }

    /// Allows any number from `min` to `max`; the arrow keys change it by `step`.
    pub const fn between(min: f64, max: f64) -> Self {
        Self { min: Some(min), max: Some(max), step: None }
    }

    /// Parses `text`; `None` if it is empty.
    ///
    /// # Errors
    /// A sentence that says which numbers are valid.
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

/// Parses a number; NaN if `text` is not one.
#[cfg(feature = "ssr")]
fn number_of(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

/// Uses JavaScript's `Number`, because the standard library's tables would add 13 kB of WebAssembly.
#[cfg(not(feature = "ssr"))]
fn number_of(text: &str) -> f64 {
    leptos::wasm_bindgen::JsValue::from_str(text).unchecked_into_f64()
}

/// A number field. If bound to a signal, it shows an error while the number is out of bounds; `error` takes
/// precedence.
#[component]
pub fn NumberField(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    #[prop(optional, into)] id: Option<String>,
    /// As text, so that an empty field is not zero.
    #[prop(optional, into)]
    value: String,
    /// Bound to the field in both directions, as text; [`Bounds::parse`] parses it.
    #[prop(optional)]
    bind: Option<RwSignal<String>>,
    #[prop(optional)] bounds: Bounds,
    /// Unit after the number, in a lighter tone.
    #[prop(optional, into)]
    unit: Option<String>,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: MaybeProp<String>,
    /// The value that applies while the field is empty.
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
    fn numbers_within_bounds_are_accepted() {
        let runs = Bounds::whole(1.0, 20.0);
        assert_eq!(
            ["1", " 20 ", "", "  "].map(|text| runs.parse(text)),
            [Ok(Some(1.0)), Ok(Some(20.0)), Ok(None), Ok(None)]
        );
    }

    #[test]
    fn other_input_returns_what_to_enter() {
        let runs = Bounds::whole(1.0, 20.0);
        for text in ["0", "21", "2.5", "two", "NaN", "inf"] {
            assert_eq!(runs.parse(text), Err("Enter a whole number from 1 to 20.".to_owned()), "{text}");
        }
        let temperature = Bounds { min: Some(0.0), ..Bounds::default() };
        assert_eq!(temperature.parse("-0.1"), Err("Enter a number of at least 0.".to_owned()));
        assert_eq!(Bounds::between(0.0, 2.0).parse("0.75"), Ok(Some(0.75)));
    }
}
