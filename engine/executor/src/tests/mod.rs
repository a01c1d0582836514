//! Whole models in memory: runs, bundles and disputes.

mod dispute;
mod flips;
mod folders;
mod models;
mod recurrent;
mod runs;
mod weights;
