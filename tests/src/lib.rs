//! End-to-end tests and demonstrations on real node processes, through the client's library.
//!
//! | module | what it holds |
//! |---|---|
//! | [`devnet`], [`node`] | networks of node processes: start, stop, restart, logs, metrics |
//! | [`standing`] | what `assay-devnet` does: a network that is started and left running |
//! | [`recorder`] | every finalized block of a network, and the histories of jobs in them |
//! | [`roles`] | making accounts operators, watchers and publishers |
//! | [`inputs`] | the digits' held-out images and Magika's inputs for real files |
//! | [`demo`] | what `assay-demo` does: the main job, then the fraud |
//! | [`load`] | what `assay-load` does: many jobs beside noise |
//! | [`partition`] | what `assay-partition` does: a network cut and healed in the middle of disputes |
//! | [`command`] | what the programs share: options, logging, interruption, exit status |

pub mod command;
pub mod demo;
pub mod devnet;
pub mod inputs;
pub mod load;
pub mod node;
pub mod partition;
pub mod recorder;
pub mod roles;
pub mod standing;
