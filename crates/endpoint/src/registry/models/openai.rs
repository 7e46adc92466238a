//! OpenAI: reasoning models have fixed sampling and count reasoning towards the token limit.
//!
//! <https://platform.openai.com/docs/guides/latest-model> and the errors of the API: sampling
//! parameters are accepted by reasoning models only from GPT-5.1 on and only with
//! `reasoning_effort` none; stop, penalties and `logit_bias` by none of them.

use super::version;
use crate::{
    registry::{draft::Draft, effort},
    types::ProviderKind,
};

/// The family of a model, from its id.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Family {
    /// o1, o3, o4-mini, …
    OSeries,
    /// GPT-5 and GPT-6 with their variants, apart from GPT-5's chat model.
    Gpt(version::Version),
    /// Models with built-in web search, which support almost no parameters.
    Search,
    /// GPT-3.5, GPT-4 and `gpt-5-chat`, which do not reason.
    Plain,
    /// Unknown models, for which nothing is changed.
    Unknown,
}

fn family(id: &str) -> Family {
    if version::after(id, "o").is_some() {
        return Family::OSeries;
    }
    if id.starts_with("gpt-") && id.contains("-search-") {
        return Family::Search;
    }
    match version::after(id, "gpt-") {
        Some((5, 0)) if id.starts_with("gpt-5-chat") => Family::Plain,
        Some(version @ (5 | 6, _)) => Family::Gpt(version),
        Some((3 | 4, _)) => Family::Plain,
        _ if id.starts_with("gpt-4o") || id.starts_with("chatgpt-4o") => Family::Plain,
        _ => Family::Unknown,
    }
}

/// Returns whether the limit is called `max_completion_tokens`, as for reasoning models.
pub(in crate::registry) fn wants_completion_tokens(draft: &Draft<'_>) -> bool {
    let search_of_5 = || draft.bare_id.starts_with("gpt-5-search");
    draft.kind == ProviderKind::Openai
        && (matches!(family(&draft.bare_id), Family::OSeries | Family::Gpt(_)) || search_of_5())
}

pub(super) fn apply(draft: &mut Draft<'_>) {
    match family(&draft.bare_id) {
        Family::OSeries => {
            effort::fit(draft, &["low", "medium", "high"]);
            fix_sampling(draft);
            drop_unsupported_by_reasoning(draft);
        }
        Family::Gpt(version) => {
            let levels = effort_levels(&draft.bare_id, version);
            effort::fit(draft, levels);
            if draft.text(effort::NAME) != Some("none") {
                fix_sampling(draft);
            }
            drop_unsupported_by_reasoning(draft);
        }
        Family::Search => drop_unsupported_by_search(draft),
        Family::Plain => {
            let reason = format!("{} has no reasoning mode.", draft.model_id);
            draft.drop(effort::NAME, reason);
        }
        Family::Unknown => {}
    }
}

/// Returns the levels that chat completions supports. Chat variants have only one level, and of GPT-6 only the
/// models named here support `none`.
fn effort_levels(id: &str, version: version::Version) -> &'static [&'static str] {
    const WITHOUT: [&str; 3] = ["gpt-6-luna", "gpt-6-sol", "gpt-6.1-terra"];
    let has = |word: &str| id.split('-').any(|part| part == word);
    match version {
        _ if has("chat") => &["medium"],
        (5, 0) if has("pro") => &["high"],
        _ if has("pro") => &["medium", "high", "xhigh"],
        (5, 0 | 1) if has("codex") && !has("max") => &["low", "medium", "high"],
        _ if has("codex") => &["low", "medium", "high", "xhigh"],
        (5, 0) => &["minimal", "low", "medium", "high"],
        (5, 1) => &["none", "low", "medium", "high"],
        (5, _) => &["none", "low", "medium", "high", "xhigh"],
        _ if WITHOUT.iter().any(|known| id.starts_with(known)) => &["none", "low", "medium", "high", "xhigh"],
        _ => &["low", "medium", "high", "xhigh"],
    }
}

fn fix_sampling(draft: &mut Draft<'_>) {
    let model = draft.model_id;
    if draft.bare_id.starts_with("o3-mini") {
        draft.drop("temperature", format!("{model} doesn’t support temperature."));
    }
    draft.clamp("temperature", 1.into(), format!("OpenAI fixes the temperature of {model} at 1."));
    for name in ["top_p", "logprobs", "top_logprobs"] {
        draft.drop(name, format!("{model} doesn’t support {name} while reasoning."));
    }
}

fn drop_unsupported_by_reasoning(draft: &mut Draft<'_>) {
    for name in ["stop", "frequency_penalty", "presence_penalty", "logit_bias", "prediction"] {
        draft.drop(name, format!("{} is a reasoning model and doesn’t support {name}.", draft.model_id));
    }
}

fn drop_unsupported_by_search(draft: &mut Draft<'_>) {
    let unknown = [
        "temperature",
        "top_p",
        "stop",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "logit_bias",
        effort::NAME,
    ];
    for name in unknown {
        draft.drop(name, format!("{} is a web search model and doesn’t support {name}.", draft.model_id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_matched_by_whole_words() {
        for id in ["o1", "o3-mini", "o4-mini-2025-04-16", "o5", "o1-preview"] {
            assert_eq!(family(id), Family::OSeries, "{id}");
        }
        for id in ["olmo-2", "omni-moderation", "o1x"] {
            assert_eq!(family(id), Family::Unknown, "{id}");
        }
        assert_eq!(family("gpt-5"), Family::Gpt((5, 0)));
        assert_eq!(family("gpt-5.2-2025-12-11"), Family::Gpt((5, 2)));
        assert_eq!(family("gpt-6-sol"), Family::Gpt((6, 0)));
        assert_eq!(family("gpt-5.1-chat-latest"), Family::Gpt((5, 1)));
        assert_eq!(family("gpt-5-chat-latest"), Family::Plain);
        assert_eq!(family("gpt-4o-mini"), Family::Plain);
        assert_eq!(family("gpt-4.1"), Family::Plain);
        assert_eq!(family("gpt-4o-search-preview"), Family::Search);
        assert_eq!(family("gpt-50"), Family::Unknown);
        assert_eq!(family("my-gpt-5"), Family::Unknown);
    }
}
