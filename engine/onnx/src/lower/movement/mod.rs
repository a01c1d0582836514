//! Operators that move, repeat, pick or place elements, and those that give shapes and constants.

pub(crate) mod arrange;
pub(crate) mod cache;
pub(crate) mod gather;
pub(crate) mod index;
pub(crate) mod pad;
pub(crate) mod ranges;
pub(crate) mod scatter;
pub(crate) mod shapes;
