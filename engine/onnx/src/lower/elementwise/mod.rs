//! Functions of single elements.

pub(crate) mod activation;
pub(crate) mod arithmetic;
pub(crate) mod cast;
