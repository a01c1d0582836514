//! Both sides of a dispute about an execution.
//!
//! An operator commits to a [`Trace`] and opens its nodes. A challenger, who has computed the same
//! honestly, walks down to the first difference and proves it; which node is next, and when a proof is
//! possible, is [`Trace::next_move`].

mod error;
mod game;
mod op_by_op;
mod prove;
mod proven;
mod published;
mod tamper;
mod trace;

pub use error::DisputeError;
pub use game::Move;
pub(crate) use op_by_op::OpByOp;
pub use tamper::Tamper;
pub use trace::Trace;
