//! The models to choose from, grouped by provider.

use serde::{Deserialize, Serialize};

use super::fields::SetUpFields;
use crate::providers::listing::ProviderListing;
use bench::types::Parameters;
use endpoint::{Model, ModelRef};

/// What can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelMenu {
    pub groups: Vec<MenuGroup>,
}

/// One provider with its models, in its own order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuGroup {
    /// Names the row, and so the provider's own page.
    pub id: String,
    pub key: String,
    pub name: String,
    /// The provider kind's key, as for [`Dot`](ui::tag::Dot).
    pub hue: String,
    pub simulated: bool,
    /// On the user's own machine or network.
    pub local: bool,
    /// Why its models cannot be measured now.
    pub obstacle: Option<Obstacle>,
    pub models: Vec<MenuModel>,
}

/// Why a provider's models cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Its API key has to be entered, for the first time or anew.
    NeedsKey,
    /// Nothing is known of its models; why, where anyone knows.
    NoModels(Option<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuModel {
    pub id: String,
    pub name: String,
    /// Tokens.
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

    /// How the form names one of its models.
    pub fn value_of(&self, model: &MenuModel) -> String {
        format!("{}/{}", self.key, model.id)
    }

    /// Its models, if they can be measured.
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
    /// The providers that are switched on, with their models that are.
    pub fn of(listings: &[ProviderListing]) -> Self {
        Self { groups: listings.iter().filter(|listing| listing.enabled).map(MenuGroup::of).collect() }
    }

    /// How many models can be measured now.
    pub fn ready_count(&self) -> usize {
        self.groups.iter().map(|group| group.ready().len()).sum()
    }

    fn values(&self) -> impl Iterator<Item = String> {
        self.groups.iter().flat_map(|group| group.ready().iter().map(|model| group.value_of(model)))
    }

    /// The form as a new user finds it: the usual parameters with the simulated models, which cost
    /// nothing and are always there.
    pub fn first_form(&self) -> SetUpFields {
        let simulated = self.groups.iter().filter(|group| group.simulated);
        let models = simulated.flat_map(|group| group.ready().iter().map(|model| group.value_of(model)));
        SetUpFields { models: models.collect(), ..SetUpFields::of(&Parameters::default(), []) }
    }

    /// The form that asks for an earlier benchmark again, with those of its models that are still
    /// there.
    pub fn form_again(&self, parameters: &Parameters, models: &[ModelRef]) -> SetUpFields {
        let mut fields = SetUpFields::of(parameters, models);
        let here: std::collections::HashSet<String> = self.values().collect();
        fields.models.retain(|model| here.contains(model));
        fields.models.dedup();
        fields
    }
}
