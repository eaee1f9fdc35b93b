//! Plain data of placement: providers, what they have, what is taken of it, and whether more fits.

use kernel::Micros;

/// Something that resources are taken from: a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Rises with every change of what it has or gives.
    pub generation: i64,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

/// What a provider has of a resource class.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    /// The provider.
    pub provider_id: String,
    /// The resource class (`VCPU`).
    pub resource_class: String,
    /// All there is.
    pub total: u64,
    /// Kept for the host itself.
    pub reserved: u64,
    /// The least that a consumer may take.
    pub min_unit: u64,
    /// The most that a consumer may take.
    pub max_unit: u64,
    /// What a consumer takes is a multiple of this.
    pub step_size: u64,
    /// How often the total may be given away.
    pub allocation_ratio: f64,
    /// How much is taken.
    pub used: u64,
}

impl Inventory {
    /// How much can be given away in all.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "as Placement counts: floored, and amounts are far below 2^52"
    )]
    pub fn capacity(&self) -> u64 {
        ((self.total.saturating_sub(self.reserved)) as f64 * self.allocation_ratio).max(0.0) as u64
    }

    /// Whether one consumer can take so much more.
    pub fn has_room(&self, amount: u64) -> bool {
        let shape = amount >= self.min_unit
            && amount <= self.max_unit
            && amount.is_multiple_of(self.step_size.max(1));
        shape && self.used.saturating_add(amount) <= self.capacity()
    }
}

/// What a consumer has of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The consumer: a server.
    pub consumer_id: String,
    /// The provider.
    pub provider_id: String,
    /// The resource class.
    pub resource_class: String,
    /// How much.
    pub used: u64,
    /// The consumer's project.
    pub project_id: String,
    /// The consumer's user.
    pub user_id: String,
    /// Rises with every change of what the consumer has.
    pub consumer_generation: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_what_the_ratio_leaves_and_the_units_allow() {
        let mut one = Inventory {
            provider_id: String::new(),
            resource_class: "VCPU".into(),
            total: 4,
            reserved: 1,
            min_unit: 1,
            max_unit: 4,
            step_size: 1,
            allocation_ratio: 1.5,
            used: 0,
        };
        assert_eq!(one.capacity(), 4);
        assert!(one.has_room(4));
        assert!(!one.has_room(5));
        assert!(!one.has_room(0));
        one.used = 3;
        assert!(one.has_room(1));
        assert!(!one.has_room(2));
        one.step_size = 2;
        assert!(!one.has_room(1));
    }
}
