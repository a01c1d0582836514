//! Attention: queries, keys and values by heads, in the layouts of both domains.

pub(crate) mod contrib;
pub(crate) mod experts;
mod heads;
pub(crate) mod linear;
pub(crate) mod rotary;
mod scores;
pub(crate) mod standard;
