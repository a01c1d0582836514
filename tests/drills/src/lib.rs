//! Attacks on the game, played against the real runtime.
//!
//! A drill sets a [`Stage`]: a chain of the runtime in this process, a model, and actors. Honest ones
//! are [`Node`](actors::Node)s, which run the runtime's own off-chain workers over the real executor;
//! attackers are strategies of their own ([`Actor`]), and so is the author of the blocks ([`Author`]).
//! The [`World`] plays block by block; whatever becomes of it, the [`Ledger`] tells from the state of
//! the chain and from runs of the model, never from what the drill was meant to show.
//!
//! [`drills::all`] lists them; `scripts/drill` runs them.

pub mod account;
pub mod actors;
pub mod authors;
pub mod chain;
pub mod drill;
pub mod drills;
pub mod engine;
pub mod ledger;
pub mod narrate;
pub mod stage;
pub mod world;

pub use account::Account;
pub use chain::Chain;
pub use drill::{Drill, Outcome};
pub use engine::{Conduct, Model};
pub use ledger::Ledger;
pub use stage::{Cast, Stage};
pub use world::{Actor, Author, View, World};
