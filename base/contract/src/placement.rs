//! What the scheduler needs of placement.

use fault::Fault;
use std::collections::BTreeMap;
use store::Tx;

/// Amounts by resource class (`VCPU`, `MEMORY_MB`, `DISK_GB`).
pub type Amounts = BTreeMap<String, u64>;

/// How much a provider has of a resource class.
#[derive(Clone, Debug, PartialEq)]
pub struct Stock {
    /// All there is.
    pub total: u64,
    /// Kept for the host itself.
    pub reserved: u64,
    /// The most that one consumer may take.
    pub max_unit: u64,
    /// How often the total may be given away.
    pub allocation_ratio: f64,
}

/// A provider that has room for a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The provider's id: the host's id.
    pub provider_id: String,
    /// The provider's name: the host's name.
    pub name: String,
    /// The provider's generation when it was looked at: guards the claim.
    pub generation: i64,
    /// How much is there, by class.
    pub stock: BTreeMap<String, Stock>,
    /// How much of it is used, by class.
    pub used: Amounts,
}

impl Candidate {
    /// How much of a class is left for one consumer.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sizes of hosts"
    )]
    pub fn free(&self, class: &str) -> u64 {
        let Some(stock) = self.stock.get(class) else { return 0 };
        let capacity = (stock.total.saturating_sub(stock.reserved) as f64 * stock.allocation_ratio) as u64;
        let free = capacity.saturating_sub(self.used.get(class).copied().unwrap_or(0));
        free.min(stock.max_unit)
    }

    /// How much of it is free, as one number: shares of memory and processors, and half as much of the disk.
    #[expect(clippy::cast_precision_loss, reason = "sizes of hosts")]
    pub fn room(&self) -> f64 {
        let share = |class: &str| {
            let total = self.stock.get(class).map_or(1, |stock| stock.total.max(1));
            self.free(class) as f64 / total as f64
        };
        share("MEMORY_MB") + share("VCPU") + share("DISK_GB") * 0.5
    }
}

/// What the scheduler needs of placement.
pub trait Placement: Send + Sync + 'static {
    /// The provider exists with exactly this stock and these traits.
    fn provider_ensure(
        &self,
        tx: &Tx,
        id: &str,
        name: &str,
        stock: &BTreeMap<String, Stock>,
        traits: &[String],
    ) -> Result<(), Fault>;
    /// The provider and what is known of it are gone; refused (Conflict) while somebody has something of it.
    fn provider_remove(&self, tx: &Tx, id: &str) -> Result<(), Fault>;
    /// Providers with room for all of `amounts` that have the traits and none of the forbidden ones, by id.
    fn candidates(
        &self,
        tx: &Tx,
        amounts: &Amounts,
        required: &[String],
        forbidden: &[String],
    ) -> Result<Vec<Candidate>, Fault>;
    /// One provider, whether it has room or not.
    fn provider(&self, tx: &Tx, id: &str) -> Result<Option<Candidate>, Fault>;
    /// So many of the providers with the most [`Candidate::room`] first, by name among equals, after the first `skip`.
    fn roomiest(&self, tx: &Tx, skip: usize, most: usize) -> Result<Vec<Candidate>, Fault>;
    /// The traits of a provider.
    fn traits(&self, tx: &Tx, id: &str) -> Result<Vec<String>, Fault>;
    /// Gives the amounts of the provider to a consumer, instead of what it has. Conflict if the provider's generation
    /// moved on since it was looked at, or if there is no room any more.
    fn claim(
        &self,
        tx: &Tx,
        consumer_id: &str,
        candidate: &Candidate,
        amounts: &Amounts,
        project_id: &str,
        user_id: &str,
    ) -> Result<(), Fault>;
    /// The consumer has nothing any more. Nothing happens if it had nothing.
    fn release(&self, tx: &Tx, consumer_id: &str) -> Result<(), Fault>;
    /// What is used of each provider, by class.
    fn used(&self, tx: &Tx) -> Result<BTreeMap<String, Amounts>, Fault>;
}
