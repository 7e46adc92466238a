//! The models of the form, grouped by provider.

use serde::{Deserialize, Serialize};

use super::fields::SetUpFields;
use crate::providers::listing::ProviderListing;
use bench::types::Parameters;
use endpoint::{Model, ModelRef};

/// All models of the form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelMenu {
    pub groups: Vec<MenuGroup>,
}

/// One provider with its models, in the provider's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuGroup {
    /// The id of the provider's row, used in the address of its page.
    pub id: String,
    pub key: String,
    pub name: String,
    /// The provider kind's key, as for [`Dot`](ui::tag::Dot).
    pub hue: String,
    pub simulated: bool,
    /// On the user's own machine or network.
    pub local: bool,
    /// The reason why its models cannot be measured now.
    pub obstacle: Option<Obstacle>,
    pub models: Vec<MenuModel>,
}

/// The reason why a provider's models cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Its API key is missing or has to be entered again.
    NeedsKey,
    /// It has no models; with the reason, if there is one.
    NoModels(Option<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuModel {
    pub id: String,
    pub name: String,
    /// Size in tokens.
    pub context_window: Option<u64>,
}

impl MenuGroup {
    fn of(listing: &ProviderListing) -> Self {
        let models: Vec<MenuModel> =
            listing.switched_on().map(|listed| MenuModel::of(&listed.model)).collect();
        let obstacle = match (listing.usable(), models.is_empty()) {
            (false, _) => Some(Obstacle::NeedsKey),
            (true, true) => Some(Obstacle::NoModels(listing.problem.clone())),
            (true, false) => None,
        };
        Self {
            id: listing.id.clone(),
            key: listing.provider.key.clone(),
            name: listing.provider.display_name.clone(),
            hue: listing.provider.kind.facts().key.to_owned(),
            simulated: listing.provider.simulated(),
            local: listing.local(),
            obstacle,
            models,
        }
    }

    /// Returns the form's value for one of its models.
    pub fn value_of(&self, model: &MenuModel) -> String {
        format!("{}/{}", self.key, model.id)
    }

    /// Returns its models, if they can be measured.
    pub fn ready(&self) -> &[MenuModel] {
        if self.obstacle.is_none() { &self.models } else { &[] }
    }
}

impl MenuModel {
    fn of(model: &Model) -> Self {
        Self { id: model.id.clone(), name: model.display_name.clone(), context_window: model.context_window }
    }
}

impl ModelMenu {
    /// Lists the enabled providers with their enabled models.
    pub fn of(listings: &[ProviderListing]) -> Self {
        Self { groups: listings.iter().filter(|listing| listing.enabled).map(MenuGroup::of).collect() }
    }

    /// Returns the number of models that can be measured now.
    pub fn ready_count(&self) -> usize {
        self.groups.iter().map(|group| group.ready().len()).sum()
    }

    fn values(&self) -> impl Iterator<Item = String> {
        self.groups.iter().flat_map(|group| group.ready().iter().map(|model| group.value_of(model)))
    }

    /// Returns the form of a new user: the default parameters with the simulated models, which are free and
    /// always available.
    pub fn first_form(&self) -> SetUpFields {
        let simulated = self.groups.iter().filter(|group| group.simulated);
        let models = simulated.flat_map(|group| group.ready().iter().map(|model| group.value_of(model)));
        SetUpFields { models: models.collect(), ..SetUpFields::of(&Parameters::default(), []) }
    }

    /// Returns the form that repeats an earlier benchmark, without the models that no longer exist.
    pub fn form_again(&self, parameters: &Parameters, models: &[ModelRef]) -> SetUpFields {
        let mut fields = SetUpFields::of(parameters, models);
        let here: std::collections::HashSet<String> = self.values().collect();
        fields.models.retain(|model| here.contains(model));
        fields.models.dedup();
        fields
    }
}
