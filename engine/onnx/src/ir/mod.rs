//! The model while it is being compiled: values, and the ops that make them.

mod builder;
mod item;
mod op;
mod value;
mod view;

pub(crate) use builder::{Builder, Quantized};
pub(crate) use item::{Item, Picked, Size, What, ELEMENT_BYTES};
pub(crate) use op::{own_output, shape, users, Op};
pub(crate) use value::{Origin, Value};
pub(crate) use view::compose;
