//! Images: windows reduced and put back, sizes changed, values at computed places.

pub(crate) mod deform;
pub(crate) mod fold;
pub(crate) mod grid;
pub(crate) mod pool;
pub(crate) mod resize;
pub(crate) mod roi;
mod roi_adaptive;
pub(crate) mod suppression;
mod taps;
