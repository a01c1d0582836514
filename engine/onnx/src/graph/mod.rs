//! From a graph to values: what its inputs are bound to, which nodes are needed, and what control flow
//! comes to.

mod bind;
mod walk;

pub(crate) use bind::{bind, Bound, BoundInput};
pub(crate) use walk::{place, Walk};
