//! Whole models in memory: runs, bundles and disputes.

mod dispute;
mod flips;
mod law;
mod models;
mod recurrent;
mod runs;
